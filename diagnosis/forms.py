from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from diagnosis.models import ReadingGroup
from diagnosis.validators import accepted_suffixes


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A list of files, where Django's own field keeps the last one."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(ManyFilesField, self).clean(file, initial) for file in data or [None]]


class ShareForm(forms.Form):
    """One of the user's groups, or nobody."""

    group = forms.ChoiceField(
        label=gettext_lazy("Share with"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("You are not in that group. Choose another one, or nobody.")},
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = {str(group.pk): group for group in ReadingGroup.objects.of(user)}
        nobody = ("", gettext_lazy("Nobody else"))
        self.fields["group"].choices = [nobody, *self.groups.items()]  # type: ignore[attr-defined]

    def clean_group(self) -> ReadingGroup | None:
        return self.groups.get(self.cleaned_data["group"])

    @property
    def first_error(self) -> str:
        return next(str(sentences[0]) for sentences in self.errors.values())


class UploadForm(ShareForm):
    """Files, and whom they are shared with.

    What the files must be is asked by :func:`diagnosis.submission.submit_unless_known`, as for the API.
    """

    file = ManyFilesField(
        allow_empty_file=True,  # refused by submission, with the same sentence as through the API
        error_messages={"required": _("No file arrived. Choose the files of chest X-rays, and send them again.")},
        widget=ManyFilesInput(attrs={"accept": accepted_suffixes()}),
    )
