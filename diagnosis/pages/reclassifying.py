"""Having everything that the filters of the history find classified again, in the background."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from diagnosis.history.filters import FilterForm
from diagnosis.history.paging import count_of
from diagnosis.history.reclassifying import readable
from diagnosis.models import ModelVersion, Reclassification
from diagnosis.pages.access import members_only
from diagnosis.pages.deleting import back_to_history
from diagnosis.pages.errors import wants_fragment
from diagnosis.pages.history import filters_in_words
from diagnosis.versions.choosing import NotOffered, version_asked_for
from diagnosis.waiting import about, seconds_for

#: Counting more than so many takes its time, and "more than" tells as much.
MOST_COUNTED = 100_000


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def classify_all(request: HttpRequest) -> HttpResponse:
    """Say how many there are and how long it takes, and ask; then begin. One at a time for each user."""
    form = FilterForm(request.GET, request.user)
    if form.is_blinded:
        form.hide_answers()
    if not form.is_valid():
        return back_to_history(request)
    if form.classifying:
        messages.info(request, _("This is at work already. Wait until it is done, or cancel it."))
        return redirect("diagnosis:reclassification", form.classifying)
    number = count_of(readable(form), MOST_COUNTED)
    if number == 0:
        messages.info(
            request,
            _("No X-ray of yours fits these filters and has its image still, so there is nothing to classify again."),
        )
        return back_to_history(request)
    if request.method == "POST":
        return _begin(request, form, number)
    seconds = seconds_for(number or MOST_COUNTED)
    context = {
        "number": number or MOST_COUNTED,
        "are_more": number is None,
        "time": about(seconds) if seconds else "",
        "filters": filters_in_words(form),
        "versions": form.offered,
        "query": request.GET.urlencode(),
    }
    return render(request, "diagnosis/versions/classify_all.html", context)


def _begin(request: HttpRequest, form: FilterForm, number: int | None) -> HttpResponse:
    try:
        version = version_asked_for(request) or ModelVersion.objects.filter(active=True).first()
    except NotOffered as error:
        messages.error(request, str(error))
        return redirect(request.get_full_path())
    if not version:
        messages.error(request, _("No model version is active. Ask your administrator to activate one."))
        return back_to_history(request)
    filters = {name: text for name, text in form.active().items() if name != "ordering"}
    job = Reclassification.objects.begin(request.user, version, urlencode(filters), number)
    return redirect(job) if job else redirect(request.get_full_path())


@members_only
@never_cache
@require_safe
def reclassification(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it has come; the fragment brings the page up to date."""
    job = own_job(request, pk)
    seconds = seconds_for(max(job.expected - job.looked_at, 0)) if job.expected else None
    context: dict[str, Any] = {"job": job, "time": about(seconds) if seconds else ""}
    if wants_fragment(request):
        return render(request, "diagnosis/versions/_reclassification.html", context)
    context["filters"] = filters_in_words(FilterForm(QueryDict(job.query), request.user))
    return render(request, "diagnosis/versions/reclassification.html", context)


def own_job(request: HttpRequest, pk: int) -> Reclassification:
    """Return the user's own; a stranger's does not exist."""
    return get_object_or_404(Reclassification.objects.owned_by(request.user).select_related("model_version"), pk=pk)


@members_only
@never_cache
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    job = own_job(request, pk)
    if job.end(Reclassification.Outcome.CANCELLED):
        messages.success(request, _("It is cancelled. What was asked for until now is read all the same."))
    return redirect(job)
