"""Word that an upload of many is read: once, by mail where its owner wants that, and to the owner's webhooks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from diagnosis.people.language import language_of
from diagnosis.people.letters import write
from diagnosis.people.models import Batch, MailSettings
from diagnosis.webhooks.models import Delivery

#: In the order in which a mail names them: the bands of what was answered, then what was not.
OUTCOMES = {
    "likely": _("pneumonia likely"),
    "uncertain": _("uncertain"),
    "unlikely": _("pneumonia unlikely"),
    "refused": _("refused, with the reason"),
    "failed": _("could not be read"),
}


def tell_of_ended() -> int:
    """Look at the uploads to which nothing more comes, and tell the owners of those that are read."""
    over = Batch.objects.all().over().select_related("owner").order_by("open_until")[:200]
    return sum(end(batch) for batch in over if batch.is_read())


def end(batch: Batch) -> bool:
    """Write all that is to be sent, in the transaction that ends it: one process of many does so, once."""
    with transaction.atomic():
        if not Batch.objects.all().over().filter(pk=batch.pk).update(ended=timezone.now()):
            return False
        if counts := batch.counts():
            Delivery.objects.announce_batch(batch)
            if wants_mail(batch):
                with translation.override(language_of(batch.owner)):
                    write(batch.owner, f"batch {batch.pk}", "diagnosis/account/batch_mail.txt", _facts(batch, counts))
    return True


def wants_mail(batch: Batch) -> bool:
    return batch.by_mail or MailSettings.of(batch.owner).want_mail_after(batch.took())


def _facts(batch: Batch, counts: dict[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    return {
        "read": ngettext("Your X-ray is read", "Your %(count)s X-rays are read", total) % {"count": total},
        "counts": [(counts[name], words) for name, words in OUTCOMES.items() if name in counts],
        "began": batch.created,
        "address": settings.PUBLIC_URL + batch.history_path(),
        "stop_address": settings.PUBLIC_URL + reverse("diagnosis:notices"),
    }
