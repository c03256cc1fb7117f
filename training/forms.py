from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from training import sources
from training.config import RECIPES
from training.models import TrainingRun


class TrainingRunForm(forms.ModelForm):
    """What a run that is started from the admin may be told. Folders and files are chosen, not typed."""

    class Meta:
        model = TrainingRun
        fields = ("recipe", "data", "source", "epochs", "seed", "accelerator", "imagenet_weights")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        folders = [(name, name if name != "." else _("(the folder itself)")) for name in sources.data_folders()]
        weights = [("", _("download them")), *((name, name) for name in sources.weight_files())]
        self._choose("recipe", [(name, name) for name in RECIPES])
        self._choose("data", folders)
        self._choose("imagenet_weights", weights, required=False)

    def _choose(self, name: str, choices: list[tuple[str, str]], required: bool = True) -> None:
        known = self.fields[name]
        self.fields[name] = forms.ChoiceField(
            choices=choices, required=required, label=known.label, help_text=known.help_text, initial=known.initial
        )

    def clean_epochs(self) -> int | None:
        epochs: int | None = self.cleaned_data["epochs"]
        if epochs == 0:
            raise forms.ValidationError(_("A training needs at least one epoch."))
        return epochs
