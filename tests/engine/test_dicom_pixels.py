"""DICOM pixels: every encoding gives the same ones, and they are shown as the standard says."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, Sequence
from pydicom.uid import UID, JPEGLSNearLossless, RLELossless

from diagnosis.engine.classifier import Classifier
from diagnosis.engine.dicom import description as d
from diagnosis.engine.dicom.decoding import decode
from diagnosis.engine.errors import UnreadableImage
from diagnosis.engine.preprocessing import read_radiograph
from tests.conftest import BUNDLED_MODEL
from tests.dicoms import LOSSLESS, dataset_of, dicom_bytes, encoded, grey

#: Largest difference of a grey value of 224 × 224 that lossy compression of good quality makes.
LOSSY_TOLERANCE = 3


def shown(values: list[int], kind: Any = "u2", **facts: Any) -> list[int]:
    """Return the grey values that a row of stored values is shown with."""
    picture = decode(dicom_bytes(np.array([values], kind), **facts))
    return np.asarray(picture)[0].tolist()  # type: ignore[no-any-return]


def lut(first: int, bits: int, entries: list[int]) -> Sequence:
    item = Dataset()
    item.add_new(d.LUT_DESCRIPTOR, "US", [len(entries), first, bits])
    item.add_new(d.LUT_DATA, "OW", np.array(entries, "<u2").tobytes())
    return Sequence([item])


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_lossless_encoding_gives_the_same_pixels(syntax: UID, bits: int) -> None:
    pixels = grey() if bits == 8 else (grey().astype(np.uint16) << bits - 8) + 3
    facts = {"BitsStored": bits, "HighBit": bits - 1}
    expected = read_radiograph(dicom_bytes(pixels, **facts))
    np.testing.assert_array_equal(read_radiograph(dicom_bytes(pixels, syntax, **facts)), expected)


def test_eight_bits_are_the_same_as_those_of_a_png() -> None:
    buffer = io.BytesIO()
    Image.fromarray(grey()).save(buffer, "PNG")
    np.testing.assert_array_equal(read_radiograph(dicom_bytes()), read_radiograph(buffer.getvalue()))


@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
def test_the_inverted_twin_is_shown_as_the_original(bits: int) -> None:
    pixels = grey().astype(np.uint16) * ((1 << bits) // 256) + (1 << bits - 8) // 2
    if bits == 8:
        pixels = grey()  # type: ignore[assignment]
    facts = {"BitsStored": bits, "HighBit": bits - 1}
    twin = (pixels.dtype.type((1 << bits) - 1) - pixels).astype(pixels.dtype)
    original = read_radiograph(dicom_bytes(pixels, **facts))
    inverted = read_radiograph(dicom_bytes(twin, PhotometricInterpretation="MONOCHROME1", **facts))
    np.testing.assert_array_equal(inverted, original)


def test_more_than_eight_bits_are_spread_between_darkest_and_brightest() -> None:
    assert shown([100, 610, 1120]) == [0, 128, 255]


def test_the_value_that_pads_a_picture_does_not_darken_it() -> None:
    assert shown([0, 1000, 1255], PixelPaddingValue=0) == [0, 0, 255]


def test_unused_bits_are_not_looked_at() -> None:
    facts = {"BitsStored": 12, "HighBit": 11}
    assert shown([0x0000, 0xF800, 0x0FFF], **facts) == shown([0, 0x0800, 0x0FFF], **facts) == [0, 128, 255]


def test_signed_values_are_heeded() -> None:
    assert shown([-1000, 0, 1000], "i2") == [0, 128, 255]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # PS3.3, C.11.2.1.2: (x - (c - 0.5)) / (w - 1) + 0.5, cut off at the ends
        ({}, [0, 0, 64, 128, 191, 255, 255]),
        ({"VOILUTFunction": "LINEAR_EXACT"}, [0, 0, 64, 128, 191, 255, 255]),
        ({"VOILUTFunction": "SIGMOID"}, [5, 30, 69, 128, 186, 225, 250]),
    ],
    ids=["linear", "linear exact", "sigmoid"],
)
def test_a_window_is_applied_as_its_function_says(facts: dict[str, str], expected: list[int]) -> None:
    values = [0, 500, 750, 1000, 1250, 1500, 2000]
    assert shown(values, WindowCenter="1000", WindowWidth="1000", **facts) == expected


def test_linear_and_linear_exact_differ_by_half_a_value() -> None:
    facts = {"WindowCenter": "2", "WindowWidth": "4"}
    assert shown([0, 1, 2, 3, 4], **facts) == [0, 85, 170, 255, 255]
    assert shown([0, 1, 2, 3, 4], VOILUTFunction="LINEAR_EXACT", **facts) == [0, 64, 128, 191, 255]


def test_the_window_looks_at_rescaled_values_and_monochrome1_comes_last() -> None:
    facts = {"RescaleSlope": "2", "RescaleIntercept": "-100", "WindowCenter": "100.5", "WindowWidth": "201"}
    assert shown([50, 75, 100, 150], **facts) == [0, 64, 128, 255]
    assert shown([50, 75, 100, 150], PhotometricInterpretation="MONOCHROME1", **facts) == [255, 191, 128, 0]


def test_the_first_of_several_windows_counts() -> None:
    assert shown([0, 50, 100], WindowCenter=["50.5", "500"], WindowWidth=["101", "10"]) == [0, 128, 255]


def test_a_window_that_makes_no_sense_is_left_aside() -> None:
    assert shown([0, 50, 100], WindowCenter="50", WindowWidth="0") == [0, 128, 255]


def test_a_modality_lut_comes_before_a_voi_lut() -> None:
    facts = {"ModalityLUTSequence": lut(10, 8, [2, 1, 0]), "VOILUTSequence": lut(0, 8, [0, 100, 255])}
    assert shown([9, 10, 11, 12, 13], **facts) == [255, 255, 100, 0, 0]


def test_a_voi_lut_comes_before_a_window() -> None:
    facts = {"VOILUTSequence": lut(0, 10, [0, 1023]), "WindowCenter": "5000", "WindowWidth": "2"}
    assert shown([0, 1], **facts) == [0, 255]


def test_compressed_pixels_that_only_a_decoder_finds_damaged_say_so() -> None:
    whole = dicom_bytes(syntax=RLELossless)
    start = whole.index(b"\xfe\xff\x00\xe0", whole.index(b"\xfe\xff\x00\xe0") + 8) + 8
    with pytest.raises(UnreadableImage, match="damaged and could not be decoded"):
        read_radiograph(whole[:start] + b"\xff" * 64 + whole[start + 64 :])


def test_nearly_lossless_compression_gives_nearly_the_same_pixels() -> None:
    dataset = dataset_of()
    encoded(dataset)
    dataset.compress(JPEGLSNearLossless, jls_error=2, encoding_plugin="pyjpegls")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    difference = read_radiograph(buffer.getvalue()).astype(int) - read_radiograph(dicom_bytes())
    assert 0 < np.abs(difference).max() <= LOSSY_TOLERANCE


@pytest.fixture
def dicom_dir(chest_xray_dir: Path) -> Path:
    folder = chest_xray_dir.parent / "dicom"
    if not (folder / "index.csv").exists():
        pytest.skip(f"there are no real DICOM files to test with: {folder} is missing")
    return folder


def test_every_real_file_is_classified_or_refused_as_its_index_says(dicom_dir: Path) -> None:
    classifier = Classifier.load(BUNDLED_MODEL)
    with (dicom_dir / "index.csv").open() as file:
        for row in csv.DictReader(file):
            answer = classifier.classify((dicom_dir / row["path"]).read_bytes())
            said = f"refused: {answer.refusal.code.replace('_', ' ')}" if answer.refusal else "classified"
            assert said == row["expected"], row["path"]


@pytest.mark.parametrize(
    ("original", "pattern"), [("udacity_nih_test1", "nih1_*"), ("nema_RG1_CR_chest_MONO1_J2Klossy_15bit", "rg1_*")]
)
def test_real_twins_give_the_pixels_of_their_original(dicom_dir: Path, original: str, pattern: str) -> None:
    expected = read_radiograph((dicom_dir / "original" / f"{original}.dcm").read_bytes()).astype(int)
    twins = sorted((dicom_dir / "derived").glob(pattern))
    assert twins
    for twin in twins:
        tolerance = LOSSY_TOLERANCE if "Baseline" in twin.name else 0
        assert np.abs(read_radiograph(twin.read_bytes()) - expected).max() <= tolerance, twin.name
