"""Answers that a program has already are not sent again (RFC 9110, conditional requests)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

Respond = Callable[[HttpRequest], HttpResponseBase]

API = "/api/v1/"


def conditional_get(respond: Respond) -> Respond:
    """Give each whole answer of the API to a GET a weak ETag, and answer 304 to whoever names it.

    It is made of the answer itself, so that it can never be out of date, whatever an answer comes to depend on.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = respond(request)
        if not _is_taggable(request, response):
            return response
        whole = cast("HttpResponse", response)
        etag = f'W/"{hashlib.sha256(whole.content).hexdigest()[:32]}"'
        whole.headers["ETag"] = etag
        whole.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(whole, ("Accept", "Authorization", "Cookie"))
        return cast("HttpResponseBase", get_conditional_response(request, etag=etag, response=whole))

    return middleware


def _is_taggable(request: HttpRequest, response: HttpResponseBase) -> bool:
    is_call = request.method in ("GET", "HEAD") and request.path.startswith(API)
    return is_call and response.status_code == 200 and not response.streaming and not response.has_header("ETag")
