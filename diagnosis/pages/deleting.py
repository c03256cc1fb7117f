"""Deleting a radiograph, and the way back from there."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from diagnosis.history.tagging import drop_unused
from diagnosis.pages.access import members_only, own_radiograph
from diagnosis.pages.errors import wants_fragment


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
    messages.success(request, _("“{filename}” and its result are deleted.").format(filename=own.filename))
    return back_to_history(request)


def back_to_history(request: HttpRequest) -> HttpResponse:
    """Lead to the history as the query says it was filtered."""
    return redirect(reverse("diagnosis:history", query=request.GET))
