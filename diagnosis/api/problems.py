"""One form for every error of the API: application/problem+json (RFC 9457)."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from diagnosis.engine.errors import RadiographError

_STATUS = {"too_large": 413, "unsupported_format": 415}


def status_of(error: RadiographError) -> int:
    """Return the HTTP status that a refused upload is answered with, by page and API alike."""
    return _STATUS.get(error.code, 400)


def problem_response(
    status: int, title: str, detail: str, errors: Any = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        problem["errors"] = errors
    return JsonResponse(problem, status=status, content_type="application/problem+json", headers=headers)


def exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer every foreseen exception with a problem; None hands the rest to Django's 500 page, a problem as well."""
    set_rollback()
    if isinstance(exception, RadiographError):
        status = status_of(exception)
        return problem_response(status, _title(status), exception.detail, {"file": [exception.detail]})
    if isinstance(exception, RequestDataTooBig):
        return problem_response(413, _title(413), str(exception))
    if isinstance(exception, OSError) and exception.errno == errno.ENOSPC:
        return problem_response(507, _title(507), "The server's disk is full, so nothing was stored. Try again later.")
    if isinstance(exception, Http404):
        exception = exceptions.NotFound("There is nothing at this address, or it is not yours to see.")
    elif isinstance(exception, PermissionDenied):
        exception = exceptions.PermissionDenied()
    if isinstance(exception, exceptions.APIException):
        return _from_api_exception(exception)
    return None


def _from_api_exception(exception: exceptions.APIException) -> HttpResponse:
    headers = {}
    if challenge := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exception, "wait", None):
        headers["Retry-After"] = str(int(wait))
    status, detail = exception.status_code, exception.detail
    if isinstance(detail, dict | list):
        sentence = "Some fields are not as they must be; see errors."
        return problem_response(status, _title(status), sentence, detail, headers)
    return problem_response(status, _title(status), str(detail), headers=headers)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase
