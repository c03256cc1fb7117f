from django import forms


class UploadForm(forms.Form):
    """One file. What the file must be is asked by :func:`diagnosis.submission.submit`, for the API as well."""

    file = forms.FileField(
        allow_empty_file=True,  # refused by submission, with the same sentence as through the API
        error_messages={"required": "No file arrived. Choose the file of a chest X-ray, and send it again."},
        widget=forms.FileInput(
            attrs={"accept": "image/jpeg,image/png,image/webp,image/tiff,application/dicom,.dcm,.dicom"}
        ),
    )
