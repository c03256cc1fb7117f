"""The pages: upload, history, result, and what is shown when something is wrong."""

from __future__ import annotations

import errno
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
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
from django_htmx.http import HttpResponseClientRedirect

from diagnosis import worker
from diagnosis.api.problems import problem_response, status_of
from diagnosis.engine.errors import RadiographError
from diagnosis.engine.header import FORMATS_SENTENCE
from diagnosis.forms import UploadForm
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.paging import page_of
from diagnosis.submission import submit
from diagnosis.uploads import parse_error_sentence, too_large_sentence

PAGE_SIZE = 24
#: Browsers show these as they are; a TIFF they only download.
SHOWN_INLINE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
LOGGED_OUT = "You are logged out. Log in again, then repeat what you did."


def members_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Lead strangers to the login page. A part of a page cannot become one, so it says what to do instead."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if _wants_fragment(request) and not request.user.is_authenticated:
            return _error_page(request, 401, "", LOGGED_OUT)
        return login_required(view)(request, *args, **kwargs)

    return guarded


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The start page: a form that takes one radiograph and leads to its result."""
    if request.method != "POST":
        return _upload_page(request, UploadForm(), 200)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form, 400)
    try:
        radiograph = submit(request.user, form.cleaned_data["file"])
    except RadiographError as error:
        form.add_error("file", error.detail)
        return _upload_page(request, form, status_of(error))
    if _wants_fragment(request):
        return HttpResponseClientRedirect(radiograph.get_absolute_url())
    return redirect(radiograph)


def _upload_page(request: HttpRequest, form: UploadForm, status: int) -> HttpResponse:
    problem = str(form.errors["file"][0]) if form.errors else ""
    if _wants_fragment(request):  # the form stays on the page as it is, with the file that was chosen
        return _error_page(request, status, "", problem)
    context = {
        "form": form,
        "problem": problem,
        "max_megabytes": settings.MAX_UPLOAD_BYTES // 1024**2,
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "too_large": too_large_sentence(),
        "formats": FORMATS_SENTENCE,
        "active_version": ModelVersion.objects.filter(active=True).first(),
    }
    return render(request, "diagnosis/upload.html", context, status=status)


@members_only
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The user's radiographs, newest first."""
    before = request.GET.get("before", "")
    radiographs = Radiograph.objects.owned_by(request.user).with_predictions()
    page = page_of(radiographs, before=before, size=PAGE_SIZE)
    context = {"page": page, "before": before, "shown_inline": SHOWN_INLINE, **_unfinished_of(page.radiographs)}
    return render(request, "diagnosis/history.html", context)


@members_only
@never_cache
@require_safe
def outcomes(request: HttpRequest) -> HttpResponse:
    """The fragment that brings those rows of the history up to date whose predictions were not final before."""
    asked = request.GET.getlist("pk")[:PAGE_SIZE]
    wanted = [pk for text in asked if (pk := _uuid_or_none(text))]
    radiographs = list(Radiograph.objects.owned_by(request.user).filter(pk__in=wanted).with_predictions())
    unfinished = _unfinished_of(radiographs)
    if len(unfinished["unfinished"]) == len(asked) and request.GET.get("poll") == str(unfinished["poll"]):
        return HttpResponse(status=204)
    return render(request, "diagnosis/_outcomes.html", {"radiographs": radiographs, **unfinished})


def _uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _unfinished_of(radiographs: list[Radiograph]) -> dict[str, Any]:
    unfinished = [radiograph for radiograph in radiographs if not radiograph.prediction.is_final]
    polls = [_poll_milliseconds(radiograph.prediction) for radiograph in unfinished]
    return {"unfinished": unfinished, "poll": max(2000, min(polls, default=0))}


def _poll_milliseconds(prediction: Prediction) -> int:
    """How soon to ask again: an answer takes a moment, so what has waited for long can wait a little longer."""
    waited = (timezone.now() - prediction.queued_at).total_seconds()
    return 200 if waited < 2 else 500 if waited < 20 else 2000 if waited < 120 else 5000


@members_only
@never_cache
@require_safe
def radiograph(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The result page. Its middle part is the fragment that ``status`` renders anew until the prediction is final."""
    return render(request, "diagnosis/radiograph.html", _result_context(_own(request, pk)))


@members_only
@never_cache
@require_safe
def status(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The fragment of the result page that says how the prediction stands; empty where it is as it was ``seen``."""
    context = _result_context(_own(request, pk))
    if request.GET.get("seen") == context["state"]:
        return HttpResponse(status=204)
    return render(request, "diagnosis/_result.html", context)


def _result_context(radiograph: Radiograph) -> dict[str, Any]:
    prediction = radiograph.prediction
    worker_is_alive = prediction.is_final or worker.is_any_alive()
    poll = _poll_milliseconds(prediction)
    queued, started, finished = prediction.queued_at, prediction.started_at, prediction.finished_at
    return {
        "radiograph": radiograph,
        "prediction": prediction,
        "is_shown_inline": radiograph.format in SHOWN_INLINE,
        "worker_is_alive": worker_is_alive,
        "poll": poll,
        "state": f"{prediction.status}-{worker_is_alive:d}-{poll}",
        "waited": started and max(started - queued, timedelta(0)),
        "ran": started and finished and finished - started,
    }


@members_only
@require_safe
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The file as it was uploaded. Browsers may keep it, but ask each time whether it may still be shown."""
    own = _own(request, pk)
    etag = quote_etag(own.sha256)
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = _file_response(own)
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _file_response(own: Radiograph) -> FileResponse:
    try:
        file = own.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("The file of this radiograph is no longer there.") from error
    content_type = SHOWN_INLINE.get(own.format, "application/octet-stream")
    return FileResponse(
        file, content_type=content_type, as_attachment=own.format not in SHOWN_INLINE, filename=own.filename
    )


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first, as a page or as a dialogue on the page; then delete, and go back to the same part of the history."""
    own = _own(request, pk)
    before = request.GET.get("before", "")
    if request.method != "POST":
        template = "diagnosis/_delete.html" if _wants_fragment(request) else "diagnosis/delete.html"
        return render(request, template, {"radiograph": own, "before": before})
    own.delete()
    messages.success(request, f"“{own.filename}” and its result are deleted.")
    return redirect(reverse("diagnosis:history", query={"before": before} if before else None))


def _own(request: HttpRequest, pk: uuid.UUID) -> Radiograph:
    """Return the user's own radiograph; a stranger's does not exist."""
    return get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)


def _wants_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _error_page(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(status, detail)
    template = "diagnosis/_problem.html" if _wants_fragment(request) else "error.html"
    context = {"title": title, "detail": detail, "status": status}
    # After a fault the database may be away, so that page does without the user and the messages.
    return HttpResponse(render_to_string(template, context, request if status < 500 else None), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _error_page(request, 413, "Too large", str(exception))
    if isinstance(exception, MultiPartParserError):
        return _error_page(request, 400, "The upload could not be read", parse_error_sentence(exception))
    return _error_page(request, 400, "The request could not be understood", "Go back, reload the page and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(request, 403, "Not allowed", "Your account may not open this page.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without the secret that shows that this site itself made it."""
    return _error_page(
        request,
        403,
        "The form has expired",
        "It was open for too long or came from another site. Reload the page, and send it again.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(request, 404, "Not found", "There is nothing at this address, or it is not yours to see.")


def server_error(request: HttpRequest) -> HttpResponse:
    fault = sys.exception()
    if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
        detail = "The server’s disk is full, so nothing was stored. Try again later."
        return _error_page(request, 507, "No space left", detail)
    return _error_page(
        request, 500, "Something went wrong here", "It is not your fault, and it has been logged. Try again later."
    )
