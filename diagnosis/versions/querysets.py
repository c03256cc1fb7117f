"""What is asked of several versions' answers, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from diagnosis.querysets import JobQuerySet
from diagnosis.versions.differences import kind_of

if TYPE_CHECKING:
    from diagnosis.models import ModelVersion, Prediction
    from diagnosis.versions.models import Comparison, ComparisonSeen, Disagreement, ShadowPrediction  # noqa: F401  (in the bases)


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def between(self, one: ModelVersion, other: ModelVersion) -> Self:
        """Those of the two versions, whichever of them was called A."""
        return self.filter(Q(a=one, b=other) | Q(a=other, b=one))

    def involving(self, version: ModelVersion) -> Self:
        return self.filter(Q(a=version) | Q(b=version))


class ShadowPredictionQuerySet(JobQuerySet["ShadowPrediction"]):
    def queue_behind(self, prediction: Prediction) -> bool:
        """Ask the version that answers silently, if there is one, what it says of an image that was just answered.

        In the transaction that writes the answer: neither is there without the other. False where nobody is asked.
        """
        from diagnosis.models import ModelVersion

        if not (prediction.model_version and prediction.model_version.active):
            return False
        silent = ModelVersion.objects.filter(shadow=True).values_list("pk", flat=True).first()
        if silent is None:
            return False
        row = self.model(
            radiograph_id=prediction.radiograph_id,
            model_version_id=silent,
            beside=prediction,
            active_version=prediction.model_version,
        )
        self.bulk_create([row], ignore_conflicts=True)  # it may have answered to this image before
        return True

    def compare(self, answered: ShadowPrediction) -> int:
        """Write down how it differs from what the active version said."""
        if answered.status not in answered.ANSWERED:
            return 0
        kind = kind_of(answered, answered.beside)
        return self.update(kind=kind, differs=bool(kind))

    def of(self, version: ModelVersion, active: ModelVersion) -> Self:
        """Those of ``version`` that were made while ``active`` was the active one."""
        return self.filter(model_version=version, active_version=active)

    def differing(self) -> Self:
        return self.filter(differs=True)


class DisagreementQuerySet(models.QuerySet["Disagreement"]):
    def follow(self, prediction: Prediction) -> None:
        """Write down anew where this answer and those of other versions to the same radiograph differ.

        In the transaction that writes the answer. Of each version the newest answer counts.
        """
        from diagnosis.models import Prediction

        answered = Prediction.objects.filter(radiograph=prediction.radiograph_id, status__in=Prediction.ANSWERED)
        others = answered.exclude(pk=prediction.pk).order_by("queued_at", "pk").defer("activation_map")
        if not (newest := {each.model_version_id: each for each in others}):
            return
        newest.pop(prediction.model_version_id, None)
        version = prediction.model_version_id
        self.filter(Q(older=version) | Q(newer=version), radiograph=prediction.radiograph_id).delete()
        for other in newest.values():
            if found := self.model.of(prediction, other):
                found.save()

    def between(self, one: ModelVersion, other: ModelVersion) -> Self:
        older, newer = sorted((one.pk, other.pk))
        return self.filter(older=older, newer=newer)


class ComparisonSeenQuerySet(models.QuerySet["ComparisonSeen"]):
    def of(self, version: ModelVersion, active: ModelVersion) -> Self:
        return self.filter(version=version, active=active)
