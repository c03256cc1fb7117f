"""Where pages, API and reports take the picture of a radiograph from: this is the one place that knows.

A worker makes it: the web process decodes nothing.
"""

from __future__ import annotations

from django.core.cache import caches
from django.urls import reverse

from diagnosis import tasks
from diagnosis.engine.suitability import NOT_DECODED
from diagnosis.models import Prediction, Radiograph
from diagnosis.previews import SHOWN_INLINE

__all__ = ["SHOWN_INLINE", "is_preview_coming", "picture_bytes", "picture_url"]

#: Seconds for which a preview that somebody asked for is not asked for again.
ASKED_FOR = 10


def picture_url(radiograph: Radiograph) -> str | None:
    """Return the address of a picture that browsers show, or None while there is none."""
    is_there = radiograph.preview or (radiograph.has_image and radiograph.format in SHOWN_INLINE)
    return reverse("diagnosis:image", args=[radiograph.pk]) if is_there else None


def thumbnail_url(radiograph: Radiograph) -> str | None:
    """Return the address of a small picture for lists, or None while there is nothing to show."""
    has_picture = radiograph.thumbnail or picture_url(radiograph)
    return reverse("diagnosis:thumbnail", args=[radiograph.pk]) if has_picture else None


def picture_bytes(radiograph: Radiograph) -> bytes:
    """Return an image file for a report. Raises FileNotFoundError where it is gone."""
    if not radiograph.preview:
        return radiograph.read()
    with radiograph.preview.open("rb") as file:
        data: bytes = file.read()
    return data


def is_preview_coming(radiograph: Radiograph) -> bool:
    """Whether to ask again in a moment; False where there will be none. Asks a worker where it is overdue."""
    prediction = radiograph.prediction
    never = prediction.status == Prediction.Status.FAILED or prediction.reason_code in NOT_DECODED
    if never or not radiograph.has_image:
        return False
    if prediction.is_final and caches["default"].add(f"preview:{radiograph.pk}", 1, timeout=ASKED_FOR):
        tasks.ring_for_preview(str(radiograph.pk))
    return True
