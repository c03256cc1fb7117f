"""The picture of a radiograph for people, as PNG: what the network was given, in a size that fits a screen."""

from __future__ import annotations

import io

from PIL import Image

from diagnosis.engine.preprocessing import read_grey

LONGEST = 2048


def preview_png(data: bytes) -> bytes:
    """Render any image file that is taken: grey, upright, 8 bits, no side over :data:`LONGEST`; nothing is enlarged.

    Raises the errors of :func:`diagnosis.engine.preprocessing.read_grey`.
    """
    picture = read_grey(data)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BILINEAR, reducing_gap=2.0)
    clean = Image.new("L", picture.size)  # without what the file said of itself: its text, its colour profile
    clean.paste(picture)
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
