"""The home of one's account: what is said of oneself, and a card for everything else that can be set."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from diagnosis.pages.access import members_only
from diagnosis.people import language
from diagnosis.people.profile import Profile


class ProfileForm(forms.ModelForm):
    language = forms.ChoiceField(required=False, label=gettext_lazy("Language"))

    class Meta:
        model = Profile
        fields = ("display_name", "language")
        labels = {"display_name": gettext_lazy("Name that others see")}
        help_texts = {"display_name": gettext_lazy("Empty: the name with which you log in.")}
        widgets = {"display_name": forms.TextInput({"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", gettext_lazy("As the browser asks")), *settings.LANGUAGES]
        cast("forms.ChoiceField", self.fields["language"]).choices = choices

    def clean_display_name(self) -> str:
        return " ".join(self.cleaned_data["display_name"].split())


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    form = ProfileForm(request.POST or None, instance=Profile.of(user))
    if request.method == "POST" and form.is_valid():
        Profile.change(user, **form.cleaned_data)
        language.remember(request, user)
        translation.activate(form.cleaned_data["language"] or translation.get_language())
        messages.success(request, _("Your profile is saved."))
        response = redirect("diagnosis:profile")
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)  # the choice made here is the newer one
        return response
    return render(request, "account/profile.html", {"form": form}, status=400 if form.errors else 200)
