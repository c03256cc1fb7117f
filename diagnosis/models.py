"""Radiographs, predictions and the versions of the model. The rows are the jobs: every change of state is here."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnosis.engine.artifact import ModelCard
from diagnosis.engine.sentences import Sentence, sentence
from diagnosis.engine.suitability import Caution, cautions_of
from diagnosis.history.listed import Listed
from diagnosis.history.saved_filters import SavedFilter as SavedFilter
from diagnosis.history.tagging import Tag as Tag
from diagnosis.querysets import ComparisonQuerySet, ModelVersionQuerySet, PredictionQuerySet, RadiographQuerySet
from diagnosis.translation import translated

if TYPE_CHECKING:
    from diagnosis.engine.classifier import Classification


class ModelVersion(models.Model):
    """A published network. Its artifact lies in ``folder`` and is never changed."""

    version = models.CharField(max_length=64, unique=True)
    network_sha256 = models.CharField("SHA-256 of the network", max_length=64)
    card = models.JSONField("model card")
    active = models.BooleanField(default=False, help_text="New predictions are made by the active version.")
    activated = models.DateTimeField(null=True, help_text="When it last became active; rolling back goes by it.")
    published = models.DateTimeField(default=timezone.now)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-published"]
        constraints = [
            models.UniqueConstraint(fields=["active"], condition=Q(active=True), name="one_active_model_version")
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
            ModelVersion.objects.filter(active=True).update(active=False)
            ModelVersion.objects.filter(pk=self.pk).update(active=True, activated=timezone.now())
        self.active = True

    def take_over_again(self) -> None:
        """Become active in place of a later version, which is forgotten: rolling back once more goes further back."""
        with transaction.atomic():
            ModelVersion.objects.filter(active=True).update(active=False, activated=None)
            ModelVersion.objects.filter(pk=self.pk).update(active=True)
        self.active = True


class Comparison(models.Model):
    """What two versions were worth on the same images. :func:`diagnosis.comparison.compare_versions` writes it."""

    a = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+", verbose_name="version A")
    b = models.ForeignKey(ModelVersion, models.CASCADE, related_name="+", verbose_name="version B")
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


def _reason(code: str, reason: str) -> dict[str, Any]:
    parts = reason.as_dict() if isinstance(reason, Sentence) else None
    return {"reason_code": code, "reason": str(reason), "reason_parts": parts}


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
    created = models.DateTimeField(default=timezone.now)
    file = models.FileField(upload_to=_stored_name, max_length=120)
    filename = models.CharField(max_length=255, help_text="As the user named it.")
    format = models.CharField(max_length=8)
    width = models.PositiveIntegerField(help_text="Pixels.")
    height = models.PositiveIntegerField(help_text="Pixels.")
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

    objects = RadiographQuerySet.as_manager()

    class Meta(Listed.Meta):
        pass

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

    def read(self) -> bytes:
        """Return the stored bytes: those uploaded, or of a DICOM file the copy that names nobody.

        Raises FileNotFoundError where the file is gone.
        """
        with self.file.open("rb") as file:
            data: bytes = file.read()
        return data


@receiver(models.signals.post_delete, sender=Radiograph)
def _delete_files(instance: Radiograph, **_: Any) -> None:
    """Delete the files once it is certain that the row is gone, whoever deleted it: its owner's deletion does too."""
    # A picture may have come since this row was read, or its worker may have died before it wrote the name down.
    stored = {instance.file.name, instance.preview.name, instance.thumbnail.name}
    for name in stored | {_preview_name(instance, ""), _thumbnail_name(instance, "")}:
        if name:
            transaction.on_commit(partial(instance.file.storage.delete, name), robust=True)


class Prediction(models.Model):
    """What one ModelVersion says of one Radiograph, and the job of finding out."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Failed")

    FINAL = (Status.SUCCEEDED, Status.REFUSED, Status.FAILED)

    radiograph = models.ForeignKey(Radiograph, models.CASCADE, related_name="predictions")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, related_name="predictions")
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

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at", "-pk"]
        indexes = [
            # No status in the condition: it would come as a parameter, for which SQLite uses no partial index.
            models.Index(fields=["queued_at"], condition=Q(finished_at__isnull=True), name="prediction_not_final")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="succeeded", probability__gte=0, probability__lte=1)
                | (~Q(status="succeeded") & Q(probability__isnull=True)),
                name="probability_if_succeeded",
            )
        ]

    def __str__(self) -> str:
        return f"{self.radiograph_id}: {self.status}"

    @classmethod
    def of_deleted(cls) -> Prediction:
        """Return what stands in for the prediction of a radiograph that is gone; it is never saved."""
        gone = sentence("This radiograph was deleted a moment ago.")
        return cls(status=cls.Status.FAILED, reason_code="deleted", reason=gone, reason_parts=gone.as_dict())

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def explanation(self) -> str:
        """The reason in the language that is active; ``reason`` itself is English, for programs and the log."""
        return translated(Sentence.from_dict(self.reason_parts)) if self.reason_parts else self.reason

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

    def give_back(self) -> None:
        """Let go of the claim, after a fault that another attempt may not meet if it comes a little later.

        The row goes on as running, with a lease that nobody holds: as long as it lasts, nobody can claim.
        """
        pause = self.attempts * timedelta(seconds=5)
        mine = Prediction.objects.filter(pk=self.pk, token=self.token, status=self.Status.RUNNING)
        mine.update(token=None, worker="", lease_until=timezone.now() + pause)

    def _end(self, status: str, **facts: Any) -> bool:
        # Under the token: a worker that wakes up after its lease was given to another one changes nothing.
        mine = Prediction.objects.filter(pk=self.pk, token=self.token, status=self.Status.RUNNING)
        with transaction.atomic():
            is_mine = mine.update(status=status, finished_at=timezone.now(), token=None, lease_until=None, **facts)
            if is_mine:
                Radiograph.objects.filter(pk=self.radiograph_id).follow_newest()
        return bool(is_mine)
