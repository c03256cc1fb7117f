"""An owner's radiographs of which two versions say different things, as a list in pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import F
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from diagnosis.history.paging import Found, Order, moment_of
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.versions.differences import Kind

#: By the moment as the disagreement holds it, beside the versions: all of that is one index.
NEWEST_FIRST = Order("Newest first", F("disagreements__created"), moment_of, descending=True)


class DisagreementForm(forms.Form):
    """Which two versions, and how they differ. Without versions, the active one and the newest other one."""

    a = forms.ChoiceField(label=_("Version"), required=False)
    b = forms.ChoiceField(label=_("and version"), required=False)
    kind = forms.ChoiceField(label=_("How they differ"), choices=[("", _("Any way")), *Kind.choices], required=False)

    def __init__(self, data: QueryDict) -> None:
        self.versions = {
            each.version: each
            for each in ModelVersion.objects.offered().order_by("-active", "-published").only("version", "active")
        }
        usual = dict(zip(("a", "b"), self.versions, strict=False))
        given = {name: data.get(name) or usual.get(name, "") for name in ("a", "b")}
        super().__init__({**given, "kind": data.get("kind", "")}, auto_id="disagreement-%s")
        for name in ("a", "b"):
            field: Any = self.fields[name]
            field.choices = [(version, version) for version in self.versions]
            field.error_messages["invalid_choice"] = _("There is no model version “%(value)s”.")

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or {}
        if facts.get("a") and facts.get("a") == facts.get("b"):
            self.add_error("b", _("Choose two different versions."))
        return facts

    def found(self, owner: Any) -> Found:
        """Only where the form is valid."""
        older, newer = sorted(each.pk for each in self.pair)
        facts = {"owner": owner, "older": older, "newer": newer}
        if kind := self.cleaned_data["kind"]:
            facts["kind"] = kind
        within = {f"disagreements__{name}": value for name, value in facts.items()}
        return Found((Radiograph.objects.owned_by(owner).filter(**within),), NEWEST_FIRST)

    @property
    def pair(self) -> tuple[ModelVersion, ModelVersion]:
        a, b = (self.versions[self.cleaned_data[name]] for name in ("a", "b"))
        return a, b


def newest_by(radiograph: Radiograph, version: ModelVersion) -> Prediction | None:
    """Return the newest answer of a version, of what a list has fetched already."""
    answers = (each for each in radiograph.predictions.all() if each.status in Prediction.ANSWERED)
    return next((each for each in answers if each.model_version_id == version.pk), None)
