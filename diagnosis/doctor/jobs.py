"""The jobs: does anything wait for longer than it should."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from diagnosis.doctor.findings import Finding, ok, problem, warning
from diagnosis.models import Prediction

#: So many that wait are counted.
MOST = 10_000
LATE, STUCK = timedelta(minutes=10), timedelta(minutes=2)


def look() -> Iterator[Finding]:
    now = timezone.now()
    unfinished = Prediction.objects.unfinished().order_by("queued_at")
    waiting = list(unfinished.filter(status=Prediction.Status.PENDING).values_list("queued_at", flat=True)[:MOST])
    if waiting and now - waiting[0] > LATE:
        number = f"more than {MOST}" if len(waiting) == MOST else str(len(waiting))
        minutes = (now - waiting[0]).total_seconds() / 60
        yield warning(
            f"{number} radiographs wait to be read, the first for {minutes:.0f} minutes.",
            "If workers run, add more of them (PNEUMODETECT_WORKERS); if not, see the lines on workers and model.",
        )
    expired = unfinished.filter(status=Prediction.Status.RUNNING, lease_until__lt=now - STUCK)[:MOST].count()
    exhausted = unfinished.filter(
        attempts__gte=settings.MAX_ATTEMPTS, queued_at__lt=now - STUCK, status=Prediction.Status.PENDING
    )[:MOST].count()
    if expired + exhausted:
        yield problem(
            f"{expired + exhausted} radiographs are held by workers that are gone, and no sweep puts that right.",
            "Start a worker: each of them sweeps every few seconds.",
        )
    if not expired + exhausted and not (waiting and now - waiting[0] > LATE):
        yield ok(f"{len(waiting)} radiographs wait, none of them for long.")
