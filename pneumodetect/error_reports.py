"""Errors to Sentry, or what speaks like it, where SENTRY_DSN names one. Nothing of a person or an image goes along."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def start(address: str) -> None:
    """Begin to report errors to ``address``; do nothing where it is empty."""
    if not address:
        return
    if not importlib.util.find_spec("sentry_sdk"):
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, and sentry-sdk is not installed. Install it (.venv/bin/pip install sentry-sdk), or "
            "unset SENTRY_DSN."
        )
    sentry: Any = importlib.import_module("sentry_sdk")
    try:
        sentry.init(
            dsn=address,
            send_default_pii=False,
            include_local_variables=False,  # they hold images, names of files and users
            max_request_body_size="never",
            max_breadcrumbs=0,
            traces_sample_rate=None,
            before_send=without_persons,
        )
    except ValueError as error:
        raise ImproperlyConfigured(f"SENTRY_DSN cannot be used: {error}.") from None


def without_persons(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Take out of a report what says who asked for what: the user, and of the request all but its method."""
    for part in ("user", "breadcrumbs", "extra"):  # the last holds a command's arguments
        event.pop(part, None)
    if "request" in event:
        event["request"] = {"method": event["request"].get("method", "")}
    return event
