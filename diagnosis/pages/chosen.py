"""What can be done with many radiographs at once: those that are ticked in the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from diagnosis.asking_again import classify_again
from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.history.exporting import export_response
from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found
from diagnosis.history.tagging import LONGEST_TAG, TOO_MANY_TAGS, TooManyTags, drop_unused, tag, untag
from diagnosis.models import Radiograph
from diagnosis.pages.access import members_only, uuid_or_none
from diagnosis.pages.deleting import back_to_history
from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.querysets import RadiographQuerySet
from diagnosis.reviewing.blinding import disclose_all
from diagnosis.versions.choosing import NotOffered, version_asked_for

MOST_CHOSEN = 200
NOTHING_CHOSEN = gettext_lazy("Tick at least one X-ray of your own, then choose again what to do with it.")
TOO_MANY_CHOSEN = format_lazy(
    gettext_lazy("At most {most} X-rays can be chosen at once. Choose fewer."), most=MOST_CHOSEN
)
#: So many names are read out before something is deleted; the others are counted.
NAMED = 10

#: A view that gets the chosen radiographs as well, and whatever its address says.
ChosenView = Callable[..., HttpResponseBase]
#: Which radiographs a user may do something with.
Rows = Callable[[RadiographQuerySet, Any], RadiographQuerySet]


def of_chosen(view: ChosenView, rows: Rows = RadiographQuerySet.owned_by) -> Callable[..., HttpResponseBase]:
    """Hand over those of the ticked radiographs that are the user's own, or others that ``rows`` gives."""

    @members_only
    @never_cache
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest, **facts: Any) -> HttpResponseBase:
        wanted = {pk for text in request.POST.getlist("pk") if (pk := uuid_or_none(text))}
        if len(wanted) > MOST_CHOSEN:
            return _problem(request, str(TOO_MANY_CHOSEN))
        chosen = rows(Radiograph.objects.all(), request.user).filter(pk__in=wanted)
        if not wanted or not chosen.exists():
            return _problem(request, str(NOTHING_CHOSEN))
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
    done = ngettext(
        "{number} X-ray is deleted, with the results and the files.",
        "{number} X-rays are deleted, with the results and the files.",
        len(radiographs),
    )
    messages.success(request, done.format(number=len(radiographs)))
    return back_to_history(request)


class TagForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_TAG,
        error_messages={
            "required": gettext_lazy("Write the tag into the field beside the button."),
            "max_length": format_lazy(gettext_lazy("A tag has at most {most} characters."), most=LONGEST_TAG),
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
        messages.success(request, _("The tag “{name}” is off.").format(name=name))
        return back_to_history(request)
    try:
        filed = tag(request.user, radiographs, name)
    except TooManyTags:
        return _problem(request, str(TOO_MANY_TAGS))
    done = ngettext("{number} X-ray is tagged “{tag}”.", "{number} X-rays are tagged “{tag}”.", len(radiographs))
    messages.success(request, done.format(number=len(radiographs), tag=filed.name))
    return back_to_history(request)


@of_chosen
def classify(request: HttpRequest, chosen: RadiographQuerySet) -> HttpResponse:
    radiographs = list(chosen)
    try:
        version = version_asked_for(request)
    except NotOffered as error:
        return _problem(request, str(error))
    begun = len(classify_again(radiographs, version))
    if begun:
        if version:
            done = ngettext(
                "{number} X-ray is read again, by version {version}. Earlier results are kept.",
                "{number} X-rays are read again, by version {version}. Earlier results are kept.",
                begun,
            )
        else:
            done = ngettext(
                "{number} X-ray is read again, by the active model. Earlier results are kept.",
                "{number} X-rays are read again, by the active model. Earlier results are kept.",
                begun,
            )
        messages.success(request, done.format(number=begun, version=version))
    removed = sum(not each.has_image for each in radiographs)
    if removed:
        words = ngettext(
            "The image of {number} X-ray was removed, so it cannot be read again.",
            "The images of {number} X-rays were removed, so they cannot be read again.",
            removed,
        )
        messages.info(request, words.format(number=removed))
    if waiting := len(radiographs) - begun - removed:
        words = ngettext(
            "{number} X-ray is waiting for an answer already.",
            "{number} X-rays are waiting for an answer already.",
            waiting,
        )
        messages.info(request, words.format(number=waiting))
    return back_to_history(request)


@of_chosen
def export(request: HttpRequest, chosen: RadiographQuerySet, kind: str) -> HttpResponseBase:
    disclose_all(request.user)
    record_each(Verb.EXPORTED, Kind.RADIOGRAPH, chosen.values_list("pk", flat=True), details=kind)
    return export_response(Found((chosen,), ORDERS[NEWEST_FIRST]), kind)
