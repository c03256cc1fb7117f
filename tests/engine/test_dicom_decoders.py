"""Decoders are other people's programs, and files may be made to break them: that costs the one file, and no more."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from diagnosis.engine.dicom import decoding, gdcm_process
from diagnosis.engine.dicom.description import JPEG_LS
from diagnosis.engine.errors import UnreadableImage
from diagnosis.engine.header import read_header
from diagnosis.engine.preprocessing import read_radiograph
from tests.dicoms import dataset_of, dicom_bytes, encoded, grey, jpeg_lossless_bytes, without_its_table


def deep(bits: int) -> NDArray[Any]:
    return grey() if bits == 8 else (grey().astype(np.uint16) << bits - 8) + 3


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_jpeg_gives_the_same_pixels(tmp_path: Path, bits: int) -> None:
    facts = {"BitsStored": bits, "HighBit": bits - 1}
    expected = read_radiograph(dicom_bytes(deep(bits), **facts))
    np.testing.assert_array_equal(read_radiograph(jpeg_lossless_bytes(tmp_path, deep(bits), **facts)), expected)


@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (12, 12), (16, 16), (16, 12)])
def test_jpeg_ls_is_decoded_by_gdcm_too_where_its_own_decoder_is_missing(
    monkeypatch: pytest.MonkeyPatch, bits: int, stored: int
) -> None:
    pixels = deep(bits) >> bits - stored
    facts = {"BitsStored": stored, "HighBit": stored - 1}
    expected = read_radiograph(dicom_bytes(pixels, **facts))
    monkeypatch.setattr(decoding, "_PLUGINS", dict.fromkeys(JPEG_LS, "gdcm"))
    np.testing.assert_array_equal(read_radiograph(dicom_bytes(pixels, JPEGLSLossless, **facts)), expected)


def test_a_file_that_ends_the_process_of_its_decoder_is_called_damaged(tmp_path: Path) -> None:
    broken = without_its_table(jpeg_lossless_bytes(tmp_path))
    with pytest.raises(UnreadableImage, match="damaged and could not be decoded") as raised:
        read_radiograph(broken)
    cause = raised.value.__cause__
    assert isinstance(cause, subprocess.CalledProcessError)
    assert cause.returncode < 0  # by a signal: in this process it would have ended the tests


def test_a_decoder_that_does_not_come_to_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_lossless_bytes(tmp_path)
    monkeypatch.setattr(gdcm_process, "SECONDS", 0.001)
    with pytest.raises(UnreadableImage, match="could not be decoded") as raised:
        read_radiograph(data)
    assert isinstance(raised.value.__cause__, subprocess.TimeoutExpired)


def test_a_panic_of_the_run_length_decoder_is_an_error_about_the_file() -> None:
    whole = dicom_bytes(deep(16), RLELossless)
    start = whole.index(b"\xfe\xff\x00\xe0", whole.index(b"\xfe\xff\x00\xe0") + 8) + 8 + 64
    with pytest.raises(UnreadableImage, match="damaged and could not be decoded"):
        read_radiograph(whole[:start] + b"\x81\0" * 1000 + whole[start + 2000 :])


def compressed(pixels: NDArray[Any], syntax: UID, **claims: Any) -> bytes:
    """Compress the pixels, and let the header claim what it likes of their depth."""
    dataset = dataset_of(pixels)
    encoded(dataset, syntax)
    for name, value in claims.items():
        setattr(dataset, name, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless], ids=["JPEG-LS", "JPEG 2000"])
def test_more_bits_than_the_header_allows_are_refused_and_not_cut(syntax: UID) -> None:
    data = compressed(deep(16), syntax, BitsAllocated=8, BitsStored=8, HighBit=7)
    with pytest.raises(UnreadableImage, match="damaged"):
        read_header(io.BytesIO(data))


def test_negative_values_under_a_header_that_knows_of_none_are_refused_and_not_wrapped_around() -> None:
    signed = grey().astype(np.int16) * 8 - 1000
    fits = compressed(signed, JPEG2000Lossless)
    np.testing.assert_array_equal(read_radiograph(fits), read_radiograph(dicom_bytes(signed)))
    with pytest.raises(UnreadableImage, match="damaged"):
        read_header(io.BytesIO(compressed(signed, JPEG2000Lossless, PixelRepresentation=0)))


def test_bits_beyond_the_decoder_are_refused_before_it_sees_them(tmp_path: Path) -> None:
    data = jpeg_lossless_bytes(tmp_path, deep(16))
    frame = data.index(b"\xff\xc3")
    assert data[frame + 4] == 16
    with pytest.raises(UnreadableImage, match="header is damaged"):
        read_header(io.BytesIO(data[: frame + 4] + b"\x11" + data[frame + 5 :]))
