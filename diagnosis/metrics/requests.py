"""Counts and times the requests of this web process, by the route; an address would name a radiograph."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

logger = logging.getLogger(__name__)

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
disable_created_metrics()  # type: ignore[no-untyped-call]
#: Of this process alone. Up to half a minute, for which ``Prefer: wait`` may hold a request.
registry = CollectorRegistry()
_counter = Counter(
    "pneumodetect_http_requests", "Requests that were answered.", ["method", "route", "status"], registry=registry
)
_duration = Histogram(
    "pneumodetect_http_request_seconds",
    "From the request's headers to the first byte of the answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    registry=registry,
)
ProcessCollector(namespace="pneumodetect_web", registry=registry)


def measure(respond: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Count every request; log those that change something or fail, without name, address or query."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = respond(request)
        seconds = time.perf_counter() - started
        method, route = _method(request), _route(request)
        _counter.labels(method, route, response.status_code).inc()
        _duration.labels(method, route).observe(seconds)
        _log(request, method, route, response.status_code, seconds)
        return response

    return middleware


def _method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "other"


def _route(request: HttpRequest) -> str:
    """Return the pattern that the address fits: there are only so many, whatever strangers ask for."""
    return request.resolver_match.route if request.resolver_match else "none"


def _log(request: HttpRequest, method: str, route: str, status: int, seconds: float) -> None:
    if method in ("GET", "HEAD") and status < 500:
        return
    facts = {"method": method, "route": route, "status": status, "milliseconds": round(seconds * 1000)}
    words = "%s /%s: %s in %s ms"
    if (user := _known_user(request)) is not None:
        facts["user"] = user
        words += ", user %s"
    logger.info(words, *facts.values(), extra=facts)


def _known_user(request: HttpRequest) -> int | None:
    """Return the user's primary key where the view has asked who it is; the log alone costs no query."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject) and not hasattr(request, "_cached_user"):
        return None
    return getattr(user, "pk", None)
