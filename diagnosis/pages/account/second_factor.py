"""Administrators without a second factor are led to where it is set up, where PNEUMODETECT_REQUIRE_2FA says so."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.people.two_factor import NEEDED, lacks_second_factor

#: Where one may be without it: on the way to it. The API answers for itself.
WITHOUT_SECOND_FACTOR = ("/accounts/", "/api/")


def staff_need_second_factor(
    respond: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_asked = settings.STAFF_NEED_SECOND_FACTOR and not request.path.startswith(WITHOUT_SECOND_FACTOR)
        return _lead_there(request) if is_asked and lacks_second_factor(request.user) else respond(request)

    return middleware


def _lead_there(request: HttpRequest) -> HttpResponseBase:
    if wants_fragment(request):
        return error_page(request, 403, "", str(NEEDED))
    messages.warning(request, str(NEEDED))
    return redirect("mfa_index")
