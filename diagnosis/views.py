"""The pages: upload, history, result, and what is shown when something is wrong."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from diagnosis import worker
from diagnosis.api.problems import problem_response, status_of
from diagnosis.engine.errors import RadiographError
from diagnosis.engine.header import FORMATS_SENTENCE
from diagnosis.forms import UploadForm
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.paging import page_of
from diagnosis.submission import submit

PAGE_SIZE = 24
#: Browsers show these as they are; a TIFF they only download.
SHOWN_INLINE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The start page: a form that takes one radiograph and leads to its result."""
    form = UploadForm(request.POST or None, request.FILES or None) if request.method == "POST" else UploadForm()
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            radiograph = submit(request.user, form.cleaned_data["file"])
        except RadiographError as error:
            form.add_error("file", error.detail)
            status = status_of(error)
        else:
            if request.htmx:
                return HttpResponseClientRedirect(radiograph.get_absolute_url())
            return redirect(radiograph)
    elif request.method == "POST":
        status = 400
    template = "diagnosis/_upload_form.html" if request.htmx else "diagnosis/upload.html"
    context = {
        "form": form,
        "max_megabytes": settings.MAX_UPLOAD_BYTES // 1024**2,
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "formats": FORMATS_SENTENCE,
        "active_version": ModelVersion.objects.filter(active=True).first(),
    }
    return render(request, template, context, status=status)


@login_required
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """The user's radiographs, newest first."""
    radiographs = Radiograph.objects.owned_by(request.user).with_predictions()
    page = page_of(radiographs, before=request.GET.get("before", ""), size=PAGE_SIZE)
    return render(request, "diagnosis/history.html", {"page": page, "is_first": "before" not in request.GET})


@login_required
@require_GET
def radiograph(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The result page. Its middle part is the fragment that ``status`` renders anew until the prediction is final."""
    return render(request, "diagnosis/radiograph.html", _result_context(request, pk))


@login_required
@require_GET
def status(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The fragment of the result page that says how the prediction stands."""
    return render(request, "diagnosis/_result.html", _result_context(request, pk))


def _result_context(request: HttpRequest, pk: uuid.UUID) -> dict[str, Any]:
    own = _own(request, pk)
    prediction = own.prediction
    return {
        "radiograph": own,
        "prediction": prediction,
        "is_shown_inline": own.format in SHOWN_INLINE,
        "worker_is_alive": prediction.is_final or worker.is_any_alive(),
    }


@login_required
@require_GET
def image(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The file as it was uploaded."""
    own = _own(request, pk)
    try:
        file = own.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("The file of this radiograph is no longer there.") from error
    content_type = SHOWN_INLINE.get(own.format, "application/octet-stream")
    response = FileResponse(
        file, content_type=content_type, as_attachment=own.format not in SHOWN_INLINE, filename=own.filename
    )
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@login_required
@require_POST
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    own = _own(request, pk)
    own.delete()
    messages.success(request, f"“{own.filename}” and its result are deleted.")
    if request.htmx:
        return HttpResponseClientRedirect(reverse("diagnosis:history"))
    return redirect("diagnosis:history")


def _own(request: HttpRequest, pk: uuid.UUID) -> Radiograph:
    """Return the user's own radiograph; a stranger's does not exist."""
    return get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)


def _error_page(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(status, title, detail)
    template = "diagnosis/_upload_error.html" if getattr(request, "htmx", False) else "error.html"
    return render(request, template, {"title": title, "detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _error_page(request, 413, "Too large", str(exception))
    if isinstance(exception, MultiPartParserError):
        return _error_page(request, 400, "The upload could not be read", str(exception))
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
    return _error_page(
        request, 500, "Something went wrong here", "It is not your fault, and it has been logged. Try again later."
    )
