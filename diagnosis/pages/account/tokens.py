"""One's API tokens: made and shown once, listed, revoked."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from diagnosis.pages.access import members_only
from diagnosis.people.tokens import LONGEST_NAME, ApiToken, make_token

#: On one page; revoking all of them takes along those that are not shown.
MOST_LISTED = 100
DAYS = (30, 90, 365)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What will use it: the scanner’s computer, a script, a colleague’s program."),
        error_messages={"required": gettext_lazy("Write a name, so that you know later what the token is for.")},
    )
    scope = forms.ChoiceField(
        choices=ApiToken.Scope.choices,
        initial=ApiToken.Scope.READ,
        label=gettext_lazy("It may"),
        widget=forms.RadioSelect,
    )
    days = forms.TypedChoiceField(coerce=int, initial=90, label=gettext_lazy("It ends after"))

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        self.user = user
        cast("forms.ChoiceField", self.fields["days"]).choices = [
            (days, ngettext("%(days)d day", "%(days)d days", days) % {"days": days}) for days in DAYS
        ]

    def clean_name(self) -> str:
        """A name is used once at a time, which also keeps a page that is sent again from making a second token."""
        name = " ".join(self.cleaned_data["name"].split())
        if ApiToken.objects.owned_by(self.user).usable().filter(name__iexact=name).exists():
            raise forms.ValidationError(
                _("You have a token of this name already. Choose another name, or revoke that one first.")
            )
        return name


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def tokens(request: HttpRequest) -> HttpResponse:
    """List them; or make one, and show it: the only time that it can be seen."""
    user = cast("User", request.user)
    form = TokenForm(request.POST if request.method == "POST" else None, user)
    if form.is_bound and form.is_valid():
        facts = form.cleaned_data
        token, text = make_token(user, facts["name"], facts["scope"], facts["days"])
        get_adapter().send_notification_mail("account/email/token_made", user, {"token": token})
        return render(request, "account/token_made.html", {"token": token, "text": text})
    own = list(ApiToken.objects.owned_by(user)[: MOST_LISTED + 1])
    listed = {"tokens": own[:MOST_LISTED], "more": len(own) > MOST_LISTED, "form": form}
    return render(request, "account/tokens.html", listed, status=400 if form.errors else 200)


@members_only
@never_cache
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.owned_by(request.user), pk=pk)
    token.delete()
    messages.success(request, _("The token “%(name)s” is revoked. Who uses it is let in no more.") % {"name": token})
    return redirect("diagnosis:tokens")


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_all(request: HttpRequest) -> HttpResponse:
    """Ask first: every program of this user is locked out at once."""
    if request.method != "POST":
        return render(request, "account/tokens_revoke.html")
    ApiToken.objects.owned_by(request.user).delete()
    messages.success(request, _("All your tokens are revoked. No program is let in with one of them any more."))
    return redirect("diagnosis:tokens")
