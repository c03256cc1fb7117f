"""What is kept of several versions' answers to the same radiograph."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from diagnosis.predicting import AbstractPrediction, not_final, probability_if_succeeded
from diagnosis.versions.differences import Kind, kind_of
from diagnosis.versions.querysets import (
    ComparisonQuerySet,
    ComparisonSeenQuerySet,
    DisagreementQuerySet,
    ShadowPredictionQuerySet,
)

if TYPE_CHECKING:
    from diagnosis.models import ModelVersion, Prediction


class Comparison(models.Model):
    """What two versions were worth on the same images. :func:`diagnosis.comparison.compare_versions` writes it."""

    a = models.ForeignKey("diagnosis.ModelVersion", models.CASCADE, related_name="+", verbose_name="version A")
    b = models.ForeignKey("diagnosis.ModelVersion", models.CASCADE, related_name="+", verbose_name="version B")
    created = models.DateTimeField(default=timezone.now)
    data = models.CharField(max_length=255, help_text="The name of the folder.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over the files and labels that both answered.")
    figures = models.JSONField(help_text="Differences are those of B against A.")
    sentence = models.TextField("what was found")
    against_a = models.TextField(blank=True, help_text="Why A must not take the place of B; empty if it may.")
    against_b = models.TextField(blank=True, help_text="Why B must not take the place of A; empty if it may.")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.b} against {self.a} on {self.data}"

    def against(self, version: ModelVersion) -> str:
        """Return why ``version`` must not take the place of the other one; empty where it may."""
        return {self.a_id: self.against_a, self.b_id: self.against_b}[version.pk]


class ShadowPrediction(AbstractPrediction):
    """What a version that answers silently says of a radiograph, after the active one has answered ``beside`` it.

    A table of its own, so that whatever shows, counts, exports or announces predictions cannot show these.
    """

    radiograph = models.ForeignKey(
        "diagnosis.Radiograph", models.CASCADE, related_name="shadow_predictions", db_index=False
    )
    model_version = models.ForeignKey(
        "diagnosis.ModelVersion", models.PROTECT, related_name="shadow_predictions", db_index=False
    )
    beside = models.ForeignKey(
        "diagnosis.Prediction", models.CASCADE, related_name="+", help_text="What the active version said."
    )
    active_version = models.ForeignKey("diagnosis.ModelVersion", models.PROTECT, related_name="+", db_index=False)
    differs = models.BooleanField(default=False)
    kind = models.CharField(max_length=7, choices=Kind, blank=True, help_text="How both differ, if they do.")

    objects = ShadowPredictionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            not_final("shadow_not_final"),
            models.Index(fields=["model_version", "active_version", "-id"], name="shadow_by_versions"),
            models.Index(
                fields=["model_version", "active_version", "-id"],
                condition=Q(differs=True),
                name="shadow_that_differs",
            ),
        ]
        constraints = [
            probability_if_succeeded("shadow_probability_if_succeeded"),
            models.UniqueConstraint(
                fields=["radiograph", "model_version", "active_version"], name="one_shadow_prediction_of_each"
            ),
        ]

    @property
    def asks_for(self) -> int | None:
        return self.model_version_id

    def ended(self) -> None:
        ShadowPrediction.objects.filter(pk=self.pk).compare(self)


class Disagreement(models.Model):
    """A radiograph of which two versions say different things. Written by ``DisagreementQuerySet.follow`` alone.

    Owner and moment are the radiograph's, so that an owner's list is read off one index, however long it is and
    however rare they are.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    radiograph = models.ForeignKey(
        "diagnosis.Radiograph", models.CASCADE, related_name="disagreements", db_index=False
    )
    created = models.DateTimeField()
    older = models.ForeignKey("diagnosis.ModelVersion", models.PROTECT, related_name="+", db_index=False)
    newer = models.ForeignKey("diagnosis.ModelVersion", models.PROTECT, related_name="+", db_index=False)
    by_older = models.ForeignKey("diagnosis.Prediction", models.CASCADE, related_name="+")
    by_newer = models.ForeignKey("diagnosis.Prediction", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=7, choices=Kind)

    objects = DisagreementQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-radiograph"]
        indexes = [
            models.Index(fields=["owner", "older", "newer", "-created", "-radiograph"], name="disagreement_by_owner"),
            models.Index(
                fields=["owner", "older", "newer", "kind", "-created", "-radiograph"], name="disagreement_by_kind"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["radiograph", "older", "newer"], name="one_disagreement_of_two_versions")
        ]

    def __str__(self) -> str:
        return f"{self.radiograph_id}: {self.get_kind_display()}"

    @classmethod
    def of(cls, one: Prediction, other: Prediction) -> Disagreement | None:
        """Return how two versions' answers to the same radiograph differ, unsaved; None where they agree."""
        if not (kind := kind_of(one, other)):
            return None
        version_of: Any = attrgetter("model_version_id")
        by_older, by_newer = sorted((one, other), key=version_of)
        return cls(
            owner_id=one.radiograph.owner_id,
            radiograph_id=one.radiograph_id,
            created=one.radiograph.created,
            older_id=version_of(by_older),
            newer_id=version_of(by_newer),
            by_older=by_older,
            by_newer=by_newer,
            kind=kind,
        )


class ComparisonSeen(models.Model):
    """Who has looked at how a silent version answers beside the active one, and what there was to be seen."""

    version = models.ForeignKey(
        "diagnosis.ModelVersion", models.PROTECT, related_name="+", verbose_name="silent version"
    )
    active = models.ForeignKey(
        "diagnosis.ModelVersion", models.PROTECT, related_name="+", verbose_name="active version"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    username = models.CharField(max_length=150, help_text="As it was; the account may be gone.")
    moment = models.DateTimeField(default=timezone.now)
    radiographs = models.PositiveIntegerField(help_text="Answered by both, as far as they were counted.")
    differing = models.PositiveIntegerField(help_text="Of these, answered differently.")

    objects = ComparisonSeenQuerySet.as_manager()

    class Meta:
        ordering = ["-moment", "-pk"]
        verbose_name = "comparison that was seen"
        verbose_name_plural = "comparisons that were seen"

    def __str__(self) -> str:
        return f"{self.version} beside {self.active}, by {self.username}"
