"""Mails that the platform writes on its own account: written as rows, and sent until they get through."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone

from diagnosis.people.models import Letter

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)


def write(user: Any, about: str, template: str, context: dict[str, Any]) -> Letter | None:
    """Write a mail from a template whose first line is the subject. None for a user without an address."""
    if not user.email or not user.is_active:
        return None
    facts = {"name": user.get_full_name() or user.get_username(), "platform": settings.PUBLIC_URL, **context}
    subject, _, body = render_to_string(template, facts).strip().partition("\n")
    return Letter.objects.create(user=user, about=about, subject=subject.strip(), body=body.strip() + "\n")


def write_webhook_paused(webhook: Any) -> None:
    for user in webhook.managers:
        _write_of(webhook, user, f"webhook {webhook.pk} paused", "diagnosis/webhooks/paused_mail.txt")


def write_delivery_given_up(webhook: Any) -> None:
    """At most once a day of each webhook."""
    about = f"webhook {webhook.pk} given up"
    since = timezone.now() - timedelta(days=1)
    for user in webhook.managers:
        if not Letter.objects.filter(user=user, about=about, created__gt=since).exists():
            _write_of(webhook, user, about, "diagnosis/webhooks/given_up_mail.txt")


def _write_of(webhook: Any, user: Any, about: str, template: str) -> None:
    address = settings.PUBLIC_URL + webhook.get_absolute_url()
    write(user, about, template, {"receiver": str(webhook), "address": address})


def send_due() -> int:
    """Send what is due, one after the other; once the mail server fails, the others wait too."""
    sent = 0
    for pk in list(Letter.objects.all().due().order_by("due").values_list("pk", flat=True)[:50]):
        if letter := Letter.objects.select_related("user").claim(pk):
            if not _send(letter):
                break
            sent += 1
    return sent


def _send(letter: Letter) -> bool:
    # The same id at each attempt, so that a mail program shows once what was sent twice.
    headers = {"Message-ID": f"<{letter.pk}@pneumodetect>", "Auto-Submitted": "auto-generated"}
    try:
        if letter.user.email:
            EmailMessage(letter.subject, letter.body, to=[letter.user.email], headers=headers).send()
    except (OSError, SMTPException) as error:
        letter.fail(type(error).__name__)  # a mail server's words may hold the address
        logger.warning("Mail %s was not sent: %s", letter.pk, type(error).__name__)
        return False
    letter.succeed()
    return True


def forget_old() -> None:
    old = Letter.objects.filter(created__lt=timezone.now() - KEPT_FOR, due=None)
    Letter.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
