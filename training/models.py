"""The registry of training runs. A row is the job: every change of its state is here or in its QuerySet."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from diagnosis.models import ModelVersion
from training.config import RECIPES
from training.querysets import TrainingRunQuerySet


class TrainingRun(models.Model):
    """One execution of the trainer, and the job of doing it."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")

    class Accelerator(models.TextChoices):
        """As ``train --accelerator`` takes them. Not taken from there: that module loads Keras."""

        AUTO = "auto", _("the best that is there")
        CPU = "cpu", "CPU"
        GPU = "gpu", "GPU"
        TPU = "tpu", "TPU"

    UNFINISHED = (Status.PENDING, Status.RUNNING)

    recipe = models.CharField(max_length=64, default="default", help_text="A named configuration.")
    data = models.CharField(max_length=255, help_text="The folder of images, below the folder of training data.")
    source = models.CharField(
        "source of the data",
        max_length=255,
        blank=True,
        help_text="What the model card says of the images: whose, which, what licence.",
    )
    epochs = models.PositiveSmallIntegerField(null=True, blank=True, help_text="At most; empty: as the recipe says.")
    seed = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of split, first weights, order and augmentation; empty: the recipe's."
    )
    accelerator = models.CharField(max_length=4, choices=Accelerator, default=Accelerator.AUTO)
    imagenet_weights = models.CharField(
        "ImageNet weights", max_length=255, blank=True, help_text="A file below the folder of training data."
    )
    config = models.JSONField(
        "configuration", default=dict, help_text="In full: of a command from its start, else of a finished run."
    )
    output = models.CharField(
        "folder", max_length=255, blank=True, help_text="Of a run that the train command carries out."
    )
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it failed.")
    progress = models.JSONField(default=dict, help_text="Epoch, step, loss, AUROC, seconds left.")
    history = models.JSONField("curves", default=list, help_text="A row for each epoch.")
    log = models.TextField("end of the log", blank=True)
    fingerprint = models.CharField("fingerprint of the data", max_length=64, blank=True)
    metrics = models.JSONField(default=dict)
    version = models.ForeignKey(
        ModelVersion, models.SET_NULL, null=True, related_name="training_runs", verbose_name="published as"
    )

    created = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField("started", null=True)
    finished_at = models.DateTimeField("finished", null=True)
    token = models.UUIDField(null=True, help_text="Who claimed it last; only the holder can finish it.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Since the last finished epoch.")
    worker = models.CharField(max_length=255, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("admin:training_trainingrun_change", args=[self.pk])

    @property
    def folder(self) -> Path:
        """Where its artifact lies once it has succeeded."""
        return Path(self.output or settings.DATA_DIR / "training" / f"run-{self.pk}")

    @property
    def partial(self) -> Path:
        """Where the trainer keeps what it needs to go on, and says how far it is."""
        return self.folder.with_name(f"{self.folder.name}.partial")

    @property
    def log_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def is_of_command(self) -> bool:
        """Whether the ``train`` command carries it out; else any training worker may."""
        return bool(self.output)

    @property
    def is_final(self) -> bool:
        return self.status not in self.UNFINISHED

    @property
    def is_abandoned(self) -> bool:
        """Whether its worker has let its lease run out."""
        return bool(self.status == self.Status.RUNNING and self.lease_until and self.lease_until < timezone.now())

    @property
    def duration(self) -> timedelta | None:
        return (self.finished_at or timezone.now()) - self.started_at if self.started_at else None

    @property
    def configuration(self) -> dict[str, Any]:
        """What is stored, else the recipe with what was chosen instead; empty where the recipe is gone."""
        if self.config or self.recipe not in RECIPES:
            return dict(self.config)
        chosen = {"epochs": self.epochs, "seed": self.seed}
        return RECIPES[self.recipe].as_dict() | {name: value for name, value in chosen.items() if value is not None}

    @property
    def auroc(self) -> float | None:
        """That of the finished network on its validation images, else the one of the last epoch."""
        if figure := self.metrics.get("validation", {}).get("auroc"):
            return figure["value"]  # type: ignore[no-any-return]
        return self.history[-1].get("clean_auroc") if self.history else None

    def take(self, worker: str) -> None:
        """Hold it, whoever did before, and store it: only a command does so, which has locked the run's log."""
        now = timezone.now()
        self.status, self.token, self.worker, self.attempts = self.Status.RUNNING, uuid.uuid4(), worker, 1
        self.reason, self.finished_at, self.started_at = "", None, self.started_at or now
        self.lease_until = now + settings.TRAINING_LEASE
        self.save()

    def keep(self, **facts: Any) -> bool:
        """Renew the lease, and store ``facts`` of the progress. False where the claim was lost, or the run stopped."""
        return bool(self._mine().update(lease_until=timezone.now() + settings.TRAINING_LEASE, **facts))

    def give_back(self) -> bool:
        """Let go of the claim after a fault that another attempt may not meet. False where the claim was lost."""
        facts = {"status": self.Status.PENDING, "token": None, "worker": "", "lease_until": None}
        return bool(self._mine().update(**facts))

    def succeed(self, **facts: Any) -> bool:
        """False where the claim was lost."""
        return self._end(self.Status.SUCCEEDED, reason="", **facts)

    def fail(self, reason: str, **facts: Any) -> bool:
        """End with a sentence. False where the claim was lost."""
        return self._end(self.Status.FAILED, reason=reason[:500], **facts)

    def stop(self, reason: str) -> bool:
        """End it, whoever holds it: the holder notices that its claim is lost. False where it has ended already."""
        # The lease stays: as long as it lasts, a process of the holder may still write to the folder.
        unfinished = TrainingRun.objects.filter(pk=self.pk, status__in=self.UNFINISHED)
        facts = {"status": self.Status.FAILED, "reason": reason, "token": None, "finished_at": timezone.now()}
        return bool(unfinished.update(**facts))

    def go_on(self) -> bool:
        """Let a failed or stopped run wait for a worker again, which goes on where it was. False where it runs."""
        failed = TrainingRun.objects.filter(pk=self.pk, status=self.Status.FAILED)
        return bool(failed.update(status=self.Status.PENDING, reason="", finished_at=None, attempts=0))

    def _mine(self) -> TrainingRunQuerySet:
        return TrainingRun.objects.filter(pk=self.pk, token=self.token, status=self.Status.RUNNING)

    def _end(self, status: str, **facts: Any) -> bool:
        # Under the token: a worker that wakes up after its lease was given to another one changes nothing.
        ended = {"status": status, "finished_at": timezone.now(), "token": None, "lease_until": None}
        return bool(self._mine().update(**ended, **facts))
