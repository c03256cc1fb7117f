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

from diagnosis.people.adapter import end_all_logins
from diagnosis.people.tokens import ApiToken


class PasswordEndsLogins(UserAdmin):
    """A password that an administrator sets ends the same as one that its owner sets."""

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            end_all_logins(User.objects.get(pk=id), request)
        return response


class SeenAndRemoved(admin.ModelAdmin):
    """Rows that their owner makes: an administrator looks at them, or removes them."""

    show_full_result_count = False
    list_select_related = ("user",)
    ordering = ("-pk",)
    search_fields = ("user__username",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(SeenAndRemoved):
    list_display = ("name", "user", "token_key", "scope", "created", "last_used", "expiry")
    list_filter = ("scope",)
    exclude = ("digest",)


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
