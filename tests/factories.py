"""Users, drawn radiographs and rows for the tests."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from diagnosis.engine.probes import draw_probe
from diagnosis.models import Prediction, Radiograph

PASSWORD = "correct horse battery"


def make_user(username: str, **facts: Any) -> User:
    return User.objects.create_user(username, f"{username}@example.org", PASSWORD, **facts)


def drawn(width: int = 320, height: int = 256, seed: int = 1) -> Image.Image:
    """Draw a chest-like picture that compresses as a radiograph does, with a little grain."""
    picture = Image.fromarray(draw_probe(seed)).resize((width, height))
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


def upload(name: str = "chest.jpg", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, jpeg_bytes() if data is None else data)


def make_radiograph(owner: User, data: bytes | None = None, filename: str = "chest.jpg", **facts: Any) -> Radiograph:
    """Store a radiograph with a prediction; ``facts`` are the prediction's."""
    radiograph = Radiograph(owner=owner, filename=filename, format="JPEG", width=320, height=256, sha256="0" * 64)
    radiograph.file.save("upload.jpg", upload(data=data), save=False)
    radiograph.save()
    Prediction.objects.create(radiograph=radiograph, **facts)
    return radiograph


def succeeded(version: Any, probability: float = 0.94, threshold: float = 0.41) -> dict[str, Any]:
    """Return the facts of a prediction that ``version`` made."""
    now = timezone.now()
    return {
        "status": Prediction.Status.SUCCEEDED,
        "model_version": version,
        "probability": probability,
        "threshold": threshold,
        "label": "PNEUMONIA" if probability >= threshold else "NORMAL",
        "band": "likely" if probability >= threshold else "unlikely",
        "attempts": 1,
        "started_at": now,
        "finished_at": now,
    }
