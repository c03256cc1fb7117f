"""Who may call: what a token opens, and what it does not."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from diagnosis.people.tokens import ApiToken
from diagnosis.people.two_factor import NEEDED, lacks_second_factor


class TokenAuthentication(KnoxAuthentication):
    """Finds a token by its hash, in one query; its last use is written down, and expired ones stay for their owner."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        digest = hash_token(token.decode(errors="replace"))
        row = ApiToken.objects.select_related("user").filter(digest=digest).first()
        if row is None:
            raise AuthenticationFailed(_("This token is not known here. It may have been revoked; make another one."))
        if row.is_expired:
            raise AuthenticationFailed(_("This token has expired. Make another one."))
        row.note_use()
        return self.validate_user(row)  # type: ignore[no-any-return]  # knox's


class WithinScope(BasePermission):
    message = _("This token may only read. Make one that may write as well, and use that.")

    def has_permission(self, request: Request, view: Any) -> bool:
        token = request.auth
        return request.method in SAFE_METHODS or not isinstance(token, ApiToken) or token.may_write


class WithSecondFactor(BasePermission):
    """Where administrators need a second factor, they have no way around it."""

    message = NEEDED

    def has_permission(self, request: Request, view: Any) -> bool:
        return not lacks_second_factor(request.user)
