"""Second reading: a verdict on the result page, and the list of what is still to be read."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found, count_of, page_of, read_mark
from diagnosis.models import Radiograph, Review
from diagnosis.pages.access import members_only, visible_radiograph
from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.picture import picture_url
from diagnosis.reviewing import blinding
from diagnosis.reviewing.recording import TOO_MANY_REVIEWS, TooManyReviews, VerdictForm, record
from diagnosis.reviewing.second_reading import second_reading, to_count_unread_by, unread_by, verdicts_of

#: Of what is still to be read, no more are counted.
MOST_COUNTED = 100


@members_only
@never_cache
@require_POST
def review(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a verdict on the result page, and show the card anew; the whole page where the answer was hidden."""
    radiograph = visible_radiograph(request, pk)
    was_hidden = bool(blinding.hidden_from(request.user, [radiograph]))
    saved, problem = _save(request, radiograph)
    if not saved:
        return _problem(request, radiograph, problem)
    if not wants_fragment(request):
        messages.success(request, _("Your verdict is saved."))
        return redirect(radiograph)
    if was_hidden:
        return HttpResponseClientRefresh()
    blinding.show_or_hide(request.user, [radiograph])
    context = {"radiograph": radiograph, "is_saved": True, **second_reading(request, radiograph)}
    return render(request, "diagnosis/reviewing/_second_reader.html", context)


def _save(request: HttpRequest, radiograph: Radiograph) -> tuple[Review | None, str]:
    """Return the verdict, or why there is none."""
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return None, " ".join(str(sentence) for sentences in form.errors.values() for sentence in sentences)
    try:
        return record(radiograph, request.user, **form.cleaned_data), ""
    except TooManyReviews:
        return None, str(TOO_MANY_REVIEWS)


def _problem(request: HttpRequest, radiograph: Radiograph, sentence: str) -> HttpResponse:
    if wants_fragment(request):
        return error_page(request, 400, "", sentence)
    messages.error(request, sentence)
    return redirect(radiograph)


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reading(request: HttpRequest) -> HttpResponse:
    """The next radiograph to read, without the network's answer; above it, what it said of the one before."""
    if request.method == "POST":
        return _save_and_next(request)
    found = Found(unread_by(request.user), ORDERS[NEWEST_FIRST])
    mark = read_mark(request.GET.get("after", ""), found.order)
    page = page_of(found, mark, 1)
    radiograph = page.radiographs[0] if page.radiographs else None
    counted = Found(to_count_unread_by(request.user), found.order)
    remaining = count_of(counted, MOST_COUNTED) if radiograph else 0
    context = {
        "radiograph": radiograph,
        "after": page.after,
        "skipped": mark is not None,
        "remaining": MOST_COUNTED if remaining is None else remaining,
        "are_more": remaining is None,
        "is_blinded": blinding.is_blinded(request.user),
        "last": _last(request),
        **(_to_read(radiograph) if radiograph else {}),
    }
    return render(request, "diagnosis/reviewing/reading.html", context)


def _to_read(radiograph: Radiograph) -> dict[str, Any]:
    return {
        "picture_url": picture_url(radiograph),
        "is_tall": 3 * radiograph.width < 2 * radiograph.height,
        "has_heatmap": False,
        "is_reading": True,
        "review_form": VerdictForm(auto_id="review-%s"),
        "verdicts": verdicts_of("", None),
    }


def _last(request: HttpRequest) -> Review | None:
    """Return the verdict that was just given, with the network's answer to it."""
    asked = request.GET.get("last", "")
    if not asked.isdecimal() or len(asked) > 18:
        return None
    own = Review.objects.by(request.user).select_related("prediction", "radiograph")
    last = own.filter(pk=asked, radiograph__in=Radiograph.objects.visible_to(request.user)).first()
    if last:
        blinding.disclose(request.user, [last.radiograph])
    return last


def _save_and_next(request: HttpRequest) -> HttpResponse:
    try:
        pk = uuid.UUID(request.POST.get("radiograph", ""))
    except ValueError:
        return error_page(request, 400, _("Nothing to save"), _("Open the list of X-rays to read, and try again."))
    radiograph = visible_radiograph(request, pk)
    saved, problem = _save(request, radiograph)
    if not saved:
        messages.error(request, problem)
        return redirect("diagnosis:reading")
    return redirect(f"{request.path}?last={saved.pk}")


@members_only
@require_POST
def mode(request: HttpRequest) -> HttpResponse:
    """Switch between reading blinded and seeing the network's answer at once."""
    blinding.set_blinded(request.user, request.POST.get("blinded") == "on")
    return redirect("diagnosis:reading")
