"""Radiographs that the tests draw, whole and broken ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from diagnosis.engine.probes import draw_probe


def drawn(width: int = 320, height: int = 256, seed: int = 1) -> Image.Image:
    """Draw a chest-like picture that compresses as a radiograph does, with a little grain; the gate lets it pass."""
    picture = Image.fromarray(draw_probe(seed % 24)).resize((width, height))
    grain = np.random.default_rng(seed).integers(-6, 7, (height, width))
    return Image.fromarray(np.clip(np.asarray(picture, dtype=int) + grain, 0, 255).astype(np.uint8))


def image_bytes(kind: str, width: int = 320, height: int = 256, seed: int = 1, **options: Any) -> bytes:
    buffer = io.BytesIO()
    drawn(width, height, seed).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_bytes(width: int = 320, height: int = 256, seed: int = 1, **options: Any) -> bytes:
    return image_bytes("JPEG", width, height, seed, **options)


def png_bytes(width: int = 320, height: int = 256, seed: int = 1) -> bytes:
    return image_bytes("PNG", width, height, seed)


def png_that_claims(width: int, height: int) -> bytes:
    """Build a PNG of a few hundred bytes whose header asks for ``width`` x ``height`` pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def damaged_png_bytes() -> bytes:
    """Build a PNG whose skeleton is whole and whose pixels are not: only a decoder finds out."""
    data = bytearray(png_bytes())
    middle = data.index(b"IDAT") + 200
    data[middle : middle + 400] = bytes(400)
    return bytes(data)


def uniform_png_bytes() -> bytes:
    """Encode a picture without content, which the gate refuses."""
    buffer = io.BytesIO()
    Image.new("L", (400, 400), 90).save(buffer, "PNG")
    return buffer.getvalue()
