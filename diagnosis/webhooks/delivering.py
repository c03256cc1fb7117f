"""Deliveries from claim to answer."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from diagnosis.people.letters import write_delivery_given_up, write_webhook_paused
from diagnosis.reviewing.blinding import given_by_call
from diagnosis.webhooks import calling
from diagnosis.webhooks.models import Delivery, Webhook
from diagnosis.webhooks.payload import body_of
from diagnosis.webhooks.signing import HEADER, signature

logger = logging.getLogger(__name__)

#: One receiver is called for so long, then others get their turn.
TURN_SECONDS = 20.0
KEPT_FOR = timedelta(days=30)


def deliver_due(webhook_id: int) -> int:
    """Deliver what is due to one webhook, one after the other, until one fails or its turn is over."""
    delivered, until = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        due = Delivery.objects.filter(webhook=webhook_id).due().order_by("due")
        if not (delivery := _claim_first(due)) or not deliver(delivery):
            break
        delivered += 1
    return delivered


def _claim_first(due: Any) -> Delivery | None:
    for pk in due.values_list("pk", flat=True)[:1]:
        claimed: Delivery | None = Delivery.objects.select_related(
            "webhook", "batch", "prediction__radiograph", "prediction__model_version"
        ).claim(pk)
        return claimed
    return None


def deliver(delivery: Delivery) -> bool:
    """Make one attempt, and note what came of it. True where it got through, or is not to be made any more."""
    if delivery.is_withdrawn:
        delivery.delete()
        return True
    if not delivery.body:
        delivery.body = body_of(delivery)
    answer = calling.call(delivery.webhook.url, _headers(delivery), delivery.body.encode())
    facts = {
        "body": delivery.body,
        "status_code": answer.status_code,
        "answer": answer.text,
        "seconds": answer.seconds,
    }
    if not answer.problem:
        with transaction.atomic():  # what was told is not noted without who was told
            delivery.succeed(**facts)
            if delivery.prediction:
                given_by_call(delivery.webhook.managers, delivery.prediction.radiograph)
        delivery.webhook.note_success()
        return True
    delivery.fail(answer.problem, problem_parts=answer.problem.as_dict(), **facts)
    logger.info("Delivery %s failed at attempt %s, status %s.", delivery.pk, delivery.attempts, answer.status_code)
    if delivery.webhook.note_failure():
        write_webhook_paused(delivery.webhook)
    elif delivery.state == Delivery.State.GIVEN_UP:
        write_delivery_given_up(delivery.webhook)
    return False


def _headers(delivery: Delivery) -> dict[str, str]:
    moment = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "PneumoDetect-Webhook",
        "PneumoDetect-Event": delivery.event,
        "PneumoDetect-Delivery": str(delivery.pk),
        HEADER: signature(delivery.webhook.secrets_in_use, moment, delivery.body.encode()),
    }


def forget_old() -> None:
    """Drop what the log no longer shows; some thousand at a time."""
    for webhook in Webhook.objects.all():
        old = webhook.deliveries.filter(created__lt=timezone.now() - KEPT_FOR, due=None)
        webhook.deliveries.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
