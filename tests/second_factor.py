"""What an authenticator app does, and accounts that have one."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import PASSWORD


def code_of(secret: str, step: int = 0) -> str:
    """Return the code that an app shows now, or ``step`` times half a minute later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step)))


def with_second_factor(user: User) -> str:
    """Turn the second factor on, and return its secret; one that was on before is forgotten."""
    Authenticator.objects.filter(user=user).delete()
    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def recovery_codes_of(user: User) -> list[str]:
    found: Any = user.authenticator_set.get(type="recovery_codes")  # type: ignore[attr-defined]  # allauth's
    return list(found.wrap().get_unused_codes())


def show_again_who_one_is(client: Client) -> None:
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def as_if_just_shown(client: Client, user: User) -> None:
    """Let the session remember that its user has typed the password a moment ago."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
