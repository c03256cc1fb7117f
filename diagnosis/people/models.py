"""What the platform owes its users apart from answers: word of an upload of many, and the end of an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, Max, Q
from django.urls import reverse
from django.utils import timezone

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.outgoing import Outgoing, OutgoingQuerySet

#: An upload of which not all comes that was announced is over when nothing more has come for so long.
PATIENCE = timedelta(minutes=10)
#: An upload that took longer is one that nobody wants to sit by.
LONG = timedelta(minutes=1)
LONGEST_KEY = 64


class MailSettings(models.Model):
    """When a user wants a mail about an upload of many. A user without a row wants one after a long wait."""

    class When(models.TextChoices):
        LONG = "long"
        ALWAYS = "always"
        NEVER = "never"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="mail_settings"
    )
    batches = models.CharField(max_length=6, choices=When, default=When.LONG)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.batches}"

    @classmethod
    def of(cls, user: Any) -> MailSettings:
        return cls.objects.filter(user=user).first() or cls(user=user)

    def want_mail_after(self, took: timedelta) -> bool:
        return self.batches == self.When.ALWAYS or (self.batches == self.When.LONG and took > LONG)


@dataclass(frozen=True)
class Together:
    """What the page says of the upload that a file is a part of: how it calls it, and how many files it will send."""

    key: str = ""
    files: int = 0
    by_mail: bool = False


class BatchQuerySet(models.QuerySet["Batch"]):
    def take(self, owner: Any, together: Together) -> Batch:
        """Return the batch that what comes now belongs to: by its key the one begun before, else a new one.

        In the transaction that writes its radiographs. Without a key it is whole with this request.
        """
        now = timezone.now()
        if not together.key:
            return self.create(owner=owner, open_until=now, by_mail=together.by_mail)
        fresh = Batch(owner=owner, key=together.key, files=together.files, open_until=now + PATIENCE)
        Batch.objects.bulk_create(
            [fresh], ignore_conflicts=True
        )  # several of its requests may come at the same moment
        batch = self.get(owner=owner, key=together.key)
        mine = self.filter(pk=batch.pk)
        mine.update(received=F("received") + 1, open_until=now + PATIENCE, by_mail=together.by_mail)
        mine.filter(received__gte=F("files")).update(open_until=now)
        return batch

    def over(self) -> Self:
        """Those to which nothing more will come, and nobody was told yet."""
        return self.filter(ended=None, open_until__lte=timezone.now())


class Batch(models.Model):
    """Radiographs that were uploaded together: a zip, a folder, or files that were dropped at once."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="batches", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY, blank=True, help_text="What the page calls it; empty elsewhere.")
    created = models.DateTimeField(default=timezone.now)
    files = models.PositiveIntegerField(default=0, help_text="So many were announced, each in a request of its own.")
    received = models.PositiveIntegerField(default=0, help_text="So many have come, whatever became of them.")
    open_until = models.DateTimeField()
    by_mail = models.BooleanField(default=False, help_text="Its owner wants a mail, however long it takes.")
    ended = models.DateTimeField(null=True, help_text="When its last answer was noticed, and its owner told.")

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["open_until"], condition=Q(ended__isnull=True), name="batch_not_ended")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], condition=~Q(key=""), name="one_batch_of_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.created:%Y-%m-%d %H:%M}"

    def is_read(self) -> bool:
        """Whether every answer is there."""
        from diagnosis.models import Prediction  # only here: models.py takes this module's models

        return not Prediction.objects.all().unfinished().filter(radiograph__batch=self).exists()

    def counts(self) -> dict[str, int]:
        """Return how many there are of each outcome, the bands of those that were answered apart."""
        rows = self.radiographs.order_by().values_list("outcome", "band").annotate(Count("pk"))
        return {band or outcome: count for outcome, band, count in rows}

    def finished(self) -> Any:
        """Return when its last answer came; None where nothing of it is left."""
        return self.radiographs.aggregate(last=Max("predictions__finished_at"))["last"]

    def took(self) -> timedelta:
        return (self.finished() or self.created) - self.created

    def history_path(self) -> str:
        """Return the part of the history that shows it; what came at the same time is there too."""
        span = self.radiographs.aggregate(first=models.Min("created"), last=Max("created"))
        if not span["first"]:
            return reverse("diagnosis:history")
        moment = timedelta(milliseconds=1)
        query = {
            "created_after": (span["first"] - moment).isoformat(),
            "created_before": (span["last"] + moment).isoformat(),
        }
        return reverse("diagnosis:history", query=query)

    def facts(self) -> dict[str, Any]:
        """Return what programs are told of it."""
        counts = self.counts()
        return {
            "id": self.pk,
            "created": self.created.isoformat(),
            "finished": self.finished(),
            "radiographs": sum(counts.values()),
            "counts": counts,
            "page_url": settings.PUBLIC_URL + self.history_path(),
        }


class Letter(Outgoing):
    """A mail to a user, to the address that the user has when it is sent."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="letters")
    about = models.CharField(max_length=60, help_text="What it is about, so that nothing is said twice.")
    subject = models.CharField(max_length=200)
    body = models.TextField()

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["due"], condition=Q(due__isnull=False), name="letter_due")]

    def __str__(self) -> str:
        return self.subject


class LeavingQuerySet(models.QuerySet["Leaving"]):
    def begin(self, user: Any) -> Leaving:
        """Close the account at once, and have all that it holds removed. There is no way back."""
        with transaction.atomic():
            leaving, _ = self.get_or_create(user=user)
            user.set_unusable_password()
            user.is_active = False
            user.save(update_fields=["password", "is_active"])
            user.auth_token_set.all().delete()
            for webhook in user.webhooks.all():
                webhook.pause()
            record(Verb.CHANGED, Kind.ACCOUNT, user.pk, label=user.get_username(), details="closed, to be deleted")
        return leaving


class Leaving(models.Model):
    """The job of removing an account with its files. It is gone with the account."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="leaving")
    asked = models.DateTimeField(default=timezone.now)

    objects = LeavingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id}"
