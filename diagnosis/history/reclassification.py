"""A user's wish to have all that a filter of the history finds classified again. The row is the job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from diagnosis.models import ModelVersion


class ReclassificationQuerySet(models.QuerySet["Reclassification"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def at_work(self) -> Self:
        """Those that go on; not of an account that is closed."""
        return self.filter(ended__isnull=True, owner__is_active=True)

    def begin(self, owner: Any, version: ModelVersion, query: str, expected: int | None) -> Reclassification | None:
        """Make the job. None where the owner has one at work already."""
        try:
            with transaction.atomic():
                return self.create(owner=owner, model_version=version, query=query, expected=expected)
        except IntegrityError:
            return None


class Reclassification(models.Model):
    """Goes from the newest radiograph that there was when it began to the oldest."""

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        STOPPED = "stopped", _("Stopped")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reclassifications", db_index=False
    )
    model_version: Any = models.ForeignKey("diagnosis.ModelVersion", models.PROTECT, related_name="+", db_index=False)
    query = models.TextField(blank=True, help_text="As in an address of the history; empty: all.")
    expected = models.PositiveIntegerField(null=True, help_text="So many were found; empty: too many to count.")
    cursor = models.CharField(max_length=200, blank=True, help_text="The mark behind what was looked at.")
    made = models.PositiveIntegerField(default=0, help_text="So many wait for the version, or were answered.")
    skipped = models.PositiveIntegerField(default=0, help_text="So many were answered by it or waiting already.")
    created = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=9, choices=Outcome, blank=True)

    objects = ReclassificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [models.Index(fields=["owner", "-created"], name="reclassification_by_owner")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(ended__isnull=True), name="one_reclassification_at_work"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.query}"

    def get_absolute_url(self) -> str:
        return reverse("diagnosis:reclassification", args=[self.pk])

    @property
    def history_url(self) -> str:
        return f"{reverse('diagnosis:history')}?{self.query}"

    @property
    def looked_at(self) -> int:
        return self.made + self.skipped

    @property
    def took(self) -> timedelta:
        return (self.ended or timezone.now()) - self.created

    def advance(self, cursor: str, made: int, skipped: int) -> bool:
        """Note how far it has come. False where another process has gone on with it since, or it has ended."""
        mine = self._at_work().filter(cursor=self.cursor)
        moved = mine.update(cursor=cursor, made=F("made") + made, skipped=F("skipped") + skipped)
        if moved:
            self.cursor, self.made, self.skipped = cursor, self.made + made, self.skipped + skipped
        return bool(moved)

    def end(self, outcome: str) -> bool:
        """End it for good. False where it has ended already."""
        now: datetime = timezone.now()
        if ended := bool(self._at_work().update(ended=now, outcome=outcome)):
            self.ended, self.outcome = now, outcome
        return ended

    def _at_work(self) -> ReclassificationQuerySet:
        return Reclassification.objects.filter(pk=self.pk, ended__isnull=True)
