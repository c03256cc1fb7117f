"""What is asked of the runs, and the claim on one: a conditional UPDATE makes one worker of many win."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

if TYPE_CHECKING:
    from training.models import TrainingRun


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def claimable(self, now: datetime) -> Self:
        """Those that wait, and those whose worker has let its lease run out.

        One that waits may have a lease too: that of a worker whose training process may not have ended yet. A run of
        the ``train`` command is none: it goes on when the command is given again.
        """
        unfinished = Q(status__in=(self.model.Status.PENDING, self.model.Status.RUNNING))
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        return self.filter(unfinished, free, output="", attempts__lt=settings.MAX_ATTEMPTS)

    def of_command(self, facts: dict[str, Any]) -> TrainingRun | None:
        """Return the run with which a command that asks for ``facts`` goes on."""
        left = self.filter(output=facts["output"]).exclude(status=self.model.Status.SUCCEEDED)
        return next((run for run in left if all(getattr(run, name) == facts[name] for name in facts)), None)

    def close_others(self, run: TrainingRun) -> int:
        """End those of the same folder as ``run`` whose command is gone without a word."""
        left = self.filter(output=run.output, status=self.model.Status.RUNNING).exclude(pk=run.pk)
        return left.update(
            status=self.model.Status.FAILED,
            token=None,
            lease_until=None,
            finished_at=timezone.now(),
            reason="Its process ended without a word.",
        )

    def claim(self, pk: int | None, worker: str) -> TrainingRun | None:
        """Take run ``pk``, or the oldest that can be taken; None where there is none."""
        if pk is not None and (run := self._claim(pk, worker)):
            return run
        while oldest := self.claimable(timezone.now()).order_by("created").values_list("pk", flat=True).first():
            if run := self._claim(oldest, worker):
                return run
        return None

    def _claim(self, pk: int, worker: str) -> TrainingRun | None:
        now, token = timezone.now(), uuid.uuid4()
        changed = (
            self.claimable(now)
            .filter(pk=pk)
            .update(
                status=self.model.Status.RUNNING,
                token=token,
                worker=worker,
                attempts=F("attempts") + 1,
                lease_until=now + settings.TRAINING_LEASE,
                started_at=Coalesce("started_at", now),
            )
        )
        return self.filter(pk=pk, token=token).first() if changed else None

    def release(self, worker: str) -> int:
        """Give back what ``worker`` holds, because it was asked to stop: that is no failed attempt.

        Another worker may claim it when the training process, which is being ended, is certainly gone.
        """
        held = self.filter(status=self.model.Status.RUNNING, worker=worker)
        return held.update(
            status=self.model.Status.PENDING,
            token=None,
            worker="",
            attempts=0,
            lease_until=timezone.now() + settings.TRAINING_LEASE,
        )

    def fail_exhausted(self) -> int:
        """End those that were tried as often as allowed and finished no epoch more."""
        now = timezone.now()
        left = Q(status=self.model.Status.PENDING) | Q(status=self.model.Status.RUNNING, lease_until__lt=now)
        return self.filter(left, attempts__gte=settings.MAX_ATTEMPTS).update(
            status=self.model.Status.FAILED,
            token=None,
            lease_until=None,
            finished_at=now,
            reason=(
                f"Its process, or its worker, ended {settings.MAX_ATTEMPTS} times without finishing another epoch; "
                "often memory is short. The end of the log may say why."
            ),
        )
