"""What people say of a radiograph, beside the network; and what they had seen of its answer when they said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from diagnosis.models import Radiograph  # noqa: F401  (in annotations)

LONGEST_COMMENT = 1000


class ReviewQuerySet(models.QuerySet["Review"]):
    def current(self) -> Self:
        """Each reader's newest verdict on each radiograph; earlier ones stay, and do not count."""
        return self.filter(current=True)

    def blinded(self) -> Self:
        """Those given before the network's answer was shown to the reader, corrected later or not."""
        return self.filter(blinded=True)

    def by(self, reader: Any) -> Self:
        return self.filter(reader=reader)


class Review(models.Model):
    """A reader's verdict on a radiograph. It is never changed: a correction is a further one."""

    class Label(models.TextChoices):
        NORMAL = "NORMAL", _("Normal")
        PNEUMONIA = "PNEUMONIA", _("Pneumonia")
        UNCLEAR = "UNCLEAR", _("Cannot tell")

    radiograph = models.ForeignKey("diagnosis.Radiograph", models.CASCADE, related_name="reviews")
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="reviews", db_index=False
    )
    label = models.CharField(max_length=16, choices=Label)
    comment = models.CharField(max_length=LONGEST_COMMENT, blank=True)
    created = models.DateTimeField(default=timezone.now)
    current = models.BooleanField(default=True, help_text="The newest one of its reader on this radiograph.")
    blinded = models.BooleanField(
        default=False, help_text="Given before the network's answer was shown to the reader."
    )
    prediction = models.ForeignKey(
        "diagnosis.Prediction",
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="The network's newest answer at the time; none where it had not answered.",
    )

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [
            # What a reader has read, looked up for each radiograph of a list.
            models.Index(fields=["reader", "radiograph"], name="review_by_reader")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["radiograph", "reader"], condition=Q(current=True), name="one_current_review_of_a_reader"
            )
        ]

    def __str__(self) -> str:
        return f"{self.radiograph_id}: {self.label}"

    @property
    def reader_name(self) -> str:
        return self.reader.get_username() if self.reader else str(_("a reader who is gone"))


class Reader(models.Model):
    """How a user reads: blinded ones are shown the network's answer only after their own verdict."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", primary_key=True)
    blinded = models.BooleanField(default=False)
    blinded_since = models.DateTimeField(null=True)
    all_shown = models.DateTimeField(
        null=True, help_text="When an export or the API last gave this user the answers to many radiographs at once."
    )

    def __str__(self) -> str:
        return str(self.user)


class Disclosure(models.Model):
    """That the network's answer to a radiograph was shown to a user not its owner, or told a webhook of theirs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    radiograph = models.ForeignKey("diagnosis.Radiograph", models.CASCADE, related_name="+")
    shown = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "radiograph"], name="one_disclosure_to_a_user")]

    def __str__(self) -> str:
        return f"{self.radiograph_id} to {self.user}"


class Drift(models.Model):
    """How what a version sees and says has moved since its first weeks. Written by :mod:`.drift` alone."""

    model_version = models.OneToOneField(
        "diagnosis.ModelVersion", models.CASCADE, related_name="drift", primary_key=True
    )
    baseline = models.JSONField(null=True, help_text="Counts over its first answers, kept as they were.")
    baseline_from = models.DateTimeField(null=True)
    baseline_to = models.DateTimeField(null=True)
    checked = models.DateTimeField(null=True)
    answers = models.PositiveIntegerField(default=0, help_text="How many recent ones were looked at.")
    findings = models.JSONField(default=list)
    is_large = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"drift of {self.model_version}"
