"""DICOM headers: what they say is checked before anything is decoded, and what lies is refused with a sentence."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest
from pydicom import Dataset, Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
)

from diagnosis.engine.dicom import reading
from diagnosis.engine.errors import RadiographError, TooDemanding, TooManyPixels, UnreadableImage, UnsupportedFormat
from diagnosis.engine.header import Header, read_header
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.engine.suitability import cautions_of, refusal_of_header
from tests.dicoms import LOSSLESS, dataset_of, dicom_bytes, dicom_with_a_lying_length, encoded, grey
from tests.drawings import image_bytes

CHILD: dict[str, str | float] = {
    "age": 4,
    "sex": "F",
    "view": "AP",
    "modality": "DX",
    "body_part": "CHEST",
    "manufacturer": "Tests",
}


def header_of(data: bytes) -> Header:
    return read_header(io.BytesIO(data))


def refusal_code(**facts: object) -> str | None:
    refusal = refusal_of_header(header_of(dicom_bytes(**facts)))
    return refusal.code if refusal else None


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_size_and_the_six_facts_are_read(syntax: UID) -> None:
    assert header_of(dicom_bytes(syntax=syntax)) == Header("DICOM", 320, 256, acquisition=CHILD)


def test_a_preamble_that_is_another_file_does_not_hide_the_dicom_file() -> None:
    program = b"MZ" + bytes(126)
    tiff = image_bytes("TIFF")[:128]
    assert {header_of(dicom_bytes(preamble=start)).format for start in (program, tiff)} == {"DICOM"}


@pytest.mark.parametrize(
    ("written", "years"),
    [("081Y", 81), ("81", 81), ("018M", 1.5), ("030M", 2), ("006W", 0.08), ("101Y", 90), ("old", None), ("", None)],
)
def test_an_age_is_kept_in_years_and_none_above_ninety(written: str, years: float | None) -> None:
    dataset = dataset_of()
    dataset.add_new(0x00101010, "LO", written)  # as some devices write it, against the standard
    assert header_of(encoded(dataset)).acquisition.get("age") == years


def test_without_an_age_it_is_reckoned_from_the_dates_which_are_not_kept() -> None:
    facts = {"PatientAge": "", "PatientBirthDate": "19800630", "StudyDate": "20200629"}
    acquisition = header_of(dicom_bytes(**facts)).acquisition
    assert acquisition["age"] == 39
    assert "1980" not in str(acquisition)


def test_a_view_is_known_from_its_code_too() -> None:
    code = Dataset()
    code.CodeMeaning = "Left lateral"
    assert header_of(dicom_bytes(ViewPosition="", ViewCodeSequence=Sequence([code]))).acquisition["view"] == "LATERAL"


def test_what_does_not_look_like_a_term_is_not_kept() -> None:
    dataset = dataset_of(PatientSex="")
    dataset.add_new(0x00180015, "LO", "Müller, Chest")
    assert {"sex", "body_part"} & header_of(encoded(dataset)).acquisition.keys() == set()


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "MG", "XA"])
def test_no_radiograph_is_refused(modality: str) -> None:
    assert refusal_code(Modality=modality) == "modality"


@pytest.mark.parametrize(
    "part",
    ["EXTREMITY", "RIBCAGE", "ABDOMEN", "THORACIC SPINE", "HAND", "C-SPINE", "HAND/WRIST", "LEFT LOWER EXTREMITY"],
)
def test_another_part_of_the_body_is_refused(part: str) -> None:
    assert refusal_code(BodyPartExamined=part) == "body_part"


@pytest.mark.parametrize("part", ["", "CHEST", "THORAX", "TORAX AP", "LUNG", "CHESTABDOMEN", "CHEST/RIBS", "UNKNOWN"])
@pytest.mark.parametrize("modality", ["CR", "DX", "DR"])
def test_a_chest_and_an_unknown_part_are_not_refused(modality: str, part: str) -> None:
    assert refusal_code(Modality=modality, BodyPartExamined=part) is None


def test_a_film_is_refused() -> None:
    assert refusal_code(pixels=np.stack([grey(), grey()]), NumberOfFrames=2) == "several_frames"


def test_a_picture_in_colour_is_refused() -> None:
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    dataset = dataset_of(**colour)
    dataset.PixelData = grey().tobytes() * 3
    refusal = refusal_of_header(header_of(encoded(dataset)))
    assert refusal is not None
    assert refusal.code == "colour"


@pytest.mark.parametrize(
    ("acquisition", "codes"),
    [
        ({"age": 17, "view": "AP"}, []),
        ({"age": 18, "view": "PA"}, ["adult"]),
        ({"view": "LL"}, ["not_frontal"]),
        ({"age": 40, "view": "LATERAL"}, ["adult", "not_frontal"]),
        ({}, []),
    ],
)
def test_adults_and_lateral_views_carry_a_warning(acquisition: dict[str, object], codes: list[str]) -> None:
    assert [caution.code for caution in cautions_of(acquisition)] == codes


@pytest.mark.parametrize("syntax", [*LOSSLESS.values()], ids=LOSSLESS.keys())
def test_every_cut_is_noticed(syntax: UID) -> None:
    data = dicom_bytes(syntax=syntax)
    for length in (140, 400, len(data) // 2, len(data) - 9):
        with pytest.raises(UnreadableImage, match=r"cut off|no pixels|damaged|encoded as nothing") as raised:
            header_of(data[:length])
        assert raised.value.detail.endswith((".", "again."))


def test_a_file_without_pixels_says_so() -> None:
    with pytest.raises(UnreadableImage, match="no pixels"):
        header_of(dicom_bytes(PixelData=None))


def test_a_length_that_leads_beyond_the_file_is_refused() -> None:
    data = dicom_bytes()
    place = data.index(b"Tests ") - 2
    with pytest.raises(UnreadableImage, match=r"cut off|damaged"):
        header_of(data[:place] + b"\xff\xff" + data[place + 2 :])


def test_a_header_that_claims_more_pixels_than_there_are_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="fewer pixels"):
        header_of(dicom_bytes(Rows=4000, Columns=4000))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
def test_a_length_of_the_pixels_that_leads_beyond_the_file_is_refused(syntax: UID) -> None:
    with pytest.raises(UnreadableImage, match="cut off"):
        header_of(dicom_with_a_lying_length(syntax))


def test_more_pixels_than_are_taken_are_refused() -> None:
    dataset = dataset_of(Rows=20_000, Columns=3_000)
    dataset.PixelData = bytes(60_000_000)
    with pytest.raises(TooManyPixels, match="million pixels"):
        header_of(encoded(dataset))


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless], ids=["JPEG 2000", "JPEG-LS"])
def test_compressed_pixels_of_another_size_than_the_headers_are_refused(syntax: UID) -> None:
    data = dicom_bytes(syntax=syntax)
    rows = data.index(struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 256))
    with pytest.raises(UnreadableImage, match="damaged"):
        header_of(data[: rows + 8] + struct.pack("<H", 128) + data[rows + 10 :])


def test_a_deflated_bomb_is_stopped_before_it_unfolds() -> None:
    whole = dicom_bytes(syntax=DeflatedExplicitVRLittleEndian)
    private = struct.pack("<HH2sHI", 0x0009, 0x1000, b"OB", 0, 400_000_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    meta_end = 144 + int.from_bytes(whole[140:144], "little")
    bomb = whole[:meta_end] + packer.compress(private) + packer.compress(bytes(100_000_000)) + packer.flush()
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(TooDemanding, match="unfolds"):
            header_of(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def nested(depth: int) -> bytes:
    """Build a private sequence of undefined length within one of undefined length, ``depth`` times."""
    opening = struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, reading.UNDEFINED)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, reading.UNDEFINED)
    closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return (opening + item) * depth + closing * depth


@pytest.mark.parametrize(("depth", "is_taken"), [(10, True), (17, False), (50_000, False)])
def test_sequences_nested_without_end_are_refused(depth: int, is_taken: bool) -> None:
    data = dicom_bytes(Modality=None, Manufacturer=None)
    place = data.index(struct.pack("<HH2s", 0x10, 0x10, b"PN"))
    data = data[:place] + nested(depth) + data[place:]
    if is_taken:
        assert header_of(data).format == "DICOM"
    else:
        with pytest.raises(UnreadableImage, match="nested"):
            header_of(data)


def test_a_header_of_very_many_entries_is_refused() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    many = struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, reading.UNDEFINED) + item * 30_000
    data = dicom_bytes(Modality=None, Manufacturer=None)
    place = data.index(struct.pack("<HH2s", 0x10, 0x10, b"PN"))
    with pytest.raises(UnreadableImage, match="more entries"):
        header_of(data[:place] + many + data[place:])


def test_an_attribute_that_comes_twice_is_refused() -> None:
    data = dicom_bytes()
    rows = struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 256)
    with pytest.raises(UnreadableImage, match="header is damaged"):
        header_of(data.replace(rows, rows + rows))


@pytest.mark.parametrize(("uid", "words"), [(b"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.2"), (b"<script>", "nothing")])
def test_an_encoding_that_is_not_read_is_named(uid: bytes, words: str) -> None:
    data = dicom_bytes()
    known = b"1.2.840.10008.1.2.1\0"
    with pytest.raises(UnsupportedFormat, match=re.escape(words)) as raised:
        header_of(data.replace(known, uid.ljust(len(known), b"\0")))
    assert "<" not in raised.value.detail


@pytest.mark.parametrize("facts", [{"BitsAllocated": 32}, {"BitsAllocated": 1, "BitsStored": 1}, {"BitsStored": 17}])
def test_depths_that_are_not_read_are_refused(facts: dict[str, int]) -> None:
    with pytest.raises(UnsupportedFormat, match="8 or 16"):
        header_of(dicom_bytes(**facts))


def test_whatever_is_broken_is_an_error_about_the_file() -> None:
    random = np.random.default_rng(1)
    for syntax in LOSSLESS.values():
        whole = np.frombuffer(dicom_bytes(grey(64, 64), syntax), np.uint8)
        for _ in range(30):
            broken = whole.copy()
            places = random.integers(128, len(whole), 12)
            broken[places] = random.integers(0, 256, len(places))
            with suppress(RadiographError):  # anything else that is raised fails the test
                assert read_radiograph(broken.tobytes()).shape == (224, 224)
