"""What a file is, from its header and its skeleton alone: nothing is decoded here.

A header of a few bytes can ask a decoder for minutes of work and gigabytes of memory, so the web process (which
must say at once whether it takes a file) and the worker (which decodes) both come through :func:`read_header`.
"""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from PIL import Image

from diagnosis.engine.dicom.description import START, describe, is_dicom
from diagnosis.engine.errors import EmptyFile, TooManyPixels, UnreadableImage, UnsupportedFormat
from diagnosis.engine.sentences import Sentence, sentence

#: The formats that are taken (Pillow's under its names), and the file name extension under which each is stored.
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "DICOM": ".dcm"}
FORMATS_SENTENCE = sentence("JPEG, PNG, WebP, TIFF or DICOM")
SUFFIXES = {*FORMATS.values(), ".jpeg", ".tiff", ".dicom"}

#: The largest detectors in use have about 18 million pixels (4300 x 4300). Decoded as RGBA this many take 160 MB.
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000

#: A progressive JPEG is decoded once a scan. Encoders write about 10 scans; a hostile file of 182 kB can hold
#: thousands, which keeps a decoder busy for minutes.
MAX_JPEG_SCANS = 64
MAX_SCANNED_PIXELS = 12 * MAX_PIXELS

#: Segments of a JPEG or chunks of a PNG: 25 MB in PNG's usual chunks of 8 kB are about 3,000.
MAX_PARTS = 20_000

#: Of a TIFF: tags, strips or tiles, and bytes of numbers in all the other tags together. Pillow makes an object of
#: each number, so a file of 24 MB can ask for 700 MB of them. MAX_PIXELS make 160,000 tiles of the smallest size.
MAX_TIFF_TAGS = 1_000
MAX_TIFF_STRIPS = 200_000
MAX_TIFF_NUMBERS = 1_000_000

_MAGIC = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n"}
_OTHER_KINDS = {
    b"%PDF": sentence("a PDF document"),
    b"GIF8": sentence("a GIF image"),
    b"BM": sentence("a BMP image"),
    b"PK\x03\x04": sentence("a zip archive"),
    b"\x00\x00\x00\x0cjP": sentence("a JPEG 2000 image"),
}


@dataclass(frozen=True)
class Header:
    """Format (a key of :data:`FORMATS`), width and height in pixels, as the file itself declares them.

    The rest is known of DICOM files alone. ``acquisition`` holds what is known of age (in years), sex, view, modality,
    body_part and manufacturer.
    """

    format: str
    width: int
    height: int
    frames: int = 1
    is_colour: bool = False
    acquisition: dict[str, str | float] = field(default_factory=dict)


def read_header(stream: IO[bytes]) -> Header:
    """Return what ``stream`` (seekable, read from its start) holds, without decoding any of it.

    Raises EmptyFile, UnsupportedFormat, UnreadableImage (cut off, or not what it claims to be) or TooManyPixels.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    start = stream.read(START)
    if not size:
        raise EmptyFile(sentence("The file is empty. Choose the file of a chest X-ray."))
    if is_dicom(start):  # first: the 128 bytes before the mark may look like any other kind
        header, passes = _dicom_header(stream), 1
    else:
        kind = _kind(start)
        stream.seek(0)
        passes = _SKELETON_CHECKS[kind](stream, size)
        stream.seek(0)
        header = _declared_size(stream, kind)
    _check_pixels(header, passes)
    stream.seek(0)
    return header


def _dicom_header(stream: IO[bytes]) -> Header:
    found = describe(stream)
    return Header("DICOM", found.columns, found.rows, found.frames, found.is_colour, found.acquisition)


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
            raise UnsupportedFormat(
                sentence("The file is {kind}. Send the chest X-ray as {formats}.", kind=name, formats=FORMATS_SENTENCE)
            )
    raise UnsupportedFormat(
        sentence(
            "The file is no image that can be read here. Send the chest X-ray as {formats}.", formats=FORMATS_SENTENCE
        )
    )


def _declared_size(stream: IO[bytes], kind: str) -> Header:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images here; _check_pixels has its own, lower bound.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=[kind]) as image:
                width, height = image.size
                is_animated = getattr(image, "is_animated", False)
    except Image.DecompressionBombError as error:
        raise TooManyPixels(
            sentence("The image has more pixels than can be classified: {limit}", limit=_most_pixels())
        ) from error
    except MemoryError:  # says something of this machine, nothing of the file
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged header makes them trip over.
        raise _damaged(kind) from error
    if is_animated:
        raise _several_pictures()
    return Header(kind, width, height)


def _check_pixels(header: Header, passes: int) -> None:
    if header.width * header.height > MAX_PIXELS or max(header.width, header.height) > MAX_SIDE:
        raise TooManyPixels(
            sentence(
                "The image has {width} × {height} pixels, more than can be classified: {limit}",
                width=header.width,
                height=header.height,
                limit=_most_pixels(),
            )
        )
    if not header.width or not header.height:
        raise UnreadableImage(sentence("The image has no pixels: its width or height is zero."))
    if passes > MAX_JPEG_SCANS or passes * header.width * header.height > MAX_SCANNED_PIXELS:
        raise TooManyPixels(
            sentence(
                "The JPEG file is built of {passes} scans, which takes too long to decode. "
                "Save it as a plain JPEG or PNG.",
                passes=passes,
            )
        )


def _most_pixels() -> Sentence:
    return sentence(
        "at most {megapixels} million pixels and {side} on a side. Export it at a smaller size.",
        megapixels=MAX_PIXELS // 1_000_000,
        side=MAX_SIDE,
    )


def _too_many_parts(kind: str) -> UnreadableImage:
    return UnreadableImage(
        sentence(
            "The {kind} file is in more pieces than any program writes. Save it as a plain JPEG or PNG.", kind=kind
        )
    )


def _several_pictures() -> UnsupportedFormat:
    return UnsupportedFormat(sentence("The file holds several pictures. Send one chest X-ray a file."))


def _damaged(kind: str) -> UnreadableImage:
    return UnreadableImage(sentence("The file begins like a {kind} image, but its header is damaged.", kind=kind))


def _cut_off(kind: str) -> UnreadableImage:
    return UnreadableImage(
        sentence("The {kind} file is cut off: its end is missing. Export or copy it again.", kind=kind)
    )


def _check_jpeg(stream: IO[bytes], size: int) -> int:
    """Return the number of scans, each a pass over the pixels. An end marker must follow the first of them."""
    data = stream.read()
    scans = [position for position, marker in _jpeg_segments(data) if marker == _SCAN]
    if not scans or data.rfind(b"\xff\xd9") < scans[0]:
        raise _cut_off("JPEG")
    return len(scans)


_SCAN = 0xDA
#: A marker with a length behind it, or the end of the image: neither stuffing, fill, restart nor start of image.
_JPEG_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield position and marker of each segment up to the end of the image (ITU-T T.81, annex B)."""
    position = 2
    for _ in range(MAX_PARTS):
        match = _JPEG_MARKER.search(data, position)
        if not match or match[1] == b"\xd9":
            return
        yield match.start(), match[1][0]
        position = match.end() + int.from_bytes(data[match.end() : match.end() + 2], "big")
    raise _too_many_parts("JPEG")


def _check_png(stream: IO[bytes], size: int) -> int:
    stream.seek(8)
    for _ in range(MAX_PARTS):
        chunk = stream.read(8)
        if len(chunk) < 8:
            raise _cut_off("PNG")
        length, name = struct.unpack(">I4s", chunk)
        if name == b"IEND":
            return 1
        if stream.seek(length + 4, os.SEEK_CUR) > size:
            raise _cut_off("PNG")
    raise _too_many_parts("PNG")


def _check_webp(stream: IO[bytes], size: int) -> int:
    (length,) = struct.unpack("<4xI", stream.read(8))
    if length + 8 > size:
        raise _cut_off("WebP")
    return 1


def _check_tiff(stream: IO[bytes], size: int) -> int:
    """Check the one directory and where the strips or tiles lie, before any library makes objects of the numbers."""
    order = "<" if stream.read(4) == b"II*\0" else ">"
    (position,) = _tiff_numbers(stream, order + "I")
    stream.seek(position)
    (number_of_tags,) = _tiff_numbers(stream, order + "H")
    if number_of_tags > MAX_TIFF_TAGS:
        raise _too_many_parts("TIFF")
    numbers = _tiff_numbers(stream, order + "HHI4s" * number_of_tags + "I")
    if numbers[-1]:
        raise _several_pictures()
    entries = list(zip(numbers[0:-1:4], numbers[1:-1:4], numbers[2:-1:4], numbers[3:-1:4], strict=True))
    places = {entry[0]: entry for entry in entries if entry[0] in _TIFF_PLACES}
    others = [entry for entry in entries if entry[0] not in _TIFF_PLACES]
    if len(places) + len(others) < len(entries) or set(places) not in ({273, 279}, {324, 325}):
        # With a tag twice, or strips beside tiles, libraries differ in which of the two they take.
        raise _damaged("TIFF")
    _check_other_tiff_tags(others, order, size)
    offsets, counts = (_tiff_places(stream, places[tag], order) for tag in sorted(places))
    if len(offsets) != len(counts) or not all(counts):  # libtiff reads a count of 0 as "to the end of the file"
        raise _damaged("TIFF")
    if max(offset + count for offset, count in zip(offsets, counts, strict=True)) > size:
        raise _cut_off("TIFF")
    if sum(counts) > size:  # they overlap: a few bytes would be decoded over and over
        raise _damaged("TIFF")
    return 1


#: Where the strips (273, 279) or tiles (324, 325) lie: offsets, and counts of bytes.
_TIFF_PLACES = {273, 279, 324, 325}
#: Bytes a value, of each type of the TIFF 6.0 specification and of the later IFD and 64-bit types.
_TIFF_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
#: Bytes, text and "undefined": read in one piece, such as an ICC profile or Photoshop's layers.
_TIFF_WHOLE_TYPES = {1, 2, 7}


def _check_other_tiff_tags(entries: list[tuple[int, int, int, bytes]], order: str, size: int) -> None:
    total = numbers = 0
    for _, kind, count, value in entries:
        length = count * _TIFF_TYPES.get(kind, 0)  # a tag of an unknown type is skipped by every library
        total += length
        numbers += 0 if kind in _TIFF_WHOLE_TYPES else length
        if length > 4 and struct.unpack(order + "I", value)[0] + length > size:
            raise _cut_off("TIFF")
    if total > size + 4 * len(entries):
        raise _damaged("TIFF")
    if numbers > MAX_TIFF_NUMBERS:
        raise _too_many_parts("TIFF")


def _tiff_places(stream: IO[bytes], entry: tuple[int, int, int, bytes], order: str) -> tuple[int, ...]:
    _, kind, count, value = entry
    if kind not in (3, 4) or not count:
        raise _damaged("TIFF")
    if count > MAX_TIFF_STRIPS:
        raise _too_many_parts("TIFF")
    form = f"{order}{count}{'H' if kind == 3 else 'I'}"
    if (length := struct.calcsize(form)) <= 4:
        return struct.unpack(form, value[:length])
    stream.seek(*struct.unpack(order + "I", value))
    return _tiff_numbers(stream, form)


def _tiff_numbers(stream: IO[bytes], form: str) -> tuple[Any, ...]:
    data = stream.read(length := struct.calcsize(form))
    if len(data) < length:
        raise _cut_off("TIFF")
    return struct.unpack(form, data)


_SKELETON_CHECKS = {"JPEG": _check_jpeg, "PNG": _check_png, "WEBP": _check_webp, "TIFF": _check_tiff}
