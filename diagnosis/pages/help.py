"""The help page, and the drawn radiograph that everybody may try."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from diagnosis.engine.sample import HEIGHT, WIDTH, sample_png
from diagnosis.limits import upload_limits
from diagnosis.models import ModelVersion
from diagnosis.pages.access import members_only
from diagnosis.retention.words import rules_in_words
from diagnosis.submission import submit

SAMPLE_NAME = "drawn sample.png"


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """What there is to know before one reads an answer. It needs no login: it is what a visitor wants to know."""
    context = {
        "limits": upload_limits(),
        "attempts": settings.MAX_ATTEMPTS,
        "sample_size": (WIDTH, HEIGHT),
        "retention": rules_in_words(request.user),
        "active_version": ModelVersion.objects.filter(active=True).first(),
    }
    return render(request, "diagnosis/help.html", context)


@require_safe
@cache_control(public=True, max_age=3600)
def sample(request: HttpRequest) -> HttpResponse:
    """The drawing, to be shown or, with ``?download``, to be kept."""
    response = HttpResponse(sample_png(), content_type="image/png")
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{SAMPLE_NAME}"'
    return response


@members_only
@require_POST
def try_sample(request: HttpRequest) -> HttpResponse:
    """Submit the drawing as if the user had uploaded it."""
    return redirect(submit(request.user, SimpleUploadedFile(SAMPLE_NAME, sample_png(), "image/png")))
