"""Codes of the second factor: on the login page, when asked again, and for a program's token."""

from __future__ import annotations

from typing import Any

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

TOO_MANY = "too_many_login_attempts"
MISSING = _("This account has a second factor. Send the code that your app shows, or a recovery code, as 'otp'.")


def _code_field(label: Any) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attributes))


class EachCodeOnce(forms.Form):
    """A code stays right for as long as clocks may differ; who looked over a shoulder must not use it again."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # allauth's forms have it
        how_long = (2 * app_settings.TOTP_TOLERANCE + 1) * app_settings.TOTP_PERIOD
        key = f"second-factor-used:{self.user.pk}:{normalize_user_code(code)}"
        if self.authenticator.type == Authenticator.Type.TOTP and not cache.add(key, True, how_long):
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(EachCodeOnce, base.AuthenticateForm):
    code = _code_field(_("Code from the app, or a recovery code"))


class ReauthenticateForm(EachCodeOnce, base.ReauthenticateForm):
    code = _code_field(_("Code from the app, or a recovery code"))


class ActivateTOTPForm(totp.ActivateTOTPForm):
    code = _code_field(_("Code that the app shows now"))


def confirm_by_code(user: Any, code: str) -> None:
    """Raise ValidationError unless the code is right; failures count as those of the login page do."""
    if not code:
        raise ValidationError(MISSING)
    form = AuthenticateForm(user=user, data={"code": code})  # type: ignore[call-arg]  # allauth's
    if not form.is_valid():
        raise form.errors.as_data()["code"][0]
    form.authenticator.record_usage()
