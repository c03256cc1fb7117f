"""The pixels that the network sees, made in one way for training and serving."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diagnosis.engine.errors import UnreadableImage
from diagnosis.engine.preprocessing import read_radiograph
from tests.drawings import damaged_png_bytes, drawn, image_bytes, jpeg_bytes


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_any_size_is_squeezed_to_a_square_with_pillows_bilinear_filter() -> None:
    image = drawn(700, 500)
    expected = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(read_radiograph(encoded(image)), expected)


def test_an_image_of_the_right_size_is_left_as_it_is() -> None:
    image = drawn(224, 224)
    np.testing.assert_array_equal(read_radiograph(encoded(image)), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "CMYK"])
def test_grey_comes_out_the_same_from_every_mode(mode: str) -> None:
    image = drawn()
    kind = "TIFF" if mode == "CMYK" else "PNG"
    difference = read_radiograph(encoded(image.convert(mode), kind)).astype(int) - read_radiograph(encoded(image))
    assert np.abs(difference).max() <= 2


def test_sixteen_bits_are_spread_over_the_grey_range() -> None:
    eight = np.asarray(drawn())
    sixteen = Image.fromarray(eight.astype(np.uint16) * 13 + 900)
    pixels = read_radiograph(encoded(sixteen))
    low, high = int(eight.min()), int(eight.max())
    expected = read_radiograph(encoded(Image.fromarray(((eight - low) * (255 / (high - low))).astype(np.uint8))))
    assert np.abs(pixels.astype(int) - expected).max() <= 2


def test_transparency_is_laid_on_black() -> None:
    clear = Image.new("RGBA", (300, 300), (255, 255, 255, 0))
    assert read_radiograph(encoded(clear)).max() == 0


def test_a_file_that_only_the_decoder_finds_damaged_says_so() -> None:
    with pytest.raises(UnreadableImage, match="damaged"):
        read_radiograph(damaged_png_bytes())


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_lossless_formats_give_the_same_pixels(kind: str) -> None:
    np.testing.assert_array_equal(read_radiograph(image_bytes(kind)), read_radiograph(encoded(drawn())))


def test_running_out_of_memory_is_an_error_about_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("diagnosis.engine.preprocessing._grey", no_memory)
    with pytest.raises(UnreadableImage, match="memory") as raised:
        read_radiograph(jpeg_bytes())
    assert raised.value.code == "too_demanding"


@pytest.mark.parametrize(
    ("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)], ids=["3", "6"]
)
def test_a_picture_is_turned_as_its_exif_says(orientation: int, turn: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    drawn().save(buffer, "JPEG", quality=98, exif=exif)
    expected = read_radiograph(encoded(drawn().transpose(turn)))
    assert np.abs(read_radiograph(buffer.getvalue()).astype(int) - expected).max() <= 2


def test_odd_values_beside_the_orientation_do_no_harm() -> None:
    resolution_as_text = struct.pack(">HHI4s", 282, 2, 1, b"x")
    tags = struct.pack(">HHHIHxx", 2, 274, 3, 1, 6) + resolution_as_text + bytes(4)
    buffer = io.BytesIO()
    drawn().save(buffer, "JPEG", quality=98, exif=b"Exif\0\0MM\0*\0\0\0\x08" + tags)
    expected = read_radiograph(encoded(drawn().transpose(Image.Transpose.ROTATE_270)))
    assert np.abs(read_radiograph(buffer.getvalue()).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate"])
def test_sixteen_bits_with_white_as_zero_are_not_inverted(compression: str | None) -> None:
    sixteen = np.asarray(drawn()).astype(np.uint16) * 13 + 900
    black_is_zero, white_is_zero = io.BytesIO(), io.BytesIO()
    Image.fromarray(sixteen).save(black_is_zero, "TIFF", compression=compression)
    Image.fromarray(4_500 - sixteen).save(white_is_zero, "TIFF", compression=compression, tiffinfo={262: 0})
    with Image.open(white_is_zero) as image:
        assert image.tag_v2[262] == 0  # type: ignore[attr-defined]
    difference = read_radiograph(white_is_zero.getvalue()).astype(int) - read_radiograph(black_is_zero.getvalue())
    assert np.abs(difference).max() <= 1


def test_the_training_images_are_taken_as_they_are(chest_xray_dir: Path) -> None:
    compared = 0
    for path in sorted(chest_xray_dir.rglob("*.jp*g"))[::500]:
        with Image.open(path) as image:
            if image.size == (224, 224) and image.mode == "L":
                np.testing.assert_array_equal(read_radiograph(path.read_bytes()), np.asarray(image))
                compared += 1
    assert compared > 0
