"""The upload page: what it takes, what became of each file, and how the answers come in."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import get_template
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from diagnosis.api.problems import status_of
from diagnosis.engine.archive import SYSTEM_FILES
from diagnosis.engine.errors import RadiographError
from diagnosis.forms import UploadForm
from diagnosis.limits import upload_limits
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.pages.access import members_only
from diagnosis.pages.batches import batch_facts, batch_of
from diagnosis.pages.errors import error_page, wants_fragment
from diagnosis.pages.sharing import REMEMBERED, remember_group, remembered_group
from diagnosis.picture import SHOWN_INLINE, picture_url
from diagnosis.retention.words import image_removed, rules_in_words
from diagnosis.reviewing.blinding import show_or_hide
from diagnosis.submission import Receipt, Received, submit, submit_unless_known
from diagnosis.templatetags.predictions import action_words
from diagnosis.translation import translated
from diagnosis.waiting import Wait, waits_of


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The start page: a form that takes images and zips, and then says what became of each."""
    if request.method != "POST":
        return _upload_page(request)
    form = UploadForm(request.user, request.POST, request.FILES)
    if not form.is_valid():
        return _problem(request, 400, form.first_error)
    group = form.cleaned_data["group"]
    remember_group(request, group)
    try:
        receipt = submit_unless_known(request.user, form.cleaned_data["file"], batch_of(request), group)
    except RadiographError as error:
        return _problem(request, status_of(error), translated(error.detail))
    if len(receipt.files) == 1 and not wants_fragment(request):
        if problem := receipt.files[0].problem:
            return _problem(request, status_of(problem), translated(problem.detail))
        if receipt.stored:
            return redirect(receipt.stored[0])
    return _answer(request, receipt)


def _problem(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if wants_fragment(request):
        return error_page(request, status, "", detail)
    return _upload_page(request, status, problem=detail)


def _answer(request: HttpRequest, receipt: Receipt) -> HttpResponse:
    files = _with_predictions(request, receipt.files)
    facts = {"files": files, "skipped": receipt.skipped, "shown_inline": SHOWN_INLINE}
    if wants_fragment(request):
        return render(request, "diagnosis/_upload_rows.html", facts)
    return _upload_page(request, 200 if any(file.radiograph for file in receipt.files) else 400, **facts)


def _with_predictions(request: HttpRequest, files: list[Received]) -> list[Received]:
    """Read the radiographs anew, so that showing their predictions costs no query each."""
    wanted = {file.radiograph.pk for file in files if file.radiograph}
    found = Radiograph.objects.filter(pk__in=wanted).with_predictions().in_bulk()
    show_or_hide(request.user, found.values())
    return [
        Received(each.name, each.radiograph and found.get(each.radiograph.pk), each.is_known, each.problem)
        for each in files
    ]


def _upload_page(request: HttpRequest, status: int = 200, **facts: Any) -> HttpResponse:
    context = {
        "form": UploadForm(request.user, initial={"group": request.session.get(REMEMBERED)}),
        "limits": upload_limits(),
        "system_files": " ".join(SYSTEM_FILES),
        **batch_facts(request),
        "retention": rules_in_words(request.user),
        "active_version": ModelVersion.objects.filter(active=True).first(),
        **facts,
    }
    return render(request, "diagnosis/upload.html", context, status=status)


@members_only
@never_cache
@require_POST
def again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Upload once more what is stored already, without sending it."""
    earlier = get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)
    if words := image_removed(earlier):
        return error_page(request, 410, _("Removed"), words)
    group = remembered_group(request)
    try:
        with earlier.file.open("rb") as file:
            radiograph = submit(request.user, UploadedFile(file, earlier.filename, size=file.size), group=group)
    except FileNotFoundError as error:
        raise Http404(_("The file of this radiograph is no longer there.")) from error
    if wants_fragment(request):
        return _answer(request, Receipt([Received(radiograph.filename, radiograph)]))
    return redirect(radiograph)


@members_only
@never_cache
@require_POST  # hundreds of ids are more than an address may hold
def states(request: HttpRequest) -> JsonResponse:
    """Say of all uploads that a page still waits for how they stand: a few queries, however many they are.

    ``final`` maps ids to what to show in their rows, ``open`` to a few words, and ``poll`` is when to ask again.
    """
    asked = {pk for text in request.POST.getlist("pk")[: settings.MAX_BATCH_FILES * 2] if (pk := _uuid_or_none(text))}
    mine = Prediction.objects.filter(radiograph__in=asked, radiograph__owner_id=request.user.pk)
    mine = mine.select_related("radiograph").order_by("queued_at", "pk")
    newest = {prediction.radiograph_id: prediction for prediction in mine}
    show_or_hide(request.user, [prediction.radiograph for prediction in newest.values()])
    waits = waits_of(newest.values())
    words = {pk: waits[prediction.pk].words for pk, prediction in newest.items() if prediction.pk in waits}
    final = {str(pk): _final(newest.get(pk) or Prediction.of_deleted()) for pk in asked - words.keys()}
    return JsonResponse(
        {"final": final, "open": {str(pk): text for pk, text in words.items()}, "poll": _pause(waits.values())}
    )


def _final(prediction: Prediction) -> dict[str, str]:
    outcome = get_template("diagnosis/_outcome.html").render({"prediction": prediction})
    facts = {"stage": prediction.status, "outcome": outcome, "reason": prediction.explanation}
    if prediction.pk and (picture := picture_url(prediction.radiograph)):
        facts["picture"] = picture
    return {**facts, "action": action_words(prediction)}


def _uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _pause(waits: Collection[Wait]) -> int:
    """Return the milliseconds until it is worth asking again: a page with many rows asks for all of them at once."""
    return max(min((wait.pause for wait in waits), default=0), 300 if len(waits) <= 5 else 1000)
