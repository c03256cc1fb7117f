"""What an administrator sees of accounts: no secret; and what may be removed where somebody is locked out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.people.adapter import end_all_logins
from diagnosis.people.tokens import ApiToken


class PasswordEndsLogins(UserAdmin):
    """A password that an administrator sets ends the same as one that its owner sets."""

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            end_all_logins(User.objects.get(pk=id), request)
        return response


class SeenAndRemoved(ReadOnlyAdmin):
    """Rows that their owner makes: an administrator looks at them, or removes them."""

    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("user__username",)
    search_help_text = gettext_lazy("A user name in full.")


@admin.register(ApiToken)
class ApiTokenAdmin(SeenAndRemoved):
    list_display = ("name", "user", "token_key", "scope", "created", "last_used", "expiry")
    list_filter = ("scope",)
    exclude = ("digest",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """A token that is deleted lets nobody in any more, from that moment on."""
        actions: dict[str, Any] = super().get_actions(request)
        if found := actions.get("delete_selected"):
            actions["delete_selected"] = (*found[:2], _("Revoke the selected tokens"))
        return actions


admin.site.unregister((Authenticator, UserSession))


@admin.register(Authenticator)
class AuthenticatorAdmin(SeenAndRemoved):
    """Removing that of the app lets somebody in by the password alone, until they set another one up."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    exclude = ("data",)


@admin.register(UserSession)
class UserSessionAdmin(SeenAndRemoved):
    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    exclude = ("data",)

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for session in queryset:
            session.end()
