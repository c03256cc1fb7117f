"""Delete my account and files."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from diagnosis.pages.access import members_only
from diagnosis.people.leaving import why_not
from diagnosis.people.models import Leaving


class LeavingForm(forms.Form):
    """Asks for the user's name, so that nobody deletes an account by a slip of the hand."""

    username = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"required": gettext_lazy("Write your user name, so that this is no slip of the hand.")},
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_username(self) -> str:
        written: str = self.cleaned_data["username"]
        if written != self.user.get_username():
            raise forms.ValidationError(
                _("That is not your user name. Write “%(name)s”.") % {"name": self.user.get_username()}
            )
        return written


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required
def leave(request: HttpRequest) -> HttpResponse:
    """Say what goes and what stays; then close the account at once, and have a worker remove what it holds."""
    reason = why_not(request.user)
    form = LeavingForm(request.POST or None, user=request.user)
    if request.method == "POST" and not reason and form.is_valid():
        Leaving.objects.begin(request.user)
        logout(request)
        return redirect("diagnosis:left")
    status = 400 if request.method == "POST" else 200
    return render(request, "diagnosis/account/leave.html", {"form": form, "reason": reason}, status=status)


@never_cache
@require_safe
def left(request: HttpRequest) -> HttpResponse:
    return render(request, "diagnosis/account/left.html")
