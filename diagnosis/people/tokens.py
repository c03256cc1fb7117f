"""Tokens that let a program in, in the name of a person. Only their hashes are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NAME = 60
#: How often the row is written while a token is in use.
LAST_USED_STEP = timedelta(minutes=1)
#: Expired ones are kept for a while, so that their owner sees why a program is let in no more.
KEPT_AFTER_EXPIRY = timedelta(days=30)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(user=user)

    def usable(self) -> Self:
        return self.filter(Q(expiry__isnull=True) | Q(expiry__gt=timezone.now()))

    def long_expired(self) -> Self:
        return self.filter(expiry__lt=timezone.now() - KEPT_AFTER_EXPIRY)


class ApiToken(AbstractAuthToken):
    """``token_key``, its beginning, is stored as it is: it finds the row, and is no secret."""

    class Scope(models.TextChoices):
        READ = "read", _("Read only")
        WRITE = "write", _("Read and write")

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=128, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="auth_token_set", db_index=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME, blank=True)
    scope = models.CharField(_("scope"), max_length=5, choices=Scope.choices, default=Scope.WRITE)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = AuthTokenManager.from_queryset(ApiTokenQuerySet)()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created", "-pk"]
        indexes = [models.Index(fields=["user", "-created", "-id"], name="tokens_of_a_user")]

    def __str__(self) -> str:
        return self.name or f"{self.token_key[:11]}…"

    @property
    def is_expired(self) -> bool:
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def may_write(self) -> bool:
        return self.scope == self.Scope.WRITE

    def note_use(self) -> None:
        """Write down that it is in use, at most once a minute."""
        now = timezone.now()
        if self.last_used is None or self.last_used < now - LAST_USED_STEP:
            unused_since = Q(last_used__isnull=True) | Q(last_used__lt=now - LAST_USED_STEP)
            ApiToken.objects.filter(unused_since, pk=self.pk).update(last_used=now)


def make_token(user: User, name: str = "", scope: str = ApiToken.Scope.WRITE, days: int = 0) -> tuple[ApiToken, str]:
    """Return a new token's row and its text, which is known here and never again."""
    ApiToken.objects.owned_by(user).long_expired().delete()
    facts: dict[str, Any] = {"expiry": timedelta(days=days)} if days else {}
    with transaction.atomic():
        row, text = ApiToken.objects.create(user, name=name, scope=scope, **facts)
        record(Verb.ADDED, Kind.TOKEN, row.pk, label=str(row), details=scope, actor=user)
    return row, text
