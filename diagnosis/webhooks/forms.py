from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.people.groups import ReadingGroup
from diagnosis.translation import translated
from diagnosis.webhooks.addresses import AddressRefused, resolve
from diagnosis.webhooks.models import LONGEST_URL, MOST_WEBHOOKS, Webhook

TOO_MANY = gettext_lazy("You have %(most)s webhooks, which is the most. Delete one of them first.")
OF_GROUP_TOO_MANY = gettext_lazy("The group has %(most)s webhooks, which is the most. Delete one of them first.")


class WebhookForm(forms.ModelForm):
    """A new webhook of ``owner``, or of ``group`` in place of one; for the page and the API alike."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"aria-describedby": "id_url_helptext"}),
        error_messages={"required": gettext_lazy("Write the address that is to be called.")},
    )

    class Meta:
        model = Webhook
        fields = ("url", "on_predictions", "on_batches")
        labels = {
            "on_predictions": gettext_lazy("when an X-ray is read (prediction.final)"),
            "on_batches": gettext_lazy("when an upload of many is read (batch.final)"),
        }

    def __init__(self, *args: Any, owner: Any = None, group: ReadingGroup | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.owner, self.instance.group = None if group else owner, group
        if self.instance.group:
            self._wants_predictions_alone()

    def _wants_predictions_alone(self) -> None:
        self.instance.on_predictions, self.instance.on_batches = True, False
        del self.fields["on_predictions"], self.fields["on_batches"]

    def clean_url(self) -> str:
        """Refuse at once what would be refused at each call."""
        url: str = self.cleaned_data["url"]
        try:
            resolve(url)
        except AddressRefused as refused:
            raise forms.ValidationError(translated(refused.sentence)) from None
        return url

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        group = self.instance.group
        if not group and not facts.get("on_predictions") and not facts.get("on_batches"):
            raise forms.ValidationError(_("Choose at least one occasion on which it is called."))
        others = Webhook.objects.filter(owner=self.instance.owner, group=group)
        if self.instance.pk is None and others.count() >= MOST_WEBHOOKS:
            raise forms.ValidationError((OF_GROUP_TOO_MANY if group else TOO_MANY) % {"most": MOST_WEBHOOKS})
        return facts
