from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from diagnosis.validators import accepted_suffixes


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A list of files, where Django's own field keeps the last one."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(ManyFilesField, self).clean(file, initial) for file in data or [None]]


class UploadForm(forms.Form):
    """Files. What they must be is asked by :func:`diagnosis.submission.submit_unless_known`, as for the API."""

    file = ManyFilesField(
        allow_empty_file=True,  # refused by submission, with the same sentence as through the API
        error_messages={"required": _("No file arrived. Choose the files of chest X-rays, and send them again.")},
        widget=ManyFilesInput(attrs={"accept": accepted_suffixes()}),
    )
