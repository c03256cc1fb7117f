"""What every prediction is, whoever gets to see it: an answer, and the job of finding it out."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnosis.engine.sentences import Sentence, sentence
from diagnosis.translation import translated

if TYPE_CHECKING:
    from diagnosis.engine.classifier import Classification
    from diagnosis.models import ModelVersion
    from diagnosis.querysets import JobQuerySet


#: What an administrator has called off.
CANCELLED = "cancelled"


def probability_if_succeeded(name: str) -> models.CheckConstraint:
    answered = Q(status="succeeded", probability__gte=0, probability__lte=1)
    return models.CheckConstraint(
        condition=answered | (~Q(status="succeeded") & Q(probability__isnull=True)), name=name
    )


def not_final(name: str) -> models.Index:
    """Return the index by which those that wait are found, few among many."""
    # No status in the condition: it would come as a parameter, for which SQLite uses no partial index.
    return models.Index(fields=["queued_at"], condition=Q(finished_at__isnull=True), name=name)


def _reason(code: str, reason: str) -> dict[str, Any]:
    parts = reason.as_dict() if isinstance(reason, Sentence) else None
    return {"reason_code": code, "reason": str(reason), "reason_parts": parts}


def unsuccessful(field: str, name: str) -> models.Index:
    """Return an index of those that were refused or failed, few among many, by a field and the newest first."""
    # By columns, for the same reason; only they are final without a probability.
    condition = Q(finished_at__isnull=False, probability__isnull=True)
    return models.Index(fields=[field, "-queued_at", "-id"], condition=condition, name=name)


class AbstractPrediction(models.Model):
    """What one ModelVersion says of one Radiograph, and the job of finding out. All changes of state are here."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Failed")

    FINAL = (Status.SUCCEEDED, Status.REFUSED, Status.FAILED)
    #: With these the classifier has said something of the image.
    ANSWERED = (Status.SUCCEEDED, Status.REFUSED)

    #: Whether a version that answers silently is asked for the same image from now on.
    is_shadowed = False
    if TYPE_CHECKING:
        radiograph: Any
        radiograph_id: uuid.UUID

    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)

    probability = models.FloatField(null=True, help_text="Calibrated probability of pneumonia, 0 to 1.")
    threshold = models.FloatField(null=True, help_text="From this probability on the label is PNEUMONIA.")
    label = models.CharField(max_length=16, blank=True)
    band = models.CharField(max_length=9, blank=True)
    activation_map = models.JSONField(
        null=True, help_text="Where the network looked: 7 rows of 7 logits, whose mean is the logit."
    )
    reason_code = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was refused or failed.")
    reason_parts = models.JSONField(
        null=True, help_text="What the reason was made of, to be said in other languages; empty where it is unknown."
    )

    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    token = models.UUIDField(null=True, help_text="Who claimed it last; only the holder can finish it.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.radiograph_id}: {self.status}"

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def explanation(self) -> str:
        """The reason in the language that is active; ``reason`` itself is English, for programs and the log."""
        return translated(Sentence.from_dict(self.reason_parts)) if self.reason_parts else self.reason

    @property
    def asks_for(self) -> int | None:
        """The primary key of the version that must answer; None where it is the active one, whichever that is."""
        raise NotImplementedError

    def ended(self) -> None:
        """Do what must happen together with the end. In the transaction that writes it."""

    def finish(self, version: ModelVersion, result: Classification) -> bool:
        """Store the classifier's answer, whether it answered or refused. False where the claim was lost."""
        return self._end(
            result.status,
            model_version=version,
            threshold=version.card["threshold"],
            probability=result.probability,
            label=result.label,
            band=result.band,
            activation_map=result.activation_map,
            **(_reason(result.refusal.code, result.refusal.detail) if result.refusal else {}),
        )

    def fail(self, code: str, reason: str) -> bool:
        """End for good, with a sentence for the user. False where the claim was lost."""
        return self._end(self.Status.FAILED, **_reason(code, reason))

    def cancel(self) -> bool:
        """End one that waits, on behalf of an administrator. False where a worker has it, or it has ended."""
        reason = sentence(
            "An administrator cancelled the reading of this image. Have it classified again, or ask why."
        )
        waiting = self._rows().filter(pk=self.pk, status=self.Status.PENDING)
        return self._end_if(waiting, self.Status.FAILED, **_reason(CANCELLED, reason))

    def give_back(self) -> None:
        """Let go of the claim, after a fault that another attempt may not meet if it comes a little later.

        The row goes on as running, with a lease that nobody holds: as long as it lasts, nobody can claim.
        """
        pause = self.attempts * timedelta(seconds=5)
        self._mine().update(token=None, worker="", lease_until=timezone.now() + pause)

    def _rows(self) -> JobQuerySet[Any]:
        return type(self)._default_manager.all()  # type: ignore[return-value]

    def _mine(self) -> JobQuerySet[Any]:
        # Under the token: a worker that wakes up after its lease was given to another one changes nothing.
        return self._rows().filter(pk=self.pk, token=self.token, status=self.Status.RUNNING)

    def _end(self, status: str, **facts: Any) -> bool:
        return self._end_if(self._mine(), status, **facts)

    def _end_if(self, still: JobQuerySet[Any], status: str, **facts: Any) -> bool:
        """End it if it is one of ``still`` at this moment."""
        facts.update(status=status, finished_at=timezone.now())
        with transaction.atomic():
            is_ended = still.update(**facts, token=None, lease_until=None)
            if is_ended:
                for name, value in facts.items():
                    setattr(self, name, value)
                self.ended()
        return bool(is_ended)
