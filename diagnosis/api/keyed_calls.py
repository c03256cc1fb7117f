"""Calls that carry an Idempotency-Key: what was stored for each, and how it was answered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.dispatch import receiver
from django.utils import timezone


class KeyedCallQuerySet(models.QuerySet["KeyedCall"]):
    def begin(self, owner: Any, key: str, request_hash: str) -> tuple[KeyedCall, bool]:
        """Return the call under this key, and whether the caller holds it and is to carry it out."""
        fresh = KeyedCall(owner=owner, key=key, request_hash=request_hash)
        # The row is written if there is none, whoever else tries: only the database can tell who was first.
        KeyedCall.objects.bulk_create([fresh], ignore_conflicts=True)
        call = KeyedCall.objects.get(owner=owner, key=key)
        return call, call.token == fresh.token or call.take_over(fresh.token)

    def forget_old(self) -> int:
        """Delete those whose answer was kept for long enough."""
        old = self.filter(created__lt=timezone.now() - settings.IDEMPOTENCY_KEPT)
        return self.filter(pk__in=list(old.values_list("pk", flat=True)[:500])).delete()[0]


def _lease() -> Any:
    return timezone.now() + settings.IDEMPOTENCY_LEASE


class KeyedCall(models.Model):
    """One user's call under one key. What it stores and ``outcome`` are written in one transaction, so that a repeat
    can be answered even where the first one's process died before it answered."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of what was sent.")
    created = models.DateTimeField(default=timezone.now, db_index=True)
    token = models.UUIDField(default=uuid.uuid4, help_text="Who carries it out; only the holder can store anything.")
    lease_until = models.DateTimeField(default=_lease)
    outcome = models.JSONField(null=True, help_text="What was stored: enough to answer from.")
    answer = models.JSONField(null=True, help_text="Status, headers and body of the first answer.")
    radiographs = models.ManyToManyField(
        "diagnosis.Radiograph", related_name="+", help_text="The answer is about them."
    )
    is_gone = models.BooleanField(default=False, help_text="One of them was deleted, and the answer with it.")

    objects = KeyedCallQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_call_of_a_key")]

    def __str__(self) -> str:
        return self.key

    def take_over(self, token: uuid.UUID) -> bool:
        """Hold a call whose holder has died before it stored anything."""
        dead = KeyedCall.objects.filter(pk=self.pk, outcome__isnull=True, lease_until__lt=timezone.now())
        taken = bool(dead.update(token=token, lease_until=_lease()))
        self.token = token if taken else self.token
        return taken

    def note(self, outcome: Any, radiographs: Iterable[Any] = ()) -> bool:
        """Write down what is stored, in the transaction that stores it. False where another one has taken over."""
        is_mine = KeyedCall.objects.filter(pk=self.pk, token=self.token).update(outcome=outcome)
        if is_mine:
            self.radiographs.add(*radiographs)
            self.outcome = outcome
        return bool(is_mine)

    def remember(self, status: int, headers: dict[str, str], body: str) -> None:
        """Keep the first answer, unless what it is about was deleted in the meantime."""
        kept = {"status": status, "headers": headers, "body": json.loads(body)}
        KeyedCall.objects.filter(pk=self.pk, answer__isnull=True, is_gone=False).update(answer=kept)

    def forget(self) -> None:
        """Free the key, where nothing was stored under it."""
        KeyedCall.objects.filter(pk=self.pk, token=self.token, outcome__isnull=True).delete()


@receiver(models.signals.pre_delete, sender="diagnosis.Radiograph")
def _forget_answers(instance: Any, **_: Any) -> None:
    """Nothing of a radiograph stays behind in an answer."""
    with transaction.atomic():
        about_it = KeyedCall.radiographs.through.objects.filter(radiograph=instance.pk).values("keyedcall")
        KeyedCall.objects.filter(pk__in=about_it).update(outcome={}, answer=None, is_gone=True)
