"""Gunicorn's threaded worker, with an end to the patience that it has for a client, and its log."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from diagnosis.logs import JsonFormatter

#: A client that neither sends nor takes anything for so long has hung up. Gunicorn itself would wait for ever, and a
#: few clients that have begun a request would hold every thread.
SILENCE_SECONDS = 30.0


class ImpatientSocket:
    """A socket that reads as ended once its client has been silent for too long, and stays so."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._is_over = False

    def setblocking(self, blocking: bool) -> None:
        """What gthread calls before each request, and before it lets the poller wait for the next."""
        self._socket.settimeout(SILENCE_SECONDS if blocking else 0.0)

    def recv(self, *args: Any) -> bytes:
        if self._is_over:
            return b""
        try:
            received: bytes = self._socket.recv(*args)
        except TimeoutError:
            self._is_over = True
            return b""
        return received

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class ImpatientWorker(ThreadWorker):
    def enqueue_req(self, conn: Any) -> None:
        if not isinstance(conn.sock, ImpatientSocket):
            conn.sock = ImpatientSocket(conn.sock)
        super().enqueue_req(conn)


class PlatformLogger(Logger):
    """Gunicorn's own lines, in the form that the platform's log has."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if os.environ.get("PNEUMODETECT_LOG_FORMAT") == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonFormatter())
