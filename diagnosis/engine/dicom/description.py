"""What a DICOM file says of its picture, checked before anything is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from diagnosis.engine.dicom import reading
from diagnosis.engine.dicom.acquisition import ACQUISITION_TAGS, CODE_MEANING, VIEW_CODE, acquisition_of
from diagnosis.engine.dicom.codestream import check_codestream
from diagnosis.engine.dicom.reading import InflatedSource, Source, Tables, Values, damaged, text_of
from diagnosis.engine.errors import UnreadableImage, UnsupportedFormat
from diagnosis.engine.sentences import Sentence, sentence

IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
_JPEG = "1.2.840.10008.1.2.4."
JPEG_BASELINE, JPEG_EXTENDED = _JPEG + "50", _JPEG + "51"
JPEG_LOSSLESS = {_JPEG + "57", _JPEG + "70"}
JPEG_LS = {_JPEG + "80", _JPEG + "81"}
JPEG_2000 = {_JPEG + "90", _JPEG + "91"}
COMPRESSED = {RLE, JPEG_BASELINE, JPEG_EXTENDED} | JPEG_LOSSLESS | JPEG_LS | JPEG_2000

SAMPLES, PHOTOMETRIC, PLANAR, FRAMES, ROWS, COLUMNS = (0x00280000 + n for n in (0x02, 0x04, 0x06, 0x08, 0x10, 0x11))
ALLOCATED, STORED, HIGH_BIT, SIGNED, PADDING = (0x00280000 + n for n in (0x100, 0x101, 0x102, 0x103, 0x120))
CENTER, WIDTH, VOI_FUNCTION, INTERCEPT, SLOPE = (0x00281000 + n for n in (0x50, 0x51, 0x56, 0x52, 0x53))
MODALITY_LUT, VOI_LUT, LUT_DESCRIPTOR, LUT_DATA = 0x00283000, 0x00283010, 0x00283002, 0x00283006

#: All that is needed to show the picture: numbers, tables of numbers and two defined terms.
DISPLAY_NUMBERS = (SAMPLES, PLANAR, ROWS, COLUMNS, ALLOCATED, STORED, HIGH_BIT, SIGNED)
DISPLAY_DECIMALS = (CENTER, WIDTH, INTERCEPT, SLOPE)
_WANTED = {*DISPLAY_NUMBERS, *DISPLAY_DECIMALS, PHOTOMETRIC, FRAMES, PADDING, VOI_FUNCTION, *ACQUISITION_TAGS}
_IN_TABLES = {LUT_DESCRIPTOR, LUT_DATA}
_SEQUENCES = {MODALITY_LUT: _IN_TABLES, VOI_LUT: _IN_TABLES, VIEW_CODE: {CODE_MEANING}}
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")


@dataclass(frozen=True)
class Description:
    """The header as far as it matters. ``length`` is that of the pixel data, UNDEFINED where they are compressed."""

    syntax: str
    values: Values
    tables: Tables
    length: int
    acquisition: dict[str, str | float] = field(default_factory=dict)

    def has_number(self, tag: int) -> bool:
        return len(self.values.get(tag, b"")) >= 2

    def number(self, tag: int, default: int = 0) -> int:
        return int.from_bytes(self.values[tag][:2], "little") if self.has_number(tag) else default

    def decimal(self, tag: int) -> float | None:
        text = text_of(self.values.get(tag, b""))
        return float(text) if len(text) <= 16 and _DECIMAL.fullmatch(text) else None

    def text(self, tag: int) -> str:
        return text_of(self.values.get(tag, b""))

    @property
    def rows(self) -> int:
        return self.number(ROWS)

    @property
    def columns(self) -> int:
        return self.number(COLUMNS)

    @property
    def frames(self) -> int:
        text = self.text(FRAMES)
        return max(1, int(text)) if text.isdigit() and len(text) < 8 else 1

    @property
    def allocated(self) -> int:
        return self.number(ALLOCATED)

    @property
    def stored(self) -> int:
        return self.number(STORED, self.allocated)

    @property
    def is_signed(self) -> bool:
        return bool(self.number(SIGNED))

    @property
    def is_compressed(self) -> bool:
        return self.syntax in COMPRESSED

    @property
    def is_colour(self) -> bool:
        return self.number(SAMPLES, 1) != 1 or not self.text(PHOTOMETRIC).startswith("MONOCHROME")

    @property
    def pixel_bytes(self) -> int:
        samples = self.number(SAMPLES, 1)
        return self.rows * self.columns * samples * self.frames * self.allocated // 8


#: So many bytes tell whether a file is DICOM.
START = reading.PREAMBLE + len(reading.MAGIC)


def is_dicom(start: bytes) -> bool:
    """Whether a file that begins so is DICOM. Whatever comes before the mark is never looked at."""
    return start[reading.PREAMBLE : START] == reading.MAGIC


def open_dicom(stream: IO[bytes]) -> tuple[Description, Source]:
    """Return what the file says, and a source at the first byte of its pixel data.

    Raises UnreadableImage where the header is damaged or cannot be true, and UnsupportedFormat where the pixels are
    stored in a way that is not read here.
    """
    syntax = reading.read_meta(stream)
    if syntax not in {IMPLICIT, EXPLICIT, DEFLATED} | COMPRESSED:
        raise UnsupportedFormat(
            sentence(
                "The DICOM file is encoded as {syntax}, which is not read here. "
                "Export it uncompressed (Explicit VR Little Endian), or as PNG.",
                syntax=_shown(syntax),
            )
        )
    source = (InflatedSource if syntax == DEFLATED else Source)(stream)
    values, tables, length = reading.read_values(source, syntax != IMPLICIT, _WANTED, _SEQUENCES)
    description = Description(syntax, values, tables, length, acquisition_of(values, tables))
    _check(description)
    return description, source


def describe(stream: IO[bytes]) -> Description:
    """Return what the file says, after a walk over its pixels that finds whether they are all there."""
    description, source = open_dicom(stream)
    for _ in pixel_pieces(description, source):
        pass
    return description


def pixel_pieces(description: Description, source: Source) -> Iterator[bytes | None]:
    """Yield the pixel data in small pieces, None after each fragment. Whatever lies behind the pixels is left out."""
    if not description.is_compressed:
        yield from source.chunks(description.pixel_bytes)
        source.skip(description.length - description.pixel_bytes)  # which must be there
        yield None
        return
    for number, length in enumerate(reading.fragments_of(source)):
        head = source.read(min(length, reading.CHUNK))
        if number == 0:
            check_codestream(head, description)
        yield head
        yield from source.chunks(length - len(head))
        yield None


def _check(description: Description) -> None:
    if not description.length or not description.rows or not description.columns:
        raise UnreadableImage(
            sentence("The DICOM file holds no image: it has no pixels. Choose the file of the chest X-ray itself.")
        )
    if description.allocated not in (8, 16) or not 1 <= description.stored <= description.allocated:
        raise UnsupportedFormat(
            sentence(
                "The DICOM file has pixels of {bits} bits, and 8 or 16 are read here. Export it as PNG.",
                bits=description.allocated,
            )
        )
    if description.syntax == JPEG_EXTENDED and description.stored > 8:
        raise UnsupportedFormat(
            sentence(
                "The DICOM file is encoded as JPEG with 12 bits, which is not read here. Export it as lossless JPEG."
            )
        )
    if description.is_compressed != (description.length == reading.UNDEFINED):
        raise damaged()
    if not description.is_compressed and description.length < description.pixel_bytes:
        raise UnreadableImage(
            sentence("The DICOM file holds fewer pixels than its header says. Export or copy it again.")
        )


def _shown(syntax: str) -> Sentence:
    if re.fullmatch(r"[0-9.]{1,64}", syntax):
        return sentence("transfer syntax {identifier}", identifier=syntax)
    return sentence("nothing that its header names")
