"""The second factor: how its secrets are kept, and who must have one."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

import segno
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)

NEEDED = _("Your account may change what others rely on, so it needs a second factor. Set it up, then go on.")


class MFAAdapter(DefaultMFAAdapter):
    """Secrets lie in the database under a key that is made of SECRET_KEY: a stolen backup lets nobody in."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _(
            "This code is not right, or it was used already. Wait until the app shows the next one, and write that."
        ),
        "cannot_delete_authenticator": _("Accounts of administrators need a second factor here, so it stays on."),
    }

    def get_totp_label(self, user: Any) -> str:
        """Name account and installation, for people who use several."""
        return f"{user.get_username()} ({context.request.get_host()})"

    def build_totp_svg(self, url: str) -> SafeString:
        svg = segno.make(url, error="m", micro=False).svg_inline(svgclass="qr", lineclass=None, omitsize=True)
        return mark_safe(svg)  # noqa: S308  # segno's own, made of squares

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Where SECRET_KEY was changed the secret is lost: no code fits then, and nobody gets in without one."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error("A second factor cannot be read: SECRET_KEY was changed. Remove it in the admin pages.")
            return str(generate_totp_secret())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not (settings.STAFF_NEED_SECOND_FACTOR and authenticator.user.is_staff)


def _box() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_fernet_key(str(key))) for key in keys])


def _fernet_key(secret: str) -> bytes:
    digest = hashlib.blake2b(secret.encode(), digest_size=32, person=b"second factor").digest()
    return base64.urlsafe_b64encode(digest)


def has_second_factor(user: Any) -> bool:
    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP]))


def lacks_second_factor(user: Any) -> bool:
    """Say whether the installation wants one of this user who has none."""
    return bool(settings.STAFF_NEED_SECOND_FACTOR and user.is_staff and not has_second_factor(user))
