"""Addresses that users want to be called at, and the calls. The rows are the jobs."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.engine.sentences import Sentence
from diagnosis.outgoing import Outgoing, OutgoingQuerySet, back_off
from diagnosis.people.groups import Membership, ReadingGroup, Role
from diagnosis.translation import translated

MOST_WEBHOOKS, LONGEST_URL = 10, 500
#: The log shows so many of its newest calls.
MOST_SHOWN = 100
#: For so long after a new secret calls are signed with the one before it as well.
OLD_SECRET_FOR = timedelta(days=1)
#: A receiver to which nothing got through for so long is no longer called.
PAUSED_AFTER = timedelta(hours=23)


def new_secret() -> str:
    return f"pdwh_{secrets.token_urlsafe(32)}"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def managed_by(self, user: Any) -> Self:
        """Those that the user may see and change: one's own, and those of the groups that one owns."""
        return self.filter(Q(owner=user) | Q(group__in=ReadingGroup.objects.owned_by(user)))

    def active(self) -> Self:
        return self.filter(paused="")

    def with_due(self) -> Self:
        """Those to which something is to be delivered now."""
        due = Delivery.objects.filter(webhook=OuterRef("pk")).due()
        return self.active().filter(Exists(due))


class Webhook(models.Model):
    """Called when something is final that is its owner's, or is shared with its group."""

    class Paused(models.TextChoices):
        BY_OWNER = "owner"
        FAILING = "failing"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="webhooks")
    group = models.ForeignKey(
        ReadingGroup, models.CASCADE, null=True, related_name="webhooks", help_text="In place of an owner."
    )
    url = models.CharField("address", max_length=LONGEST_URL)
    secret = models.CharField(max_length=64, default=new_secret)
    old_secret = models.CharField(max_length=64, blank=True)
    old_secret_until = models.DateTimeField(null=True)
    on_predictions = models.BooleanField("when an X-ray is read", default=True)
    on_batches = models.BooleanField("when an upload of many is read", default=True)
    created = models.DateTimeField(default=timezone.now)
    paused = models.CharField(max_length=7, choices=Paused, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Attempts in a row that failed.")
    failing_since = models.DateTimeField(null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False, group__isnull=True) | Q(owner__isnull=True, group__isnull=False),
                name="webhook_of_owner_or_group",
            ),
            # An upload of many is one member's, and not all of it need be shared.
            models.CheckConstraint(
                condition=Q(group__isnull=True) | Q(on_batches=False), name="webhook_of_group_on_predictions"
            ),
        ]

    def __str__(self) -> str:
        return urlsplit(self.url).netloc

    def get_absolute_url(self) -> str:
        return reverse("diagnosis:webhook", args=[self.pk])

    @property
    def host(self) -> str:
        """Return what everybody whose results it is told may know of the address."""
        return urlsplit(self.url).hostname or ""

    @property
    def managers(self) -> list[Any]:
        """Return whom to tell what becomes of it."""
        if self.owner:
            return [self.owner]
        owners = self.group.memberships.filter(role=Role.OWNER) if self.group else Membership.objects.none()
        return [each.user for each in owners.select_related("user")]

    @property
    def secrets_in_use(self) -> list[str]:
        is_old_in_use = self.old_secret_until and self.old_secret_until > timezone.now()
        return [self.secret, self.old_secret] if is_old_in_use else [self.secret]

    def rotate_secret(self) -> str:
        """Return a new secret. The one before it goes on to sign as well for a day, so that no call is lost."""
        self.old_secret, self.old_secret_until = self.secret, timezone.now() + OLD_SECRET_FOR
        self.secret = new_secret()
        self.save(update_fields=["secret", "old_secret", "old_secret_until"])
        return self.secret

    def pause(self, why: str = Paused.BY_OWNER) -> bool:
        """Call it no more, and hold back what waits. False where it was paused already."""
        with transaction.atomic():
            changed = Webhook.objects.filter(pk=self.pk, paused="").update(paused=why)
            if changed:
                record(Verb.CHANGED, Kind.WEBHOOK, self.pk, details=f"paused: {why}")
            Delivery.objects.filter(webhook=self.pk).hold_back()
        return bool(changed)

    def resume(self) -> None:
        """Call it again, with what was held back first."""
        with transaction.atomic():
            Webhook.objects.filter(pk=self.pk).update(paused="", failures=0, failing_since=None)
            Delivery.objects.filter(webhook=self.pk, state=Outgoing.State.HELD).send_now()
            record(Verb.CHANGED, Kind.WEBHOOK, self.pk, details="resumed")

    def ping(self) -> Delivery:
        return Delivery.objects.create(webhook=self, event=Delivery.Event.PING)

    def note_success(self) -> None:
        """It answers: what waited for that goes out now."""
        if Webhook.objects.filter(pk=self.pk, failures__gt=0).update(failures=0, failing_since=None):
            Delivery.objects.filter(webhook=self.pk, due__isnull=False, token=None).update(due=timezone.now())

    def note_failure(self) -> bool:
        """Let what else waits wait longer, or pause it: after a day without an answer. True if that was done now."""
        now, mine = timezone.now(), Webhook.objects.filter(pk=self.pk)
        mine.filter(failing_since=None).update(failing_since=now)
        mine.update(failures=F("failures") + 1)
        self.refresh_from_db(fields=["failures", "failing_since"])
        if self.failing_since and now - self.failing_since > PAUSED_AFTER:
            return self.pause(self.Paused.FAILING)
        Delivery.objects.filter(webhook=self.pk, token=None).due(now).update(due=now + back_off(self.failures))
        return False


def _hooked(predictions: Any, hook: str) -> Any:
    active = predictions.filter(**{f"{hook}__paused": "", f"{hook}__on_predictions": True})
    return active.values_list("pk", f"{hook}__pk")


class DeliveryQuerySet(OutgoingQuerySet):
    def announce_predictions(self, pks: Iterable[int]) -> None:
        """Write the calls on predictions that have just become final, in the transaction that ended them.

        One query where nobody wants to be called.
        """
        from diagnosis.models import Prediction  # only here: models.py takes this module's models

        ended = Prediction.objects.filter(pk__in=list(pks)).order_by()
        wanted = [_hooked(ended, f"radiograph__{whose}__webhooks") for whose in ("owner", "group")]
        event = Delivery.Event.PREDICTION
        self._announce(
            Delivery(webhook_id=hook, event=event, prediction_id=pk) for pk, hook in wanted[0].union(wanted[1])
        )

    def announce_batch(self, batch: Any) -> None:
        wanted = Webhook.objects.active().filter(owner=batch.owner_id, on_batches=True)
        self._announce(Delivery(webhook=each, event=Delivery.Event.BATCH, batch=batch) for each in wanted)

    def _announce(self, deliveries: Iterable[Delivery]) -> None:
        if fresh := list(deliveries):
            self.bulk_create(fresh)


class Delivery(Outgoing):
    """One call of a webhook. Its id is in the call, so that a receiver notices what it gets twice."""

    class Event(models.TextChoices):
        PING = "ping"
        PREDICTION = "prediction.final"
        BATCH = "batch.final"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=20, choices=Event)
    prediction = models.ForeignKey("diagnosis.Prediction", models.CASCADE, null=True, related_name="+")
    batch = models.ForeignKey("diagnosis.Batch", models.CASCADE, null=True, related_name="+")
    body = models.TextField(blank=True, help_text="As it was first sent; each further attempt sends the same.")
    problem_parts = models.JSONField(
        null=True, help_text="What the problem was made of, to be said in other languages."
    )
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=200, blank=True, help_text="The first bytes.")
    seconds = models.FloatField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["webhook", "due"], condition=Q(due__isnull=False), name="delivery_due"),
            models.Index(fields=["webhook", "-created", "-id"], name="delivery_by_webhook"),
            models.Index(fields=["-created", "-id"], name="delivery_by_moment"),
            models.Index(fields=["state", "-created", "-id"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.state}"

    @property
    def is_withdrawn(self) -> bool:
        """Whether it is about what is no longer shared with the group that wants to be called."""
        group = self.webhook.group_id
        return bool(group and self.prediction and self.prediction.radiograph.group_id != group)

    @property
    def explanation(self) -> str:
        """The problem in the language that is active; ``problem`` itself is English, for programs."""
        if self.problem and self.problem_parts:
            return translated(Sentence.from_dict(self.problem_parts))
        return self.problem
