"""The copy of a DICOM file that is stored: its pixels, what is needed to show them, the six facts, nothing else."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import IO

from diagnosis.engine.dicom import acquisition as a
from diagnosis.engine.dicom import description as d
from diagnosis.engine.dicom import reading
from diagnosis.engine.dicom.codestream import without_comments
from diagnosis.engine.dicom.description import Description, open_dicom, pixel_pieces
from diagnosis.engine.dicom.reading import Source

_COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_LONG = (b"OB", b"OW", b"SQ", b"UN")
_TERMS = {"modality": (a.MODALITY, b"CS"), "manufacturer": (a.MANUFACTURER, b"LO"), "sex": (a.SEX, b"CS")} | {
    "body_part": (a.BODY_PART, b"CS"),
    "view": (a.VIEW, b"CS"),
}


def write_clean_copy(stream: IO[bytes], target: IO[bytes]) -> None:
    """Write a DICOM file that names nobody: a new one, into which what may be kept is taken over, piece by piece.

    Preamble, private tags, overlays, comments within the compressed pixels and whatever follows the pixels have no
    way into it, and its identifiers are new. What is drawn into the picture itself stays. Raises the errors of
    :func:`diagnosis.engine.dicom.description.open_dicom`.
    """
    description, source = open_dicom(stream)
    syntax = d.EXPLICIT if description.syntax == d.IMPLICIT else description.syntax
    identifier = _new_identifier()
    target.write(bytes(reading.PREAMBLE) + reading.MAGIC + _meta(syntax, _class_of(description), identifier))
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS) if syntax == d.DEFLATED else None
    for piece in chain([_header(description, identifier)], _pixels(description, source)):
        target.write(packer.compress(piece) if packer else piece)
    if packer:
        target.write(packer.flush())


def _new_identifier() -> bytes:
    return f"2.25.{uuid.uuid4().int}".encode()


def _class_of(description: Description) -> bytes:
    is_cr = description.acquisition.get("modality") == "CR"
    return (_COMPUTED_RADIOGRAPHY if is_cr else _SECONDARY_CAPTURE).encode()


def _meta(syntax: str, sop_class: bytes, identifier: bytes) -> bytes:
    rest = b"".join(
        [
            _element(0x00020001, b"OB", b"\0\1"),
            _element(0x00020002, b"UI", sop_class),
            _element(0x00020003, b"UI", identifier),
            _element(0x00020010, b"UI", syntax.encode()),
            _element(0x00020012, b"UI", b"2.25.292309184839471912012342903411840723"),
        ]
    )
    return _element(0x00020000, b"UL", struct.pack("<I", len(rest))) + rest


def _header(description: Description, identifier: bytes) -> bytes:
    kept = {
        0x00080016: (b"UI", _class_of(description)),
        0x00080018: (b"UI", identifier),
        0x00100010: (b"PN", b""),
        0x00100020: (b"LO", b""),
        0x00120062: (b"CS", b"YES"),  # patient identity removed
        0x0020000D: (b"UI", _new_identifier()),
        0x0020000E: (b"UI", _new_identifier()),
        **_acquisition(description),
        **_display(description),
    }
    return b"".join(_element(tag, *kept[tag]) for tag in sorted(kept))


def _acquisition(description: Description) -> dict[int, tuple[bytes, bytes]]:
    facts = description.acquisition
    kept = {tag: (vr, str(facts[name]).encode()) for name, (tag, vr) in _TERMS.items() if name in facts}
    if "age" in facts:
        kept[a.AGE] = (b"AS", a.age_string(float(facts["age"])).encode())
    return kept


def _display(description: Description) -> dict[int, tuple[bytes, bytes]]:
    """Return what shows the picture, written anew from what was understood: a text has no way through a number."""
    numbers = [tag for tag in (*d.DISPLAY_NUMBERS, d.PADDING) if description.has_number(tag)]
    kept = {tag: (b"US", struct.pack("<H", description.number(tag))) for tag in numbers}
    for tag in d.DISPLAY_DECIMALS:
        if (number := description.decimal(tag)) is not None:
            kept[tag] = (b"DS", f"{number:.10g}".encode())
    kept[d.PHOTOMETRIC] = (b"CS", a.term_of(description.values, d.PHOTOMETRIC).encode())
    kept[d.FRAMES] = (b"IS", str(description.frames).encode())
    if description.text(d.VOI_FUNCTION) in ("SIGMOID", "LINEAR_EXACT"):
        kept[d.VOI_FUNCTION] = (b"CS", description.text(d.VOI_FUNCTION).encode())
    for tag in (d.MODALITY_LUT, d.VOI_LUT):
        if table := _table(description, tag):
            kept[tag] = (b"SQ", table)
    return kept


def _table(description: Description, tag: int) -> bytes:
    values = description.tables.get(tag, {})
    descriptor, data = values.get(d.LUT_DESCRIPTOR, b""), values.get(d.LUT_DATA, b"")
    if len(descriptor) != 6 or not data:
        return b""
    item = _element(d.LUT_DESCRIPTOR, b"US", descriptor) + _element(d.LUT_DATA, b"OW", data)
    return _item(item)


def _pixels(description: Description, source: Source) -> Iterator[bytes]:
    """Yield the element of the pixels. What is compressed is held whole, since its length comes before it."""
    tag = struct.pack("<HH", reading.PIXEL_DATA >> 16, reading.PIXEL_DATA & 0xFFFF)
    vr = b"OW\0\0" if description.allocated == 16 else b"OB\0\0"
    if not description.is_compressed:
        length = description.pixel_bytes
        yield tag + vr + struct.pack("<I", length + length % 2)
        yield from (piece for piece in pixel_pieces(description, source) if piece)
        yield b"\0" * (length % 2)
        return
    yield tag + b"OB\0\0" + struct.pack("<I", reading.UNDEFINED) + _item(b"")
    pictures = _fragments(description, source)
    if description.frames == 1:  # in however many fragments, of which any may hold comments
        pictures = iter([b"".join(pictures)])
    for picture in pictures:
        yield _item(without_comments(picture, description))
    yield struct.pack("<HHI", reading.SEQUENCE_END >> 16, reading.SEQUENCE_END & 0xFFFF, 0)


def _fragments(description: Description, source: Source) -> Iterator[bytes]:
    fragment: list[bytes] = []
    for piece in pixel_pieces(description, source):
        if piece is not None:
            fragment.append(piece)
        else:
            yield b"".join(fragment)
            fragment = []


def _item(value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", reading.ITEM >> 16, reading.ITEM & 0xFFFF, len(value)) + value


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr in (b"UI", b"OB", b"OW") else b" ") * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    return head + (struct.pack("<HI", 0, len(value)) if vr in _LONG else struct.pack("<H", len(value))) + value
