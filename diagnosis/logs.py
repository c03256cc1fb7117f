"""How lines of the log look: for people, or one JSON object each for a program that collects them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from diagnosis import tracing

#: What a line of JSON may hold beside its message: numbers and ids, nothing that names a person or a file.
EXTRAS = ("method", "route", "status", "milliseconds", "user", "radiograph", "prediction", "model_version")


class LineFormatter(logging.Formatter):
    """``2026-11-27 02:16:51,123 INFO diagnosis.tasks: words [request id]``"""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line, name = super().formatMessage(record), _request_id(record)
        return f"{line} [{name}]" if name else line


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, and where there are any request_id, exception and EXTRAS."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if name := _request_id(record):
            line["request_id"] = name
        line |= {name: getattr(record, name) for name in EXTRAS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _request_id(record: logging.LogRecord) -> str:
    """Return whose line it is. Django logs a refused request with the request itself, when all else is over."""
    meta = getattr(getattr(record, "request", None), "META", {})
    return tracing.current() or meta.get("pneumodetect.request_id", "")
