"""The result page, its heat map, and the report to take away."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from diagnosis import heatmap as heatmaps
from diagnosis import notices
from diagnosis import report as reporting
from diagnosis.engine.sample import sample_sha256
from diagnosis.history.paging import neighbours_of
from diagnosis.meaning import probability_where_rarer
from diagnosis.models import Prediction, Radiograph
from diagnosis.pages.access import members_only, uuid_or_none, visible_radiograph
from diagnosis.pages.deleting import back_to_history
from diagnosis.pages.errors import reason_page
from diagnosis.pages.sharing import sharing_context
from diagnosis.picture import SHOWN_INLINE, picture_url
from diagnosis.retention.gone import Removed, refuse_removed
from diagnosis.retention.words import heatmap_removed, image_removed, to_come
from diagnosis.reviewing.blinding import refuse_while_hidden, show_or_hide
from diagnosis.reviewing.second_reading import second_reading
from diagnosis.waiting import poll_milliseconds, waits_of

#: What the page of a blinded reader lacks until there is a verdict.
WHILE_HIDDEN: dict[str, Any] = {
    "earlier": [],
    "has_heatmap": False,
    "why_no_heatmap": gettext_lazy("The heat map is shown after your verdict."),
    "has_report": False,
    "where_rarer": None,
}


@members_only
@never_cache
@require_safe
def radiograph(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The result page. Its middle part is the fragment that ``status`` renders anew until the prediction is final."""
    shown = visible_radiograph(request, pk)
    among = None if shown.owner == request.user else Radiograph.objects.in_group(shown.group)
    newer, older = neighbours_of(shown, among)
    context = {
        **_result_context(request, shown),
        **sharing_context(request.user, shown),
        "to_come": to_come(shown),
        "newer": newer,
        "older": older,
        **second_reading(request, shown),
    }
    return render(request, "diagnosis/radiograph.html", context)


@members_only
@never_cache
@require_safe
def status(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The fragment of the result page that says how the prediction stands; empty where it is as it was ``seen``."""
    shown = visible_radiograph(request, pk)
    context = _result_context(request, shown)
    if request.GET.get("seen") == context["state"]:
        return HttpResponse(status=204)
    if shown.preview and shown.format not in SHOWN_INLINE:  # the page was made while there was no picture to show
        return HttpResponseClientRefresh()
    return render(request, "diagnosis/_result_fragment.html", context)


def _result_context(request: HttpRequest, radiograph: Radiograph) -> dict[str, Any]:
    is_hidden = bool(show_or_hide(request.user, [radiograph]))
    newest, *earlier = radiograph.predictions.select_related("model_version") or [radiograph.prediction]
    worker_is_alive = newest.is_final or notices.worker_answers()
    wait = waits_of([newest]).get(newest.pk)
    poll = max(poll_milliseconds(newest), wait.pause if wait else 0)
    return {
        "radiograph": radiograph,
        "prediction": newest,
        "earlier": earlier,
        "picture_url": picture_url(radiograph),
        "image_removed": image_removed(radiograph),
        "has_heatmap": heatmaps.has_heatmap(newest),
        "why_no_heatmap": heatmaps.why_no_heatmap(newest),
        "legend": heatmaps.legend(),
        "has_report": reporting.has_report(newest),
        "is_sample": radiograph.sha256 == sample_sha256(),
        "is_tall": 3 * radiograph.width < 2 * radiograph.height,
        "where_rarer": probability_where_rarer(newest.probability),
        "worker_is_alive": worker_is_alive,
        "wait": wait,
        "poll": poll,
        "state": f"{newest.status}-{worker_is_alive:d}-{poll}-{wait.words if wait else ''}",
        **_times(newest),
        "is_hidden": is_hidden,
        **(WHILE_HIDDEN if is_hidden else {}),
    }


def _times(prediction: Prediction) -> dict[str, timedelta | None]:
    queued, started, finished = prediction.queued_at, prediction.started_at, prediction.finished_at
    return {
        "waited": max(started - queued, timedelta(0)) if started else None,
        "ran": finished - started if started and finished else None,
    }


@members_only
@require_safe
def heatmap(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The heat map of the newest prediction, or of ``?prediction=``."""
    return _with_the_reason(heatmap_response, request, visible_radiograph(request, pk))


def heatmap_response(request: HttpRequest, radiograph: Radiograph) -> HttpResponseBase:
    """Answer page and API alike; Http404 says why there is none."""
    prediction = prediction_asked_for(request, radiograph)
    if not heatmaps.has_heatmap(prediction):
        raise (Removed if heatmap_removed(radiograph) else Http404)(heatmaps.why_no_heatmap(prediction))
    etag = heatmaps.etag_of(prediction)
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(heatmaps.heatmap_png(prediction), content_type="image/png")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@members_only
@never_cache
@require_safe
def report(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The report on the newest prediction, or on ``?prediction=``, as a PDF."""
    return _with_the_reason(report_response, request, visible_radiograph(request, pk))


def _with_the_reason(
    response_of: Callable[[HttpRequest, Radiograph], HttpResponseBase], request: HttpRequest, shown: Radiograph
) -> HttpResponseBase:
    try:
        refuse_while_hidden(request.user, shown)
        return response_of(request, shown)
    except Http404 as reason:
        return reason_page(request, reason)


def report_response(request: HttpRequest, radiograph: Radiograph) -> HttpResponse:
    """Answer page and API alike; Http404 says why there is none."""
    prediction = prediction_asked_for(request, radiograph)
    refuse_removed(radiograph)
    if not reporting.has_report(prediction):
        raise Http404(reporting.NONE_FAILED if prediction.is_final else reporting.NONE_UNFINISHED)
    disposition = content_disposition_header(as_attachment=False, filename=reporting.report_name(prediction))
    pdf = reporting.report_pdf(prediction)
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": disposition})


def prediction_asked_for(request: HttpRequest, radiograph: Radiograph) -> Prediction:
    asked = request.GET.get("prediction")
    if asked is None:
        return radiograph.prediction
    if prediction := find_prediction(radiograph, asked):
        return prediction
    raise Http404(_("This X-ray has no such prediction."))


def find_prediction(radiograph: Radiograph, asked: str) -> Prediction | None:
    """Return the radiograph's prediction with this primary key, as an address holds it."""
    if not asked.isdecimal() or len(asked) > 18:  # SQLite and PostgreSQL hold ids of up to 64 bits
        return None
    return radiograph.predictions.select_related("model_version").filter(pk=asked).first()


@members_only
@require_POST
def reports(request: HttpRequest) -> HttpResponseBase:
    """A zip of the reports on the chosen radiographs."""
    wanted = [pk for text in request.POST.getlist("pk") if (pk := uuid_or_none(text))]
    if len(wanted) > reporting.MOST_REPORTS:
        words = _("Choose {most} X-rays at most; these are {number}.")
        return _back(request, words.format(most=reporting.MOST_REPORTS, number=len(wanted)))
    chosen = Radiograph.objects.visible_to(request.user).filter(pk__in=wanted).with_predictions()
    show_or_hide(request.user, chosen)
    predictions = [each.prediction for each in chosen if not each.is_hidden and reporting.has_report(each.prediction)]
    if not predictions:
        return _back(request, _("Choose at least one X-ray that has been read, and ask for the reports again."))
    return StreamingHttpResponse(
        reporting.zip_of_reports(predictions),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{_("PneumoDetect reports")}.zip"',
            "Cache-Control": "no-store",
        },
    )


def _back(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return back_to_history(request)
