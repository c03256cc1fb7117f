"""The pictures of a radiograph for people: what the network was given, in sizes for a screen and for a list."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image, ImageOps

from diagnosis.engine.preprocessing import read_grey

LONGEST = 2048
#: The side of a thumbnail: twice that of its place on a page, for screens with fine pixels.
THUMBNAIL_SIDE = 144


class Pictures(NamedTuple):
    preview: bytes
    thumbnail: bytes


def pictures_of(data: bytes) -> Pictures:
    """Render any image file that is taken: grey, upright, 8 bits, and without what the file said of itself.

    The preview is a PNG of all of it, no side over :data:`LONGEST`, nothing enlarged; the thumbnail a square JPEG of
    the middle. Raises the errors of :func:`diagnosis.engine.preprocessing.read_grey`.
    """
    picture = read_grey(data)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR, reducing_gap=2.0)
    clean = Image.new("L", picture.size)
    clean.paste(picture)
    small = ImageOps.fit(clean, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return Pictures(_file_of(clean, "PNG", compress_level=1), _file_of(small, "JPEG", quality=80))


def _file_of(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
