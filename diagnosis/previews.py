"""Previews and thumbnails: made by a worker beside its answers, so that the web process has nothing to decode."""

from __future__ import annotations

import logging
import uuid

from django.core.files.base import ContentFile
from django.db.models import Q
from django.db.models.fields.files import FieldFile

from diagnosis.engine.preview import pictures_of
from diagnosis.models import Radiograph

logger = logging.getLogger(__name__)

#: Browsers show these as they are.
SHOWN_INLINE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def make_preview(radiograph: Radiograph, data: bytes) -> None:
    """Store preview and thumbnail of a radiograph, as far as there are none.

    Whatever goes wrong is logged: an answer must not depend on a picture.
    """
    if radiograph.preview and radiograph.thumbnail:
        return
    try:
        pictures = pictures_of(data)
        if not radiograph.preview:
            _store(radiograph.preview, "preview.png", pictures.preview)
        if not radiograph.thumbnail:
            _store(radiograph.thumbnail, "thumbnail.jpg", pictures.thumbnail)
    except Exception as error:
        logger.warning("There is no preview of radiograph %s: %s", radiograph.pk, type(error).__name__)


def _store(picture: FieldFile, name: str, content: bytes) -> None:
    picture.save(name, ContentFile(content), save=False)
    field = picture.field.name
    unseen = Radiograph.objects.filter(pk=picture.instance.pk, **{field: ""}).exclude(file="")
    if not unseen.update(**{field: picture.name}):
        picture.delete(save=False)  # removed in the meantime, or another worker was faster


def make_missing_preview(radiograph_id: str) -> None:
    """Make the pictures of one that was read, if there are none yet."""
    read = Radiograph.objects.filter(Q(preview="") | Q(thumbnail=""), pk=uuid.UUID(radiograph_id)).exclude(file="")
    for radiograph in read:
        try:
            make_preview(radiograph, radiograph.read())
        except FileNotFoundError:
            logger.warning("The file of radiograph %s is gone.", radiograph_id)
