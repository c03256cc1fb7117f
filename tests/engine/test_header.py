"""A file is judged by its header and skeleton; nothing is decoded."""

from __future__ import annotations

import io
import random
import struct
import time
import tracemalloc
from contextlib import suppress

import pytest
from PIL import Image

from diagnosis.engine.errors import EmptyFile, RadiographError, TooManyPixels, UnreadableImage, UnsupportedFormat
from diagnosis.engine.header import Header, read_header
from tests.drawings import image_bytes, jpeg_bytes, png_bytes, png_that_claims

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
