"""What the pages share: who may see them, pictures, deleting, and what is shown when something is wrong."""

from __future__ import annotations

import errno
import sys
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from diagnosis.api.problems import problem_response
from diagnosis.models import Prediction, Radiograph
from diagnosis.picture import SHOWN_INLINE, is_preview_coming
from diagnosis.tagging import drop_unused
from diagnosis.uploads import TOO_MUCH_TEXT, parse_error_sentence, size_error_sentence

Picture = Literal["file", "preview", "thumbnail"]
#: The endings and content types of the pictures that workers make.
MADE = {"preview": (".png", "image/png"), "thumbnail": (".jpg", "image/jpeg")}
LOGGED_OUT = "You are logged out. Log in again, then repeat what you did."


def members_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Lead strangers to the login page. A part of a page cannot become one, so it says what to do instead."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if wants_fragment(request) and not request.user.is_authenticated:
            return error_page(request, 401, "", LOGGED_OUT)
        return login_required(view)(request, *args, **kwargs)

    return guarded


def uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def poll_milliseconds(prediction: Prediction) -> int:
    """How soon to ask again: an answer takes a moment, so what has waited for long can wait a little longer."""
    waited = (timezone.now() - prediction.queued_at).total_seconds()
    return 200 if waited < 2 else 500 if waited < 20 else 2000 if waited < 120 else 5000


@members_only
@require_safe
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A picture that browsers show. They may keep it, but ask each time whether it may still be shown."""
    own = own_radiograph(request, pk)
    return picture_response(request, own, _shown(own))


@members_only
@require_safe
def thumbnail(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The picture for lists. Until a worker has made the small one, the large one, whose place is the same."""
    own = own_radiograph(request, pk)
    if own.thumbnail:
        return picture_response(request, own, "thumbnail")
    is_preview_coming(own)
    return picture_response(request, own, _shown(own))


def _shown(own: Radiograph) -> Picture:
    """Say which file of it browsers can show; Http404 where there is none yet."""
    if own.preview and own.format not in ("JPEG", "WEBP"):
        return "preview"
    if own.format not in SHOWN_INLINE:
        is_preview_coming(own)
        raise Http404("There is no picture of this radiograph, or not yet.")
    return "file"


def picture_response(request: HttpRequest, own: Radiograph, picture: Picture) -> HttpResponseBase:
    """Send one of its files, with an ETag."""
    etag = quote_etag(own.sha256 if picture == "file" else f"{own.sha256}-{picture}")
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _file_response(own, picture)
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _file_response(own: Radiograph, picture: Picture) -> FileResponse:
    try:
        file = getattr(own, picture).open("rb")
    except FileNotFoundError as error:
        raise Http404("The file of this radiograph is no longer there.") from error
    suffix, content_type = MADE[picture] if picture in MADE else ("", SHOWN_INLINE[own.format])
    return FileResponse(file, content_type=content_type, filename=f"{own.filename}{suffix}")


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first, as a page or as a dialogue on the page; then delete, and go back to the same part of the history.

    Which part that is, the query says.
    """
    own = own_radiograph(request, pk)
    if request.method != "POST":
        template = "diagnosis/_delete.html" if wants_fragment(request) else "diagnosis/delete.html"
        return render(request, template, {"radiograph": own})
    own.delete()
    drop_unused(request.user)
    messages.success(request, f"“{own.filename}” and its result are deleted.")
    return back_to_history(request)


def back_to_history(request: HttpRequest) -> HttpResponse:
    """Lead to the history as the query says it was filtered."""
    return redirect(reverse("diagnosis:history", query=request.GET))


def own_radiograph(request: HttpRequest, pk: uuid.UUID) -> Radiograph:
    """Return the user's own radiograph; a stranger's does not exist."""
    return get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)


def wants_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def error_page(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(status, detail)
    template = "diagnosis/_problem.html" if wants_fragment(request) else "error.html"
    context = {"title": title, "detail": detail, "status": status}
    # After a fault the database may be away, so that page does without the user and the messages.
    return HttpResponse(render_to_string(template, context, request if status < 500 else None), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return error_page(request, 413, "Too large", size_error_sentence(exception))
    if isinstance(exception, TooManyFieldsSent):
        return error_page(request, 400, "Too many fields", TOO_MUCH_TEXT)
    if isinstance(exception, MultiPartParserError):
        return error_page(request, 400, "The upload could not be read", parse_error_sentence(exception))
    return error_page(request, 400, "The request could not be understood", "Go back, reload the page and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, "Not allowed", "Your account may not open this page.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without the secret that shows that this site itself made it."""
    return error_page(
        request,
        403,
        "The form has expired",
        "It was open for too long or came from another site. Reload the page, and send it again.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(
        request,
        404,
        "Not found",
        "There is nothing at this address. It may have been deleted, or it is not yours to see.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    fault = sys.exception()
    if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
        detail = "The server’s disk is full, so nothing was stored. Try again later."
        return error_page(request, 507, "No space left", detail)
    return error_page(
        request, 500, "Something went wrong here", "It is not your fault, and it has been logged. Try again later."
    )
