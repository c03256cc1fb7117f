"""The request id: one name under which a request, what it rings for and what a worker does for it are logged."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.core.cache import caches
from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
#: The name under which it goes through Redis, among the headers of Celery's message.
MESSAGE_HEADER = "request_id"
#: Seconds for which it is known whose a prediction is.
KEEP = 3600
#: What a proxy or client may send: no more, since it is written into every line of the log.
_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Return the id of the request that this thread answers or works for; empty where there is none."""
    return _current.get()


def forget() -> None:
    """Do nothing more in the name of a request."""
    _current.set("")


def remember(predictions: Iterable[int]) -> None:
    """Keep for a while whose these are: whoever takes one may have been rung for another, or by the sweep."""
    if current():
        caches["redis"].set_many({_key(pk): current() for pk in predictions}, timeout=KEEP)


def go_on_for(prediction: int) -> None:
    """What is done from here on is done for the request that this prediction came with, as far as that is known."""
    found = caches["redis"].get(_key(prediction))
    _current.set(found if isinstance(found, str) else "")


def _key(prediction: int) -> str:
    return f"diagnosis.request_of:{prediction}"


def request_id(respond: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Take over the id that came with a request, or make one, and send it back."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get(HEADER, "")
        name = sent if _VALID.fullmatch(sent) else uuid.uuid4().hex
        token = _current.set(name)
        request.META["pneumodetect.request_id"] = name  # for what is logged of it once this has returned
        try:
            response = respond(request)
        finally:
            _current.reset(token)
        response[HEADER] = name
        return response

    return middleware


@before_task_publish.connect
def _send_along(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None and current():
        headers[MESSAGE_HEADER] = current()


@task_prerun.connect
def _take_up(task: Any = None, **_: Any) -> None:
    sent = getattr(task.request, MESSAGE_HEADER, None)
    _current.set(sent if isinstance(sent, str) and _VALID.fullmatch(sent) else "")


@task_postrun.connect
def _put_down(**_: Any) -> None:
    forget()
