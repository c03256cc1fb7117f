"""What can be done with many radiographs at once: those that are ticked in the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.history.exporting import export_response
from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found
from diagnosis.history.tagging import LONGEST_TAG, TOO_MANY_TAGS, TooManyTags, drop_unused, tag, untag
from diagnosis.models import Radiograph
from diagnosis.pages.access import members_only, uuid_or_none
from diagnosis.pages.deleting import back_to_history
from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing.blinding import disclose_all
from diagnosis.submission import classify_again

MOST_CHOSEN = 200
NOTHING_CHOSEN = "Tick at least one X-ray, then choose again what to do with it."
TOO_MANY_CHOSEN = f"At most {MOST_CHOSEN} X-rays can be chosen at once. Choose fewer."
#: So many names are read out before something is deleted; the others are counted.
NAMED = 10

#: A view that gets the chosen radiographs as well, and whatever its address says.
ChosenView = Callable[..., HttpResponseBase]


def of_chosen(view: ChosenView) -> Callable[..., HttpResponseBase]:
    """Hand over those of the ticked radiographs that are the user's own."""

    @members_only
    @never_cache
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest, **facts: Any) -> HttpResponseBase:
        wanted = {pk for text in request.POST.getlist("pk") if (pk := uuid_or_none(text))}
        if len(wanted) > MOST_CHOSEN:
            return _problem(request, TOO_MANY_CHOSEN)
        chosen = Radiograph.objects.owned_by(request.user).filter(pk__in=wanted)
        if not wanted or not chosen.exists():
            return _problem(request, NOTHING_CHOSEN)
        return view(request, chosen, **facts)

    return guarded


def _problem(request: HttpRequest, sentence: str) -> HttpResponse:
    if wants_fragment(request):
        return error_page(request, 400, "", sentence)
    messages.error(request, sentence)
    return back_to_history(request)


@of_chosen
def delete(request: HttpRequest, chosen: RadiographQuerySet) -> HttpResponse:
    """Ask first, naming them; then delete rows and files."""
    radiographs = list(chosen)
    if "confirmed" not in request.POST:
        template = "diagnosis/_delete_chosen.html" if wants_fragment(request) else "diagnosis/delete_chosen.html"
        named, others = radiographs[:NAMED], len(radiographs[NAMED:])
        return render(request, template, {"radiographs": radiographs, "named": named, "others": others})
    chosen.delete()
    drop_unused(request.user)
    messages.success(request, f"{_count(len(radiographs))} deleted, with the results and the files.")
    return back_to_history(request)


def _count(number: int) -> str:
    return "1 X-ray is" if number == 1 else f"{number} X-rays are"


class TagForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_TAG,
        error_messages={
            "required": "Write the tag into the field beside the button.",
            "max_length": f"A tag has at most {LONGEST_TAG} characters.",
        },
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


@of_chosen
def set_tag(request: HttpRequest, chosen: RadiographQuerySet, is_on: bool) -> HttpResponse:
    form = TagForm(request.POST)
    if not form.is_valid():
        return _problem(request, str(form.errors["name"][0]))
    name, radiographs = form.cleaned_data["name"], list(chosen)
    if not is_on:
        untag(request.user, radiographs, name)
        messages.success(request, f"The tag “{name}” is off.")
        return back_to_history(request)
    try:
        filed = tag(request.user, radiographs, name)
    except TooManyTags:
        return _problem(request, TOO_MANY_TAGS)
    messages.success(request, f"{_count(len(radiographs))} tagged “{filed.name}”.")
    return back_to_history(request)


@of_chosen
def classify(request: HttpRequest, chosen: RadiographQuerySet) -> HttpResponse:
    radiographs = list(chosen)
    begun = len(classify_again(radiographs))
    if begun:
        messages.success(request, f"{_count(begun)} read again, by the active model. Earlier results are kept.")
    if waiting := len(radiographs) - begun:
        messages.info(request, f"{_count(waiting)} waiting for an answer already.")
    return back_to_history(request)


@of_chosen
def export(request: HttpRequest, chosen: RadiographQuerySet, kind: str) -> HttpResponseBase:
    disclose_all(request.user)
    return export_response(Found((chosen,), ORDERS[NEWEST_FIRST]), kind)
