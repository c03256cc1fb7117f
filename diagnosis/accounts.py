"""Who may make an account, and what a new password ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator, unless the setting opens the door to everybody."""

    #: One sentence whichever of the two is wrong: it must not tell whether an account exists.
    error_messages = DefaultAccountAdapter.error_messages | dict.fromkeys(
        ("username_password_mismatch", "email_password_mismatch"),
        _("Name and password do not fit together. Check both; capital letters count."),
    )

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


def revoke_tokens(user: User, **_: Any) -> None:
    """End what was logged in by the old password: the tokens as well. Django ends the sessions."""
    user.auth_token_set.all().delete()  # type: ignore[attr-defined]  # knox's
