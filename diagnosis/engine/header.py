"""What a file is, from its header and its skeleton alone: nothing is decoded here.

A header of a few bytes can ask a decoder for minutes of work and gigabytes of memory, so the web process (which
must say at once whether it takes a file) and the worker (which decodes) both come through :func:`read_header`.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from PIL import Image

from diagnosis.engine.errors import EmptyFile, TooManyPixels, UnreadableImage, UnsupportedFormat

#: Pillow's names of the formats that are taken, and the file name extension under which each is stored.
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif"}
FORMATS_SENTENCE = "JPEG, PNG, WebP or TIFF"
SUFFIXES = {*FORMATS.values(), ".jpeg", ".tiff"}

#: The largest detectors in use have about 18 million pixels (4300 x 4300). Decoded as RGBA this many take 160 MB.
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000

#: A progressive JPEG is decoded once a scan. Encoders write about 10 scans; a hostile file of 182 kB can hold
#: thousands, which keeps a decoder busy for minutes.
MAX_JPEG_SCANS = 64
MAX_SCANNED_PIXELS = 12 * MAX_PIXELS

_MAGIC = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n"}
_OTHER_KINDS = {
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"PK\x03\x04": "a zip archive",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 image",
}


@dataclass(frozen=True)
class Header:
    """Format (a key of :data:`FORMATS`), width and height in pixels, as the file itself declares them."""

    format: str
    width: int
    height: int


def read_header(stream: IO[bytes]) -> Header:
    """Return what ``stream`` (seekable, read from its start) holds, without decoding any of it.

    Raises EmptyFile, UnsupportedFormat, UnreadableImage (cut off, or not what it claims to be) or TooManyPixels.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    start = stream.read(16)
    if not size:
        raise EmptyFile("The file is empty. Choose the file of a chest X-ray.")
    kind = _kind(start)
    header = _declared_size(stream, kind)
    _check_pixels(header)
    stream.seek(0)
    _SKELETON_CHECKS[kind](stream, size, header)
    stream.seek(0)
    return header


def _kind(start: bytes) -> str:
    for kind, magic in _MAGIC.items():
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[:4] in (b"II*\x00", b"MM\x00*"):
        return "TIFF"
    for magic, name in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise UnsupportedFormat(f"The file is {name}. Send the chest X-ray as {FORMATS_SENTENCE}.")
    raise UnsupportedFormat(f"The file is no image that can be read here. Send the chest X-ray as {FORMATS_SENTENCE}.")


def _declared_size(stream: IO[bytes], kind: str) -> Header:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images here; _check_pixels has its own, lower bound.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=[kind]) as image:
                width, height = image.size
                frames = getattr(image, "n_frames", 1)
    except Image.DecompressionBombError as error:
        raise TooManyPixels(_too_many_sentence("more")) from error
    except Exception as error:  # Pillow's parsers raise whatever a damaged header makes them trip over.
        raise UnreadableImage(f"The file begins like a {kind} image, but its header is damaged.") from error
    if frames > 1:
        raise UnsupportedFormat(f"The file holds {frames} pictures. Send one chest X-ray a file.")
    return Header(kind, width, height)


def _check_pixels(header: Header) -> None:
    if header.width * header.height > MAX_PIXELS or max(header.width, header.height) > MAX_SIDE:
        raise TooManyPixels(_too_many_sentence(f"{header.width} × {header.height} pixels, more"))
    if not header.width or not header.height:
        raise UnreadableImage("The image has no pixels: its width or height is zero.")


def _too_many_sentence(much: str) -> str:
    limit = f"{MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE} on a side"
    return f"The image has {much} than can be classified: at most {limit}. Export it at a smaller size."


def _cut_off(kind: str) -> UnreadableImage:
    return UnreadableImage(f"The {kind} file is cut off: its end is missing. Export or copy it again.")


def _check_jpeg(stream: IO[bytes], size: int, header: Header) -> None:
    """Walk the segments: an end marker must follow the last scan, and the scans must be few enough to decode."""
    data = stream.read()
    scans = sum(1 for _ in _jpeg_scans(data))
    if not scans or data.rfind(b"\xff\xd9") < data.find(b"\xff\xda"):
        raise _cut_off("JPEG")
    if scans > MAX_JPEG_SCANS or scans * header.width * header.height > MAX_SCANNED_PIXELS:
        raise TooManyPixels(
            f"The JPEG file is built of {scans} scans, which takes too long to decode. Save it as a plain JPEG or PNG."
        )


def _jpeg_scans(data: bytes) -> Iterator[int]:
    """Yield the position of each start-of-scan marker (ITU-T T.81, annex B)."""
    position = 2
    while 0 <= position < len(data) - 3:
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > len(data):
            return
        marker = data[position + 1]
        if marker == 0xD9:
            return
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # stuffing, fill or no length
            position += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA:
            yield position
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _check_png(stream: IO[bytes], size: int, header: Header) -> None:
    stream.seek(8)
    while chunk := stream.read(8):
        if len(chunk) < 8:
            break
        length, name = struct.unpack(">I4s", chunk)
        if name == b"IEND":
            return
        if stream.seek(length + 4, os.SEEK_CUR) > size:
            break
    raise _cut_off("PNG")


def _check_webp(stream: IO[bytes], size: int, header: Header) -> None:
    (length,) = struct.unpack("<4xI", stream.read(8))
    if length + 8 > size:
        raise _cut_off("WebP")


def _check_tiff(stream: IO[bytes], size: int, header: Header) -> None:
    with Image.open(io.BytesIO(stream.read()), formats=["TIFF"]) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        offsets, counts = (tags.get(a) or tags.get(b) or () for a, b in ((273, 324), (279, 325)))
    ends = [offset + count for offset, count in zip(offsets, counts, strict=False)]
    if not ends or max(ends) > size:
        raise _cut_off("TIFF")


_SKELETON_CHECKS = {"JPEG": _check_jpeg, "PNG": _check_png, "WEBP": _check_webp, "TIFF": _check_tiff}
