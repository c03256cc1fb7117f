"""Where pages and reports take the picture of a radiograph from: this is the one place that knows."""

from __future__ import annotations

from django.urls import reverse

from diagnosis.models import Radiograph

#: Browsers show these as they are; a TIFF they only download.
SHOWN_INLINE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def picture_url(radiograph: Radiograph) -> str | None:
    """Return the address of a picture that browsers show, or None where they show none."""
    return reverse("diagnosis:image", args=[radiograph.pk]) if radiograph.format in SHOWN_INLINE else None


def picture_bytes(radiograph: Radiograph) -> bytes:
    """Return the image file that goes into a report. Raises FileNotFoundError where it is gone."""
    return radiograph.read()
