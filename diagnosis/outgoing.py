"""What is sent to places that may be away: the row is the job, tried with longer and longer pauses for a day."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F
from django.utils import timezone

#: The pauses after the first attempts; after the last one, a day has passed and it is given up.
BACK_OFF = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200, 21600, 21600, 33600))
#: For so long whoever claimed a row may be at it; longer than any attempt takes.
LEASE = timedelta(seconds=60)


def back_off(attempts: int) -> timedelta:
    return BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]


class OutgoingQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime | None = None) -> Self:
        return self.filter(due__lte=now or timezone.now())

    def claim(self, pk: Any) -> Any:
        """Take it for an attempt, which is counted before it is made. None where another process has it."""
        now, token = timezone.now(), uuid.uuid4()
        mine = self.filter(pk=pk).due(now).update(token=token, due=now + LEASE, attempts=F("attempts") + 1)
        return self.filter(pk=pk, token=token).first() if mine else None

    def hold_back(self) -> int:
        return self.filter(due__isnull=False).update(state=Outgoing.State.HELD, due=None, token=None)

    def send_now(self) -> int:
        """Send what was held back, given up or sent already, from the first attempt on."""
        pending = Outgoing.State.PENDING
        return self.update(state=pending, due=timezone.now(), token=None, attempts=0, problem="", sent_at=None)


class Outgoing(models.Model):
    """``due`` is when the next attempt may be made, and empty when there is none to come.

    A claim moves it on by the lease, so that what a killed process held is tried again by itself: it is sent at least
    once, and under the same id.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        HELD = "held"
        GIVEN_UP = "given_up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    due = models.DateTimeField(null=True, default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, help_text="Why the last attempt failed.")

    class Meta:
        abstract = True

    def succeed(self, **facts: Any) -> bool:
        """Note that it got through. False where another process has claimed it since."""
        return self._note(state=self.State.SENT, due=None, sent_at=timezone.now(), problem="", **facts)

    def fail(self, problem: str, **facts: Any) -> bool:
        """Try again after a pause, or give it up. False where another process has claimed it since."""
        if self.attempts > len(BACK_OFF):
            return self._note(state=self.State.GIVEN_UP, due=None, problem=problem[:300], **facts)
        return self._note(due=timezone.now() + back_off(self.attempts), problem=problem[:300], **facts)

    def _note(self, **facts: Any) -> bool:
        mine = type(self)._default_manager.filter(pk=self.pk, token=self.token)
        changed = mine.update(token=None, **facts)
        for name, value in facts.items():
            setattr(self, name, value)
        return bool(changed)
