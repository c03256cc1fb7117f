"""Whether compressed pixels are what the DICOM header says: a decoder believes their own header and no other."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnosis.engine.dicom.reading import damaged

if TYPE_CHECKING:
    from diagnosis.engine.dicom.description import Description

#: Start-of-frame markers (ITU-T T.81, B.1.1.3 and T.87), by the last part of the transfer syntax.
_FRAMES = {"50": {0xC0}, "51": {0xC0, 0xC1}, "57": {0xC3}, "70": {0xC3}, "80": {0xF7}, "81": {0xF7}}
_J2K_START = b"\xff\x4f\xff\x51"
#: The end of the image, for JPEG, JPEG-LS and JPEG 2000 alike.
_END = b"\xff\xd9"


def check_codestream(head: bytes, description: Description) -> None:
    """Raise UnreadableImage unless ``head``, the first bytes, fits the header: process, size, bits and sign."""
    if description.syntax.endswith(".5"):
        return  # run-length encoding has no header of its own, and unfolds to no more than is asked for
    frame = frame_of(head, description.syntax)
    if (frame.rows, frame.columns) != (description.rows, description.columns):
        raise damaged()
    if frame.bits > description.allocated or (frame.is_signed and not description.is_signed):
        raise damaged()  # the values would be cut or wrapped around, and show another picture


@dataclass(frozen=True)
class Frame:
    """What compressed pixels say of themselves."""

    rows: int
    columns: int
    bits: int
    is_signed: bool = False


def frame_of(head: bytes, syntax: str) -> Frame:
    """Read the header of compressed pixels (none of run-length encoding). Raises UnreadableImage."""
    kind = syntax.rsplit(".", 1)[-1]
    return _frame_of_j2k(head) if kind in ("90", "91") else _frame_of_jpeg(head, _FRAMES[kind])


def without_comments(data: bytes, description: Description) -> bytes:
    """Return compressed pixels without the segments in which a program may write whatever it likes.

    They are JPEG's APP0 to APP15 and COM, and JPEG 2000's COM, as far as they come before the first pixel, and what
    follows the end of the image. What is wrapped in a file format of its own (JP2 boxes) is unwrapped.
    """
    kind = description.syntax.rsplit(".", 1)[-1]
    if kind == "5":
        return data
    if (end := data.rfind(_END)) > 0:
        data = data[: end + len(_END)]
    if kind in ("90", "91"):
        return _filtered(data[max(0, data.find(_J2K_START)) :], 0x90, lambda marker: marker == 0x64)
    return _filtered(data, 0xDA, lambda marker: marker == 0xFE or 0xE0 <= marker <= 0xEF)


def _filtered(data: bytes, last: int, is_dropped: Callable[[int], bool]) -> bytes:
    kept, position = [data[:2]], 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != last:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if not is_dropped(data[position + 1]):
            kept.append(data[position:end])
        position = end
    return b"".join([*kept, data[position:]])


def _frame_of_j2k(head: bytes) -> Frame:
    start = head.find(_J2K_START)
    if start < 0 or len(head) < start + 43:
        raise damaged()
    width, height, left, top = struct.unpack_from(">4I", head, start + 8)
    depth = head[start + 42]
    return Frame(height - top, width - left, (depth & 0x7F) + 1, is_signed=depth > 0x7F)


def _frame_of_jpeg(head: bytes, frames: set[int]) -> Frame:
    position = 2
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if marker in frames:
            bits, height, width = struct.unpack_from(">B2H", head, position + 4)
            return Frame(height, width, bits)
        if marker == 0xDA or (0xC0 <= marker <= 0xCF and marker != 0xC4):
            break  # the pixels, or a frame of another process
        position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    raise damaged()
