"""What a person says of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NAME = 80


def shown_name(username: str, display_name: str | None) -> str:
    """Return what others see: never without the name that nobody else can have."""
    return f"{display_name} ({username})" if display_name and display_name != username else username


def name_of(user: User) -> str:
    """Return what others see of a user; a query where the profile was not fetched along."""
    profile: Profile | None = getattr(user, "profile", None)
    return shown_name(user.get_username(), profile.display_name if profile else "")


class Profile(models.Model):
    """The row is made when something is first said; until then :meth:`of` gives an empty one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="profile")
    display_name = models.CharField(_("name to show"), max_length=LONGEST_NAME, blank=True)
    language = models.CharField(
        _("language"), max_length=20, blank=True, help_text=_("Empty: the language that the browser asks for.")
    )

    def __str__(self) -> str:
        return self.display_name or self.user.get_username()

    @classmethod
    def of(cls, user: Any) -> Profile:
        return cls.objects.filter(user=user).first() or cls(user=user)

    @classmethod
    def change(cls, user: User, **facts: str) -> None:
        """Two tabs may do so at once, and one of them for the first time."""
        cls.objects.update_or_create(user=user, defaults=facts)
