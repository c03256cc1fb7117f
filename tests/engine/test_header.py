"""A file is judged by its header and skeleton; nothing is decoded."""

from __future__ import annotations

import io
import random
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image

from diagnosis.engine.errors import EmptyFile, RadiographError, TooManyPixels, UnreadableImage, UnsupportedFormat
from diagnosis.engine.header import Header, read_header
from diagnosis.engine.preprocessing import read_radiograph
from tests.drawings import drawn, image_bytes, jpeg_bytes, png_bytes, png_that_claims

KINDS = ["JPEG", "PNG", "WEBP", "TIFF"]


def header_of(data: bytes) -> Header:
    return read_header(io.BytesIO(data))


@pytest.mark.parametrize("kind", KINDS)
def test_format_and_size_are_read_from_the_header(kind: str) -> None:
    assert header_of(image_bytes(kind, 320, 256)) == Header(kind, 320, 256)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_file_that_is_cut_off_is_refused_without_decoding(kind: str, share: float) -> None:
    data = image_bytes(kind)
    with pytest.raises(UnreadableImage, match=r"cut off|header is damaged"):
        header_of(data[: int(len(data) * share)])


def test_a_jpeg_with_bytes_after_its_end_is_taken() -> None:
    assert header_of(jpeg_bytes() + b"\0" * 500).format == "JPEG"


def test_a_cut_off_jpeg_is_not_saved_by_the_end_marker_of_its_thumbnail() -> None:
    thumbnail = jpeg_bytes(40, 32)
    data = jpeg_bytes()
    with_thumbnail = data[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + data[2:]
    assert header_of(with_thumbnail).format == "JPEG"
    with pytest.raises(UnreadableImage, match="cut off"):
        header_of(with_thumbnail[: len(with_thumbnail) * 3 // 4])


def test_a_progressive_jpeg_is_taken() -> None:
    assert header_of(jpeg_bytes(progressive=True)) == Header("JPEG", 320, 256)


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    data = jpeg_bytes(progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    with pytest.raises(TooManyPixels, match="scans"):
        header_of(data[:-2] + data[last_scan:-2] * 100 + data[-2:])


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        header_of(b"")


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"hello, this is text", "no image"), (b"%PDF-1.7 ...", "PDF"), (b"PK\x03\x04....", "zip"), (b"GIF89a..", "GIF")],
)
def test_another_kind_of_file_is_named(data: bytes, word: str) -> None:
    with pytest.raises(UnsupportedFormat, match=word):
        header_of(data)


@pytest.mark.parametrize("size", [(30_000, 30_000), (6_400, 6_400), (20_001, 10)])
def test_a_header_that_asks_for_too_many_pixels_is_refused_at_once(size: tuple[int, int]) -> None:
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(TooManyPixels):
        header_of(png_that_claims(*size))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    assert time.process_time() - started < 5  # decoding 900 million pixels takes longer; this is no timing
    tracemalloc.stop()


def test_the_largest_detectors_images_are_taken() -> None:
    assert header_of(png_that_claims(4_300, 4_300)).width == 4_300


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_an_animation_is_refused(kind: str) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("L", (120, 120), grey) for grey in (0, 255)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedFormat, match="several pictures"):
        header_of(buffer.getvalue())


def test_noise_after_a_magic_number_never_raises_anything_else() -> None:
    randomness = random.Random(5)
    for kind in KINDS:
        whole = image_bytes(kind, 64, 48)
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(randomness.randint(1, 12)):
                data[randomness.randrange(4, min(len(data), 400))] = randomness.randrange(256)
            with suppress(RadiographError):
                header_of(bytes(data))


def test_the_stream_is_left_at_its_start() -> None:
    stream = io.BytesIO(png_bytes())
    read_header(stream)
    assert stream.tell() == 0


@pytest.mark.parametrize(
    "data",
    [
        jpeg_bytes()[:2] + b"\xff\xe0\x00\x02" * 50_000 + jpeg_bytes()[2:],
        png_bytes()[:33] + struct.pack(">I4sI", 0, b"teXt", 0) * 50_000 + png_bytes()[33:],
    ],
    ids=["JPEG", "PNG"],
)
def test_a_file_in_very_many_pieces_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match="pieces"):
        header_of(data)


SHORT, LONG, RATIONAL = 3, 4, 5
_VALUE_BYTES = {2: 1, SHORT: 2, LONG: 4, RATIONAL: 8}
_VALUE_FORMATS = {2: "B", SHORT: "H", LONG: "I", RATIONAL: "II"}


def tiff_of(tags: list[tuple[int, int, list[int]]], data: bytes = b"", order: str = "<", following: int = 0) -> bytes:
    """A TIFF of ``data`` (at byte 8), the ``tags`` (number, type, values), and the directory of them at its end."""
    body, entries = bytearray(data + b"\0" * (len(data) % 2)), []
    for tag, kind, values in tags:
        count = len(values) // (2 if kind == RATIONAL else 1)
        packed = struct.pack(f"{order}{count * len(_VALUE_FORMATS[kind])}{_VALUE_FORMATS[kind][0]}", *values)
        if len(packed) > 4:
            value = struct.pack(order + "I", 8 + len(body))
            body += packed + b"\0" * (len(packed) % 2)
        else:
            value = packed.ljust(4, b"\0")
        entries.append(struct.pack(order + "HHI", tag, kind, count) + value)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(body))
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)
    return start + bytes(body) + directory


def grey_tags(width: int, height: int, compression: int = 1) -> list[tuple[int, int, list[int]]]:
    values = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 277: 1}
    return [(tag, SHORT, [value]) for tag, value in values.items()]


def striped(offsets: list[int], counts: list[int]) -> list[tuple[int, int, list[int]]]:
    return [*grey_tags(64, len(offsets), 8), (273, LONG, offsets), (278, SHORT, [1]), (279, LONG, counts)]


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("L", {}),
        ("L", {"compression": "tiff_adobe_deflate"}),
        ("L", {"compression": "tiff_lzw"}),
        ("L", {"compression": "packbits"}),
        ("L", {"compression": "jpeg", "quality": 90}),
        ("L", {"compression": "tiff_lzw", "tiffinfo": {278: 1}}),
        ("L", {"dpi": (300, 300), "icc_profile": b"profile" * 90_000, "description": "Thorax p.a."}),
        ("I;16", {}),
        ("I;16", {"compression": "tiff_adobe_deflate"}),
        ("1", {"compression": "group4"}),
        ("RGB", {"compression": "tiff_lzw"}),
        ("RGBA", {}),
        ("P", {}),
        ("CMYK", {}),
        ("F", {}),
    ],
)
def test_honest_tiffs_are_taken(mode: str, options: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[271] = "A maker of detectors"
    image = drawn().convert("I").convert("I;16") if mode == "I;16" else drawn().convert(mode)
    image.save(buffer, "TIFF", exif=exif, **options)
    assert header_of(buffer.getvalue()) == Header("TIFF", *image.size)
    assert read_radiograph(buffer.getvalue()).std() > 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_tiles_is_taken_in_both_byte_orders(order: str) -> None:
    image = drawn(256, 256)
    boxes = [(x, y, x + 128, y + 128) for y in (0, 128) for x in (0, 128)]
    data = b"".join(image.crop(box).tobytes() for box in boxes)
    places = [(324, LONG, [8 + 128 * 128 * number for number in range(4)]), (325, SHORT, [128 * 128] * 4)]
    tiled = tiff_of([*grey_tags(256, 256), (322, SHORT, [128]), (323, SHORT, [128]), *places], data, order)
    assert header_of(tiled) == Header("TIFF", 256, 256)
    png = io.BytesIO()
    image.save(png, "PNG")
    assert (read_radiograph(tiled) == read_radiograph(png.getvalue())).all()


def test_a_tiff_whose_strips_lie_over_each_other_is_refused() -> None:
    data = zlib.compress(random.Random(2).randbytes(1_000))
    with pytest.raises(UnreadableImage, match="header is damaged"):
        header_of(tiff_of(striped([8] * 200, [len(data)] * 200), data))


def test_a_tiff_whose_strips_are_empty_is_refused() -> None:
    # libtiff takes the first empty one as "unknown", and reads up to the end of the file for each.
    with pytest.raises(UnreadableImage, match="header is damaged"):
        header_of(tiff_of(striped([8] * 200, [0] * 200), b"x" * 1_000))


@pytest.mark.parametrize("kind", [2, RATIONAL])
@pytest.mark.parametrize("tag", [273, 279])
def test_a_tiff_whose_strips_are_placed_by_no_numbers_is_refused(tag: int, kind: int) -> None:
    tags = [*grey_tags(8, 8), *((n, kind if n == tag else LONG, [8, 1]) for n in (273, 279))]
    with pytest.raises(UnreadableImage, match="header is damaged"):
        header_of(tiff_of(tags, b"x" * 64))


def test_a_tiff_of_very_many_strips_is_refused() -> None:
    tags = [*grey_tags(8, 8), (273, SHORT, [8] * 300_000), (279, SHORT, [1] * 300_000)]
    with pytest.raises(UnreadableImage, match="pieces"):
        header_of(tiff_of(tags, b"x" * 64))


def test_a_tiff_of_very_many_tags_is_refused() -> None:
    tags = [*grey_tags(8, 8), (273, LONG, [8]), (279, LONG, [64]), *((n, SHORT, [1]) for n in range(40_000, 42_000))]
    with pytest.raises(UnreadableImage, match="pieces"):
        header_of(tiff_of(tags, b"x" * 64))


@pytest.mark.parametrize("number_of_tags", [1, 20])
def test_a_tiff_with_very_many_numbers_in_its_tags_is_refused(number_of_tags: int) -> None:
    many = [(40_000 + n, RATIONAL, [1] * (600_000 // number_of_tags)) for n in range(number_of_tags)]
    tags = [*grey_tags(8, 8), (273, LONG, [8]), (279, LONG, [64]), *many]
    with pytest.raises(UnreadableImage, match="pieces"):
        header_of(tiff_of(tags, b"x" * 64))


def test_a_tiff_whose_directory_names_another_picture_is_refused() -> None:
    tags = [*grey_tags(8, 8), (273, LONG, [8]), (279, LONG, [64])]
    assert header_of(tiff_of(tags, b"x" * 64)) == Header("TIFF", 8, 8)
    with pytest.raises(UnsupportedFormat, match="several pictures"):
        header_of(tiff_of(tags, b"x" * 64, following=1_000_000))


def test_running_out_of_memory_is_not_called_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", no_memory)
    with pytest.raises(MemoryError):
        header_of(png_bytes())
