"""All my data: what it is, and the zip."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from diagnosis.pages.access import members_only
from diagnosis.people.data_export import zip_of_all
from diagnosis.reviewing.blinding import disclose_all


@members_only
@never_cache
@require_http_methods(["GET", "HEAD"])
def my_data(request: HttpRequest) -> HttpResponse:
    return render(request, "diagnosis/account/my_data.html")


@members_only
@never_cache
@require_safe
@reauthentication_required
def download(request: HttpRequest) -> StreamingHttpResponse:
    """Send everything, to nobody who merely found the browser open."""
    disclose_all(request.user)
    response = StreamingHttpResponse(zip_of_all(request.user), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="PneumoDetect data {timezone.localdate()}.zip"'
    return response
