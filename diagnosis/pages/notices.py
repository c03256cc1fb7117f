"""How a user is told that something is read: by mail, and by webhooks."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from diagnosis.pages.access import members_only
from diagnosis.people.models import MailSettings
from diagnosis.webhooks.forms import WebhookForm
from diagnosis.webhooks.models import MOST_WEBHOOKS, Webhook

WHEN = MailSettings.When
CHOICES = [
    (WHEN.LONG, gettext_lazy("when it took longer than a minute")),
    (WHEN.ALWAYS, gettext_lazy("always")),
    (WHEN.NEVER, gettext_lazy("never, unless I ask for it at the upload")),
]


class MailForm(forms.ModelForm):
    batches = forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect)

    class Meta:
        model = MailSettings
        fields = ("batches",)


@members_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """Mail and webhooks on one page; its form sets when mails come."""
    form = MailForm(request.POST or None, instance=MailSettings.of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("It is noted when you want a mail."))
        return redirect("diagnosis:notices")
    return notices_page(request, mail_form=form)


def notices_page(request: HttpRequest, status: int = 200, **forms_in_use: Any) -> HttpResponse:
    own = Webhook.objects.owned_by(request.user)
    user = cast(User, request.user)
    context = {
        "mail_form": MailForm(instance=MailSettings.of(user)),
        "webhook_form": WebhookForm(owner=user),
        "webhooks": own,
        "may_add": len(own) < MOST_WEBHOOKS,
        "most": MOST_WEBHOOKS,
        **forms_in_use,
    }
    return render(request, "diagnosis/webhooks/notices.html", context, status=status)
