"""The history: a user's radiographs, searched, filtered and sorted, a page at a time."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis.history.daily import chart_of
from diagnosis.history.exporting import export_response
from diagnosis.history.filters import FilterForm, starts_of
from diagnosis.history.paging import Page, page_of, read_mark
from diagnosis.history.saved_filters import SavedFilter
from diagnosis.models import Radiograph
from diagnosis.pages.access import members_only, uuid_or_none
from diagnosis.picture import SHOWN_INLINE
from diagnosis.reviewing.blinding import disclose_all, show_or_hide
from diagnosis.waiting import poll_milliseconds, waits_of

PAGE_SIZE = 24


@members_only
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """One page of what the filters leave. A filter that cannot be understood is said beside its field."""
    form = FilterForm(request.GET, request.user)
    if blinded := form.is_blinded:
        form.hide_answers()
    page = Page([])
    if is_valid := form.is_valid():
        found = form.found()
        page = page_of(found, read_mark(request.GET.get("cursor", ""), found.order), PAGE_SIZE)
        show_or_hide(request.user, page.radiographs, blinded)
    saved = _saved(form)
    context = {
        "form": form,
        "active": filters_in_words(form),
        "filters_in_use": len(form.active().keys() - {"search", "ordering"}),
        "saved": saved,
        "is_saved": any(is_active for _, is_active in saved),
        "chart": chart_of(request.user)
        if is_valid and not blinded and not form.active() and not page.before
        else None,
        "is_blinded": blinded,
        "page": page,
        "here": f"?{request.GET.urlencode()}" if request.GET else "",
        "shown_inline": SHOWN_INLINE,
        **_unfinished_of(page.radiographs),
    }
    return render(request, "diagnosis/history.html", context, status=200 if is_valid else 400)


def filters_in_words(form: FilterForm) -> list[dict[str, Any]]:
    """Return what is filtered by, in words, each with the query that does without it."""
    described = []
    for name, text in form.active().items():
        without = QueryDict(mutable=True)
        without.update(form.data)
        for given_up in (name, "cursor"):
            without.pop(given_up, None)
        field, cleaned = form.fields[name], getattr(form, "cleaned_data", {}).get(name)
        words = _day(cleaned) if isinstance(cleaned, date) else dict(getattr(field, "choices", [])).get(text, text)
        described.append({"field": field.label, "words": words, "without": without.urlencode()})
    return described


def _day(day: date) -> str:
    if isinstance(day, datetime):
        return date_format(timezone.localtime(starts_of(day)[0]), "SHORT_DATETIME_FORMAT")
    return date_format(day, "SHORT_DATE_FORMAT")


def _saved(form: FilterForm) -> list[tuple[SavedFilter, bool]]:
    """Return the owner's saved filters, each with whether it is the one in use."""
    active = form.active()
    own = SavedFilter.objects.owned_by(form.owner)
    return [(saved, QueryDict(saved.query).dict() == active) for saved in own]


@members_only
@never_cache
@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """All that the filters leave of the user's own, as a file."""
    form = FilterForm(request.GET, request.user)
    if not form.is_valid():
        return history(request)
    disclose_all(request.user)
    return export_response(form.found_own(), kind)


@members_only
@never_cache
@require_safe
def outcomes(request: HttpRequest) -> HttpResponse:
    """The fragment that brings those rows of the history up to date whose predictions were not final before."""
    asked = request.GET.getlist("pk")[:PAGE_SIZE]
    wanted = [pk for text in asked if (pk := uuid_or_none(text))]
    radiographs = list(Radiograph.objects.visible_to(request.user).filter(pk__in=wanted).with_predictions())
    show_or_hide(request.user, radiographs)
    unfinished = _unfinished_of(radiographs)
    if request.GET.get("seen") == unfinished["seen"] and len(unfinished["unfinished"]) == len(asked):
        return HttpResponse(status=204)
    return render(request, "diagnosis/_outcomes.html", {"radiographs": radiographs, **unfinished})


def _unfinished_of(radiographs: list[Radiograph]) -> dict[str, Any]:
    """What the rows that are not final need to bring themselves up to date; ``seen`` tells whether that changed."""
    unfinished = [radiograph for radiograph in radiographs if not radiograph.prediction.is_final]
    waits = waits_of(radiograph.prediction for radiograph in unfinished)
    pauses = [max(poll_milliseconds(each.prediction), waits[each.prediction.pk].pause) for each in unfinished]
    poll = max(1000, min(pauses, default=0))
    said = sorted((pk, wait.words) for pk, wait in waits.items())
    seen = hashlib.sha256(f"{poll}{said}".encode()).hexdigest()[:12]
    return {"unfinished": unfinished, "waits": waits, "poll": poll, "seen": seen}
