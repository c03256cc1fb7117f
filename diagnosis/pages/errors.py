"""What is shown when something is wrong: a page, or the part of one that was asked for, or the API's form of it."""

from __future__ import annotations

import errno
import sys
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from diagnosis.api.problems import problem_response
from diagnosis.retention.gone import status_of
from diagnosis.uploads import TOO_MUCH_TEXT, parse_error_sentence, size_error_sentence


def wants_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def error_page(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(status, detail)
    template = "diagnosis/_problem.html" if wants_fragment(request) else "error.html"
    context = {"title": title, "detail": detail, "status": status}
    # After a fault the database may be away, so that page does without the user and the messages.
    return HttpResponse(render_to_string(template, context, request if status < 500 else None), status=status)


def reason_page(request: HttpRequest, reason: Http404) -> HttpResponse:
    """Say why something is not there, or not any more."""
    status = status_of(reason)
    return error_page(request, status, _("Removed") if status == HTTPStatus.GONE else _("Not there"), str(reason))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return error_page(request, 413, _("Too large"), size_error_sentence(exception))
    if isinstance(exception, TooManyFieldsSent):
        return error_page(request, 400, _("Too many fields"), str(TOO_MUCH_TEXT))
    if isinstance(exception, MultiPartParserError):
        return error_page(request, 400, _("The upload could not be read"), parse_error_sentence(exception))
    return error_page(
        request, 400, _("The request could not be understood"), _("Go back, reload the page and try again.")
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, _("Not allowed"), _("Your account may not open this page."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without the secret that shows that this site itself made it."""
    return error_page(
        request,
        403,
        _("The form has expired"),
        _("It was open for too long or came from another site. Reload the page, and send it again."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        404,
        _("Not found"),
        _("There is nothing at this address. It may have been deleted, or it is not yours to see."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    fault = sys.exception()
    if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
        detail = _("The server’s disk is full, so nothing was stored. Try again later.")
        return error_page(request, 507, _("No space left"), detail)
    return error_page(
        request,
        500,
        _("Something went wrong here"),
        _("It is not your fault, and it has been logged. Try again later."),
    )
