"""Filters of the history that a user names, to find them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.history.filters import FilterForm
from diagnosis.history.saved_filters import LONGEST_NAME, MOST_SAVED, SavedFilter
from diagnosis.pages.access import members_only
from diagnosis.pages.deleting import back_to_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class SavedFilterForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME,
        error_messages={
            "required": gettext_lazy("Write a name for the filter, and save it again."),
            "max_length": format_lazy(
                gettext_lazy("The name of a filter has at most {most} characters."), most=LONGEST_NAME
            ),
        },
    )


@members_only
@never_cache
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Give the filters of the query a name; one of that name is replaced."""
    name, filters = SavedFilterForm(request.POST), FilterForm(request.GET, request.user)
    own = SavedFilter.objects.owned_by(request.user)
    if not name.is_valid():
        messages.error(request, str(name.errors["name"][0]))
    elif not filters.is_valid() or not filters.active():
        messages.error(request, _("Filter the history first, then save the filter."))
    elif own.count() >= MOST_SAVED:
        words = _("You have {most} saved filters, which is the most. Forget one of them first.")
        messages.error(request, words.format(most=MOST_SAVED))
    else:
        called = " ".join(name.cleaned_data["name"].split())
        own.filter(name__iexact=called).delete()
        own.create(owner=cast("User", request.user), name=called, query=urlencode(filters.active()))
        messages.success(request, _("The filter is saved as “{name}”.").format(name=called))
    return back_to_history(request)


@members_only
@never_cache
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    saved = get_object_or_404(SavedFilter.objects.owned_by(request.user), pk=pk)
    saved.delete()
    messages.success(request, _("The filter “{name}” is forgotten.").format(name=saved.name))
    return redirect("diagnosis:history")
