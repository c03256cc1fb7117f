"""The previews: PNG files that a worker makes beside its answers, so that the web process has nothing to decode."""

from __future__ import annotations

import logging
import uuid

from django.core.files.base import ContentFile

from diagnosis.engine.preview import preview_png
from diagnosis.models import Radiograph

logger = logging.getLogger(__name__)

#: Browsers show these as they are.
SHOWN_INLINE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def make_preview(radiograph: Radiograph, data: bytes) -> None:
    """Store the preview of a radiograph. Whatever goes wrong is logged: an answer must not depend on a picture."""
    if radiograph.preview:
        return
    try:
        png = preview_png(data)
        radiograph.preview.save("preview.png", ContentFile(png), save=False)
        unseen = Radiograph.objects.filter(pk=radiograph.pk, preview="")
        if not unseen.update(preview=radiograph.preview.name):
            radiograph.preview.delete(save=False)  # deleted in the meantime, or another worker was faster
    except Exception as error:
        logger.warning("There is no preview of radiograph %s: %s", radiograph.pk, type(error).__name__)


def make_missing_preview(radiograph_id: str) -> None:
    """Make the preview of one that was read, if there is none yet."""
    read = Radiograph.objects.filter(pk=uuid.UUID(radiograph_id), preview="")
    for radiograph in read:
        try:
            make_preview(radiograph, radiograph.read())
        except FileNotFoundError:
            logger.warning("The file of radiograph %s is gone.", radiograph_id)
