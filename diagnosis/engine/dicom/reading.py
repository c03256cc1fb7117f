"""Walks a DICOM file (PS3.10) up to its pixels, under limits: nothing is believed, and nothing is decoded.

A length may lie, a deflated file of kilobytes may unfold to gigabytes and sequences may be nested without end, so
elements that nobody needs are skipped, values are small or refused, and every step is counted.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import IO

from diagnosis.engine.errors import TooDemanding, UnreadableImage
from diagnosis.engine.sentences import sentence

PREAMBLE = 128
MAGIC = b"DICM"

#: Elements of a header, those of sequences included: the largest of radiographs have a few hundred.
MAX_ELEMENTS = 20_000
MAX_DEPTH = 16
#: Longest value that is read: a look-up table has at most 65,536 entries of two bytes.
MAX_VALUE = 132_000
#: Pieces of the compressed pixels. Encoders make one, or one for every few kilobytes.
MAX_FRAGMENTS = 20_000
#: What a deflated file may unfold to: 40 million pixels of two bytes, and a header.
MAX_INFLATED = 84_000_000
CHUNK = 1 << 16

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
#: Other places for pixels, of which no radiograph makes use: floats, and an address elsewhere on the network.
OTHER_PIXELS = {0x00287FE0, 0x7FE00008, 0x7FE00009}

#: Value representations whose length takes four bytes (PS3.5, 7.1.2).
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}


class Source:
    """Bytes that are read forwards, counted, and known to end: too few of them are an error of the file."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.position = stream.tell()
        self._size = stream.seek(0, os.SEEK_END)
        stream.seek(self.position)
        self.elements = 0

    def read(self, length: int) -> bytes:
        self._expect(length)
        data = self._stream.read(length)
        self.position += length
        return data

    def skip(self, length: int) -> None:
        self._expect(length)
        self.position += length
        self._stream.seek(self.position)

    def is_at_end(self) -> bool:
        return self.position >= self._size

    def chunks(self, length: int) -> Iterator[bytes]:
        while length:
            yield self.read(size := min(length, CHUNK))
            length -= size

    def count(self) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise UnreadableImage(sentence("The DICOM file's header has more entries than that of any radiograph."))

    def _expect(self, length: int) -> None:
        if self.position + length > self._size:
            raise cut_off()


class InflatedSource(Source):
    """The same of a deflated stream, unfolded piece by piece and never beyond :data:`MAX_INFLATED`."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.position = 0
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._ready = b""

    def read(self, length: int) -> bytes:
        data = b"".join(self._pieces(length))
        self.position += length
        return data

    def skip(self, length: int) -> None:
        for _ in self._pieces(length):
            pass
        self.position += length

    def is_at_end(self) -> bool:
        return not self._fill()

    def _pieces(self, length: int) -> Iterator[bytes]:
        if self.position + length > MAX_INFLATED:
            raise TooDemanding(
                sentence("The DICOM file unfolds to more data than a radiograph has. Export it uncompressed.")
            )
        while length:
            if not self._fill():
                raise cut_off()
            piece, self._ready = self._ready[:length], self._ready[length:]
            length -= len(piece)
            yield piece

    def _fill(self) -> bool:
        try:
            while not self._ready and not self._inflater.eof:
                # What was read and not unfolded yet comes first: the inflater never hands out more than a chunk.
                packed = self._inflater.unconsumed_tail or self._stream.read(CHUNK)
                self._ready = self._inflater.decompress(packed, CHUNK)
                if not packed and not self._ready:
                    break
        except zlib.error as error:
            raise damaged() from error
        return bool(self._ready)


Values = dict[int, bytes]
Tables = dict[int, Values]


def read_meta(stream: IO[bytes]) -> str:
    """Return the transfer syntax, and leave ``stream`` at the first element of the data set."""
    stream.seek(PREAMBLE + len(MAGIC))
    source, syntax = Source(stream), ""
    while not source.is_at_end():
        group = stream.read(2)
        stream.seek(source.position)
        if group != b"\2\0":
            break
        tag, vr, length = element_of(source, is_explicit=True)
        if length > MAX_VALUE or vr == b"SQ":
            raise damaged()
        value = source.read(length)
        syntax = text_of(value) if tag == 0x00020010 else syntax
    return syntax


def element_of(source: Source, is_explicit: bool) -> tuple[int, bytes, int]:
    """Read tag, value representation (empty where it is implied) and length of one element or item."""
    source.count()
    head = source.read(8)
    tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
    if not is_explicit or tag >> 16 == 0xFFFE:
        return tag, b"", int.from_bytes(head[4:], "little")
    vr = head[4:6]
    if vr in _LONG:
        return tag, vr, int.from_bytes(source.read(4), "little")
    if not vr.isalpha() or not vr.isupper():
        raise damaged()
    return tag, vr, int.from_bytes(head[6:], "little")


def read_values(
    source: Source, is_explicit: bool, wanted: set[int], sequences: dict[int, set[int]]
) -> tuple[Values, Tables, int]:
    """Return the wanted values, those of the wanted sequences' first items, and the length of the pixel data.

    The source is left at the first byte of the pixel data. Where there are none the length is 0.
    """
    values: Values = {}
    tables: Tables = {}
    last = 0
    while not source.is_at_end():
        tag, vr, length = element_of(source, is_explicit)
        if tag <= last:  # the standard wants them in order; a tag twice would be read differently by other programs
            raise damaged()
        last = tag
        if tag == PIXEL_DATA:
            return values, tables, length
        if tag in OTHER_PIXELS:
            raise UnreadableImage(sentence("The DICOM file's pixels are of a kind that no radiograph has."))
        if tag in sequences:
            tables[tag] = _read_sequence(source, is_explicit and vr != b"UN", length, sequences[tag], 1)
        elif length == UNDEFINED:
            _read_sequence(source, is_explicit and vr != b"UN", length, set(), 1)
        elif tag in wanted:
            values[tag] = _read_value(source, length)
        else:
            source.skip(length)
    return values, tables, 0


def _read_value(source: Source, length: int) -> bytes:
    if length > MAX_VALUE:
        raise damaged()
    return source.read(length)


def _read_sequence(source: Source, is_explicit: bool, length: int, wanted: set[int], depth: int) -> Values:
    """Walk over a sequence and return the wanted values of its first item."""
    if depth > MAX_DEPTH:
        raise UnreadableImage(sentence("The DICOM file's header is nested deeper than that of any radiograph."))
    end = None if length == UNDEFINED else source.position + length
    first: Values | None = None
    while end is None or source.position < end:
        tag, _, item_length = element_of(source, is_explicit)
        if tag == SEQUENCE_END and end is None:
            break
        if tag != ITEM:
            raise damaged()
        found = _read_item(source, is_explicit, item_length, wanted if first is None else set(), depth)
        first = found if first is None else first
    if end is not None and source.position > end:
        raise damaged()
    return first or {}


def _read_item(source: Source, is_explicit: bool, length: int, wanted: set[int], depth: int) -> Values:
    values: Values = {}
    end = None if length == UNDEFINED else source.position + length
    if end is not None and not wanted:
        source.skip(length)
        return values
    while end is None or source.position < end:
        tag, vr, value_length = element_of(source, is_explicit)
        if tag == ITEM_END and end is None:
            break
        if value_length == UNDEFINED:
            _read_sequence(source, is_explicit and vr != b"UN", value_length, set(), depth + 1)
        elif tag in wanted:
            values[tag] = _read_value(source, value_length)
        else:
            source.skip(value_length)
    if end is not None and source.position > end:
        raise damaged()
    return values


def fragments_of(source: Source) -> Iterator[int]:
    """Yield the length of each piece of the compressed pixels, at its first byte; the caller reads or skips it all."""
    tag, _, length = element_of(source, is_explicit=True)
    if tag != ITEM or length == UNDEFINED:
        raise damaged()
    source.skip(length)  # the table of offsets
    for _ in range(MAX_FRAGMENTS):
        tag, _, length = element_of(source, is_explicit=True)
        if tag == SEQUENCE_END:
            return
        if tag != ITEM or length == UNDEFINED:
            raise damaged()
        yield length
    raise UnreadableImage(sentence("The DICOM file's pixels are in more pieces than any program writes."))


def text_of(value: bytes) -> str:
    """Return the first of the values, without padding, if it is of plain characters alone."""
    first = value.split(b"\\")[0].strip(b" \0")
    return first.decode("ascii") if first.isascii() and all(32 <= byte < 127 for byte in first) else ""


def damaged() -> UnreadableImage:
    return UnreadableImage(
        sentence("The file begins like a DICOM file, but its header is damaged. Export or copy it again.")
    )


def cut_off() -> UnreadableImage:
    return UnreadableImage(sentence("The DICOM file is cut off: its end is missing. Export or copy it again."))
