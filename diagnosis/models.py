"""Radiographs, predictions and the versions of the model. The rows are the jobs: every change of state is here."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone

from diagnosis.api.keyed_calls import KeyedCall as KeyedCall
from diagnosis.audit.models import AuditEntry as AuditEntry
from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.engine.artifact import LONGEST_VERSION, ModelCard
from diagnosis.engine.sentences import sentence
from diagnosis.engine.suitability import Caution, cautions_of
from diagnosis.history.listed import Listed
from diagnosis.history.reclassification import Reclassification as Reclassification
from diagnosis.history.saved_filters import SavedFilter as SavedFilter
from diagnosis.history.tagging import Tag as Tag
from diagnosis.people.groups import Invitation as Invitation
from diagnosis.people.groups import Membership as Membership
from diagnosis.people.groups import ReadingGroup as ReadingGroup
from diagnosis.people.models import Batch as Batch
from diagnosis.people.models import Leaving as Leaving
from diagnosis.people.models import Letter as Letter
from diagnosis.people.models import MailSettings as MailSettings
from diagnosis.people.profile import Profile as Profile
from diagnosis.people.tokens import ApiToken as ApiToken
from diagnosis.predicting import AbstractPrediction, not_final, probability_if_succeeded, unsuccessful
from diagnosis.querysets import ModelVersionQuerySet, PredictionQuerySet, RadiographQuerySet
from diagnosis.retention.models import Removal as Removal
from diagnosis.retention.models import RetentionRule as RetentionRule
from diagnosis.retention.models import RetentionRun as RetentionRun
from diagnosis.reviewing.models import Disclosure as Disclosure
from diagnosis.reviewing.models import Drift as Drift
from diagnosis.reviewing.models import Reader as Reader
from diagnosis.reviewing.models import Review as Review
from diagnosis.versions.models import Comparison as Comparison
from diagnosis.versions.models import ComparisonSeen as ComparisonSeen
from diagnosis.versions.models import Disagreement as Disagreement
from diagnosis.versions.models import ShadowPrediction as ShadowPrediction
from diagnosis.webhooks.models import Delivery as Delivery
from diagnosis.webhooks.models import Webhook as Webhook


class ModelVersion(models.Model):
    """A published network. Its artifact lies in ``folder`` and is never changed."""

    version = models.CharField(max_length=LONGEST_VERSION, unique=True)
    network_sha256 = models.CharField("SHA-256 of the network", max_length=64)
    card = models.JSONField("model card")
    active = models.BooleanField(default=False, help_text="New predictions are made by the active version.")
    activated = models.DateTimeField(null=True, help_text="When it last became active; rolling back goes by it.")
    shadow = models.BooleanField(
        "answers silently", default=False, help_text="Beside the active version, for the administrator alone to see."
    )
    published = models.DateTimeField(default=timezone.now)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-published"]
        constraints = [
            models.UniqueConstraint(fields=["active"], condition=Q(active=True), name="one_active_model_version"),
            models.UniqueConstraint(fields=["shadow"], condition=Q(shadow=True), name="one_shadow_model_version"),
            models.CheckConstraint(condition=~Q(active=True, shadow=True), name="active_or_shadow"),
        ]

    def __str__(self) -> str:
        return self.version

    def get_absolute_url(self) -> str:
        return reverse("diagnosis:model", args=[self.version])

    @property
    def folder(self) -> Path:
        return Path(settings.MODELS_DIR) / self.version

    @property
    def model_card(self) -> ModelCard:
        return ModelCard.from_dict(self.card)

    def activate(self) -> None:
        """Make this the version that new predictions are made by. Older predictions stay as they are."""
        with transaction.atomic():
            self.fall_silent()
            ModelVersion.objects.filter(active=True).update(active=False)
            ModelVersion.objects.filter(pk=self.pk).update(active=True, activated=timezone.now())
            record(Verb.ACTIVATED, Kind.MODEL_VERSION, self.pk, label=self.version)
        self.active = True

    def take_over_again(self) -> None:
        """Become active in place of a later version, which is forgotten: rolling back once more goes further back."""
        with transaction.atomic():
            self.fall_silent()
            ModelVersion.objects.filter(active=True).update(active=False, activated=None)
            ModelVersion.objects.filter(pk=self.pk).update(active=True)
            record(Verb.ACTIVATED, Kind.MODEL_VERSION, self.pk, label=self.version, details="rolled back")
        self.active = True

    def answer_silently(self) -> bool:
        """Answer beside the active version from now on; False where another one does, or this one is active."""
        is_free = not ModelVersion.objects.filter(shadow=True).exclude(pk=self.pk).exists()
        with transaction.atomic():
            self.shadow = is_free and bool(ModelVersion.objects.filter(pk=self.pk, active=False).update(shadow=True))
            if self.shadow:
                record(Verb.CHANGED, Kind.MODEL_VERSION, self.pk, label=self.version, details="answers silently")
        return self.shadow

    def fall_silent(self) -> None:
        """Answer silently no longer. What waits for its silent answer is forgotten, what was answered stays."""
        with transaction.atomic():
            if ModelVersion.objects.filter(pk=self.pk, shadow=True).update(shadow=False):
                record(Verb.CHANGED, Kind.MODEL_VERSION, self.pk, label=self.version, details="silent no longer")
            ShadowPrediction.objects.unfinished().filter(model_version=self).delete()
        self.shadow = False


def _stored_name(radiograph: Radiograph, filename: str) -> str:
    """Name the file after its row: nothing of the name that the user gave reaches the file system."""
    return f"{radiograph.created:%Y/%m/%d}/{radiograph.pk}{Path(filename).suffix}"


def _preview_name(radiograph: Radiograph, filename: str) -> str:
    return f"{radiograph.created:%Y/%m/%d}/{radiograph.pk}.preview.png"


def _thumbnail_name(radiograph: Radiograph, filename: str) -> str:
    return f"{radiograph.created:%Y/%m/%d}/{radiograph.pk}.thumbnail.jpg"


class Radiograph(Listed):
    """One uploaded chest X-ray image."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="radiographs")
    group = models.ForeignKey(
        ReadingGroup, models.SET_NULL, null=True, blank=True, related_name="radiographs", db_index=False,
        help_text="Whose members see it as well.",
    )  # fmt: skip
    created = models.DateTimeField(default=timezone.now)
    file = models.FileField(upload_to=_stored_name, max_length=120)
    filename = models.CharField(max_length=255, help_text="As the user named it.")
    format = models.CharField(max_length=8)
    width = models.PositiveIntegerField(help_text="Pixels.")
    height = models.PositiveIntegerField(help_text="Pixels.")
    size = models.PositiveBigIntegerField(
        "bytes", null=True, blank=True, help_text="Of the file, as it is stored; unknown of older ones."
    )
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True, help_text="Of the upload, as it arrived.")
    acquisition = models.JSONField(
        default=dict,
        blank=True,
        help_text="What a DICOM header said: age, sex, view, modality, body_part, manufacturer; nothing else is kept.",
    )
    preview = models.FileField(
        upload_to=_preview_name, max_length=120, blank=True, help_text="A PNG of what is read, made by a worker."
    )
    thumbnail = models.FileField(
        upload_to=_thumbnail_name, max_length=120, blank=True, help_text="A small JPEG for lists, made beside it."
    )
    batch = models.ForeignKey(
        Batch, models.SET_NULL, null=True, blank=True, related_name="radiographs", db_index=False
    )
    removal = models.ForeignKey(
        Removal, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        help_text="What a retention rule took of it last.",
    )  # fmt: skip

    objects = RadiographQuerySet.as_manager()
    #: Whether this reader must give a verdict before the answer is shown; set by reviewing.blinding.
    is_hidden = False
    #: Whether whoever looks owns the group that it is shared with; set where it is looked up for a page.
    is_in_own_group = False

    class Meta(Listed.Meta):
        indexes = [
            *Listed.Meta.indexes,
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="radiograph_batch"),
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("diagnosis:radiograph", args=[self.pk])

    @property
    def prediction(self) -> Prediction:
        """The newest prediction. ``submission.submit`` writes the first one together with the radiograph.

        Where there is none, another request has deleted the radiograph since this one was read.
        """
        prefetched = getattr(self, "_prefetched_objects_cache", {}).get("predictions")
        found = self.predictions.select_related("model_version")[:1] if prefetched is None else prefetched
        for newest in found:
            return newest
        return Prediction.of_deleted()

    @property
    def warnings(self) -> list[Caution]:
        """What its header gives to bear in mind with an answer: an adult, or no frontal view."""
        return cautions_of(self.acquisition)

    @property
    def has_image(self) -> bool:
        """False where a retention rule has removed it; its results are still there."""
        return bool(self.file)

    @property
    def image_removed_at(self) -> datetime | None:
        return self.removal.moment if self.removal and not self.has_image else None

    def read(self) -> bytes:
        """Return the stored bytes: those uploaded, or of a DICOM file the copy that names nobody.

        Raises FileNotFoundError where the file is gone.
        """
        if not self.has_image:
            raise FileNotFoundError(f"The image of radiograph {self.pk} was removed.")
        with self.file.open("rb") as file:
            data: bytes = file.read()
        return data

    def file_names(self) -> set[str]:
        """Return the names of all files that belong to it, whether they are there or not."""
        # A picture may have come since this row was read, or its worker may have died before it wrote the name down.
        stored = {self.file.name, self.preview.name, self.thumbnail.name}
        return {name for name in stored | {_preview_name(self, ""), _thumbnail_name(self, "")} if name}


@receiver(models.signals.post_delete, sender=Radiograph)
def _delete_files(instance: Radiograph, **_: Any) -> None:
    """Delete the files once it is certain that the row is gone, whoever deleted it: its owner's deletion does too."""
    for name in instance.file_names():
        transaction.on_commit(partial(instance.file.storage.delete, name), robust=True)


class Prediction(AbstractPrediction):
    """What one ModelVersion says of one Radiograph to those who may see it, and the job of finding out."""

    radiograph = models.ForeignKey(Radiograph, models.CASCADE, related_name="predictions")
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, related_name="predictions", db_index=False
    )
    wanted_version = models.ForeignKey(
        ModelVersion,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Who must answer; empty: the version that is active when it is read.",
    )

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at", "-pk"]
        indexes = [
            not_final("prediction_not_final"),
            # What the admin's list is sorted and filtered by; the last one serves the foreign key as well.
            models.Index(fields=["-queued_at", "-id"], name="prediction_by_moment"),
            unsuccessful("status", name="prediction_by_status"),
            unsuccessful("reason_code", name="prediction_by_reason"),
            models.Index(fields=["model_version", "-queued_at", "-id"], name="prediction_by_version"),
        ]
        constraints = [probability_if_succeeded("probability_if_succeeded")]

    @classmethod
    def of_deleted(cls) -> Prediction:
        """Return what stands in for the prediction of a radiograph that is gone; it is never saved."""
        gone = sentence("This radiograph was deleted a moment ago.")
        return cls(status=cls.Status.FAILED, reason_code="deleted", reason=gone, reason_parts=gone.as_dict())

    @property
    def asks_for(self) -> int | None:
        return self.wanted_version_id

    def ended(self) -> None:
        Radiograph.objects.filter(pk=self.radiograph_id).follow_newest()
        Delivery.objects.announce_predictions([self.pk])
        if self.status in self.ANSWERED:
            Disagreement.objects.follow(self)
            self.is_shadowed = ShadowPrediction.objects.queue_behind(self)
