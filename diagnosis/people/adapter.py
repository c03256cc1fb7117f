"""Who may make an account, what its owner is told by mail, and what a new password ends."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from diagnosis.people.sessions import end_sessions, sessions_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)
#: Where no mail server is named, mails are printed. A notice would reach nobody there, and tell the log about people.
NO_MAIL = "django.core.mail.backends.console.EmailBackend"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by an administrator, unless the setting opens the door to everybody."""

    #: One sentence whichever of the two is wrong: it must not tell whether an account exists.
    error_messages = DefaultAccountAdapter.error_messages | dict.fromkeys(
        ("username_password_mismatch", "email_password_mismatch"),
        _("Name and password do not fit together. Check both; capital letters count."),
    )

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell the owner that something about the account has changed. It has: no mail server undoes that."""
        if settings.EMAIL_BACKEND == NO_MAIL:
            return
        try:
            super().send_notification_mail(*args, **kwargs)
        except (OSError, SMTPException) as error:
            logger.warning("A notice about an account could not be mailed: %s", type(error).__name__)


def end_all_logins(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    """End what was logged in by the old password, the browser that changed it apart: other browsers, and tokens."""
    user.auth_token_set.all().delete()
    here = request.session.session_key if request and request.user == user else None
    end_sessions(sessions_of(user).exclude(session_key=here))
