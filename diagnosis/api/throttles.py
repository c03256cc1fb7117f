"""How many calls a user may make in a minute, and the headers that say how many are left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

Respond = Callable[[HttpRequest], HttpResponseBase]

#: Seconds in which calls are counted together.
WINDOW = 60
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Allowance:
    """What is left to a user of the calls of a scope, for so many seconds more."""

    scope: str
    limit: int
    used: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        left = max(self.limit - self.used, 0)
        return {
            "RateLimit-Policy": f'"{self.scope}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{self.scope}";r={left};t={self.seconds}',
        }


class ScopeThrottle(BaseThrottle):
    """Counts the calls of each user, or of each address that has not logged in, by scope and minute.

    The scope is ``read`` or ``write`` by the method, where the view's ``throttle_scopes`` names no other one for it.
    The rates are settings.API_RATES. As with failed logins, each web process counts by itself: see CACHES.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        method = request.method or "GET"
        usual = "read" if method in SAFE else "write"
        self.allowance = self._count(request, getattr(view, "throttle_scopes", {}).get(method, usual))
        request._request.allowance = self.allowance  # type: ignore[attr-defined]  # for rate_limit_headers
        return self.allowance.used <= self.allowance.limit

    def wait(self) -> float:
        return self.allowance.seconds

    def _count(self, request: Request, scope: str) -> Allowance:
        now = int(time.time())
        who = request.user.pk if request.user and request.user.is_authenticated else self.get_ident(request)
        key = f"calls:{scope}:{who}:{now // WINDOW}"
        cache = caches["default"]
        cache.add(key, 0, timeout=2 * WINDOW)
        try:
            used = cache.incr(key)
        except ValueError:  # dropped between the two, to make room
            used = 1
        return Allowance(scope, settings.API_RATES[scope], used, WINDOW - now % WINDOW)


def rate_limit_headers(
    respond: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Say with each answer that was counted, refusals too, how many calls are left."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = respond(request)
        allowance: Allowance | None = getattr(request, "allowance", None)
        for name, value in (allowance.headers if allowance else {}).items():
            response.headers[name] = value
        return response

    return middleware
