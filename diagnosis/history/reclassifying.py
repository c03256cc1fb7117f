"""Having all that a filter finds classified again, some at a time, so that who uploads waits behind a few at most."""

from __future__ import annotations

import logging
import math
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext

from diagnosis import waiting
from diagnosis.asking_again import classify_again
from diagnosis.history.filters import FilterForm
from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Found, Mark, mark_at, page_of, read_mark
from diagnosis.models import ModelVersion, Prediction, Radiograph, Reclassification
from diagnosis.people.language import language_of
from diagnosis.people.letters import write
from diagnosis.people.models import MailSettings

logger = logging.getLogger(__name__)

#: As long as fewer than so many wait for each reader, whoever they are of, more are asked for again.
WAITING_EACH = 8
#: Radiographs that are looked at in one go.
CHUNK = 100
#: The jobs are gone on with for so long, then other errands get their turn; nothing to do is looked at so often.
TURN_SECONDS, LOOK_EVERY = 20.0, 0.2
#: Behind it is every radiograph of the moment that it is a mark with.
_LAST_ID = uuid.UUID(int=2**128 - 1)


def take_turns() -> None:
    """Go on with every job that is at work, some radiographs of each. In any order, so that none is always first."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        jobs = list(Reclassification.objects.at_work().select_related("owner", "model_version").order_by("?"))
        if not jobs:
            return
        if not sum(go_on(job, len(jobs) - before) for before, job in enumerate(jobs)):
            time.sleep(LOOK_EVERY)


def go_on(job: Reclassification, among: int = 1) -> bool:
    """Ask for some more of a job, or end it. False where the queue is full or nothing is left but answers to come.

    The room in the queue is for so many jobs, each of which gets one place at least where there is any.
    """
    if job.model_version.shadow or _is_unusable(job) or not (found := found_by(job)):
        return job.end(Reclassification.Outcome.STOPPED)
    room = math.ceil(_room() / among)
    page = page_of(found, read_mark(job.cursor, found.order) or Mark(job.created, _LAST_ID), CHUNK if room else 1)
    while not page.radiographs and page.after:  # all of them were deleted in this moment
        page = page_of(found, page.after, CHUNK)
    if page.radiographs:
        return bool(room) and _ask(job, page.radiographs, room)
    return not _waits(job) and _end(job)


def _is_unusable(job: Reclassification) -> bool:
    """Whether its version turned out to be unusable since it began: nothing more of the history should fail by it."""
    failed = Prediction.objects.all().unsuccessful().filter(reason_code="version_unusable")
    return failed.filter(wanted_version=job.model_version, finished_at__gt=job.created).exists()


def _room() -> int:
    most = WAITING_EACH * waiting.readers()
    return most - Prediction.objects.all().unfinished()[:most].count()


def found_by(job: Reclassification) -> Found | None:
    """Return what the filters find now, newest first; None where a tag or a group of theirs is gone."""
    form = FilterForm(QueryDict(job.query), job.owner)
    return readable(form) if form.is_valid() else None


def readable(form: FilterForm) -> Found:
    """Return what valid filters find of the owner's, newest first, without those whose image was removed."""
    return Found(tuple(part.exclude(file="") for part in form.found_own().parts), ORDERS[NEWEST_FIRST])


def _ask(job: Reclassification, radiographs: list[Radiograph], room: int) -> bool:
    """Ask for as many as there is room for, and note it in the same transaction: killed, it goes on where it was."""
    wanted: list[Radiograph] = []
    for looked_at, radiograph in enumerate(radiographs, start=1):  # noqa: B007
        if not is_answered(radiograph, job.model_version):
            wanted.append(radiograph)
        if len(wanted) == room:
            break
    with transaction.atomic():
        made = len(classify_again(wanted, job.model_version, actor=job.owner))
        if not job.advance(str(mark_at(radiographs[looked_at - 1])), made, looked_at - made):
            transaction.set_rollback(True)
    return True


def is_answered(radiograph: Radiograph, version: ModelVersion) -> bool:
    """Whether the version has said something of it, or something is still to be said."""
    answers = [each for each in radiograph.predictions.all() if each.status in Prediction.ANSWERED]
    return not radiograph.prediction.is_final or any(each.model_version_id == version.pk for each in answers)


def _waits(job: Reclassification) -> bool:
    unfinished = Prediction.objects.all().unfinished().filter(wanted_version=job.model_version)
    return unfinished.filter(radiograph__owner=job.owner).exists()


def _end(job: Reclassification) -> bool:
    with transaction.atomic():
        if not job.end(Reclassification.Outcome.DONE):
            return False
        if job.made and MailSettings.of(job.owner).want_mail_after(job.took):
            with translation.override(language_of(job.owner)):
                write(job.owner, f"reclassification {job.pk}", "diagnosis/account/reclassified_mail.txt", _facts(job))
    logger.info("Reclassification %s is done: %s asked again, %s skipped.", job.pk, job.made, job.skipped)
    return True


def _facts(job: Reclassification) -> dict[str, Any]:
    read = ngettext("Your X-ray is read again", "Your %(count)s X-rays are read again", job.made)
    return {
        "read": read % {"count": job.made},
        "job": job,
        "address": settings.PUBLIC_URL + job.get_absolute_url(),
        "stop_address": settings.PUBLIC_URL + reverse("diagnosis:notices"),
    }
