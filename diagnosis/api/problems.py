"""One form for every error of the API: application/problem+json (RFC 9457)."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.views import set_rollback

from diagnosis.engine.errors import RadiographError
from diagnosis.retention.gone import Removed
from diagnosis.translation import translated
from diagnosis.uploads import parse_error_sentence, size_error_sentence


class Conflict(exceptions.APIException):
    """409; ``wait`` is the number of seconds after which it may go better."""

    status_code = 409

    def __init__(self, detail: str, wait: int | None = None) -> None:
        super().__init__(detail)
        self.wait = wait


class Gone(exceptions.APIException):
    status_code = 410


class Unprocessable(exceptions.APIException):
    status_code = 422


_STATUS = {"too_large": 413, "unsupported_format": 415}


def status_of(error: RadiographError) -> int:
    """Return the HTTP status that a refused upload is answered with, by page and API alike."""
    return _STATUS.get(error.code, 400)


def problem_of(status: int, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def problem_response(
    status: int, detail: str, errors: Any = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    problem = problem_of(status, detail)
    if errors:
        problem["errors"] = errors
    return JsonResponse(problem, status=status, content_type="application/problem+json", headers=headers)


def exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer every foreseen exception with a problem; None hands the rest to Django's 500 page, a problem as well."""
    set_rollback()
    if isinstance(exception, RadiographError):
        detail = translated(exception.detail)
        return problem_response(status_of(exception), detail, {"file": [detail]})
    if isinstance(exception, RequestDataTooBig):
        return problem_response(413, size_error_sentence(exception))
    if isinstance(exception, OSError) and exception.errno == errno.ENOSPC:
        return problem_response(507, _("The server's disk is full, so nothing was stored. Try again later."))
    if isinstance(exception, Removed):
        exception = Gone(str(exception))
    elif isinstance(exception, Http404):
        exception = exceptions.NotFound(_("There is nothing at this address, or it is not yours to see."))
    elif isinstance(exception, PermissionDenied):
        exception = exceptions.PermissionDenied()
    if isinstance(exception, exceptions.APIException):
        return _from_api_exception(exception, context)
    return None


def _from_api_exception(exception: exceptions.APIException, context: dict[str, Any]) -> HttpResponse:
    headers = {}
    if challenge := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exception, "wait", None):
        headers["Retry-After"] = str(int(wait))
    status = exception.status_code
    detail: Any = exception.detail
    if isinstance(exception, exceptions.UnsupportedMediaType):
        detail = f"{detail} {_right_form(context)}"
    if isinstance(exception, exceptions.NotAuthenticated):
        detail = _("You are not logged in. Send the header 'Authorization: Token …' with a token from auth/token/.")
    if isinstance(exception, exceptions.ParseError) and "Multipart" in str(detail):
        detail = parse_error_sentence(exception)
    if isinstance(detail, dict):
        return problem_response(status, _first_sentence(detail), detail, headers)
    return problem_response(status, str(detail), headers=headers)


def _right_form(context: dict[str, Any]) -> str:
    """Say what the address takes: the parsers of its view."""
    takes = [parser.media_type for parser in context["view"].parser_classes]
    if takes == ["multipart/form-data"]:
        return _("Send the radiograph as the field 'file' of multipart/form-data.")
    return _("Send {media_types}.").format(media_types=_(" or ").join(takes))


def _first_sentence(errors: dict[str, Any]) -> str:
    field, sentences = next(iter(errors.items()))
    return f"{sentences[0]}" if field in ("file", "non_field_errors") else f"{field}: {sentences[0]}"
