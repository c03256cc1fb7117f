"""Pictures of a radiograph for people, of a size that fits a page."""

from __future__ import annotations

import io

from PIL import Image

from diagnosis.engine.preprocessing import read_grey


def small_picture(data: bytes, longest: int) -> Image.Image:
    """Decode one image file to mode L, its longer side at most ``longest``. Raises RadiographError."""
    picture = read_grey(data)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return picture


def under_heat(picture: Image.Image, heatmap: bytes, opacity: float) -> Image.Image:
    """Lay a heat map, stretched, over a picture."""
    with Image.open(io.BytesIO(heatmap), formats=["PNG"]) as image:
        heat = image.convert("RGBA").resize(picture.size, Image.Resampling.BICUBIC)
    heat.putalpha(heat.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    return Image.alpha_composite(picture.convert("RGBA"), heat).convert("RGB")


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
