"""An account is removed with all that it holds: files first, so that none is left whenever this process is killed."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from diagnosis.models import Radiograph
from diagnosis.people.models import Leaving

logger = logging.getLogger(__name__)

#: So many radiographs are removed in one transaction.
AT_ONCE = 100


def why_not(user: Any) -> str:
    """Return why this account must stay for now; empty where it may go."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        return _("You are the only administrator. Make another account an administrator first, then delete yours.")
    return ""


def remove_all(user_id: int) -> None:
    """Remove everything of an account that was closed, its own row last. Goes on where another process stopped."""
    leaving = Leaving.objects.select_related("user").filter(pk=user_id).first()
    if not leaving:
        return
    while remove_some(leaving.user):
        pass
    with transaction.atomic():
        leaving.user.delete()
    logger.info("Account %s is removed with all its files.", user_id)


def remove_some(user: Any) -> int:
    """Remove some radiographs with their files, and return how many there were."""
    some = list(Radiograph.objects.owned_by(user).order_by("-created", "-id")[:AT_ONCE])
    for radiograph in some:
        for name in radiograph.file_names():
            radiograph.file.storage.delete(name)
    Radiograph.objects.filter(pk__in=[radiograph.pk for radiograph in some]).delete()
    return len(some)
