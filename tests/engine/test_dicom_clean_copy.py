"""What is stored of a DICOM file: nothing that tells who the patient is, and all that the answer needs."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from pydicom import DataElement, Dataset, Sequence, dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from diagnosis.engine.dicom.clean_copy import write_clean_copy
from diagnosis.engine.header import read_header
from diagnosis.engine.preprocessing import read_radiograph
from tests.dicoms import LOSSLESS, PATIENT, dataset_of, dicom_bytes, encoded, grey

SECRET = b"Mustermann"


def clean(data: bytes) -> bytes:
    copy = io.BytesIO()
    write_clean_copy(io.BytesIO(data), copy)
    return copy.getvalue()


def telling_dataset() -> Dataset:
    """Describe a radiograph with the patient's name wherever a name can be."""
    inner = Dataset()
    inner.PatientName, inner.PersonName = PATIENT, PATIENT
    dataset = dataset_of(
        PatientID=PATIENT,
        PatientComments=f"{PATIENT} coughs",
        StudyDescription=PATIENT,
        StudyInstanceUID="1.2.3.4.5",
        WindowCenterWidthExplanation=PATIENT,
        WindowCenter="128",
        WindowWidth="256",
        ReferringPhysicianName=PATIENT,
        RequestAttributesSequence=Sequence([inner]),
        ModalityLUTSequence=Sequence([]),
    )
    block = dataset.private_block(0x0009, "ACME", create=True)
    block.add_new(0x01, "LO", PATIENT)
    block.add_new(0x02, "OB", PATIENT.encode())
    block.add_new(0x03, "SQ", Sequence([inner]))
    dataset.add_new(0x60003000, "OW", PATIENT.encode())  # an overlay
    dataset.add_new(0xFFFCFFFC, "OB", PATIENT.encode())  # behind the pixels
    return dataset


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_the_patients_name_is_nowhere_in_the_copy(syntax: UID) -> None:
    original = encoded(telling_dataset(), syntax, preamble=PATIENT.encode().ljust(128, b"\0")) + PATIENT.encode()
    copy = clean(original)
    assert SECRET in original
    assert SECRET not in copy
    assert b"1.2.3.4" not in copy
    if syntax == DeflatedExplicitVRLittleEndian:
        start = 144 + int.from_bytes(copy[140:144], "little")
        assert SECRET not in zlib.decompress(copy[start:], -15)
    assert copy[:132] == bytes(128) + b"DICM"


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
@pytest.mark.parametrize("width", [320, 321])
def test_the_copy_is_valid_and_says_and_shows_the_same(syntax: UID, width: int) -> None:
    original = dicom_bytes(grey(width, 255), syntax, PixelPaddingValue=0)
    copy = clean(original)
    assert read_header(io.BytesIO(copy)) == read_header(io.BytesIO(original))
    np.testing.assert_array_equal(read_radiograph(copy), read_radiograph(original))
    dataset = dcmread(io.BytesIO(copy))  # by another program than the one that wrote it
    assert (dataset.PatientName, dataset.PatientID, dataset.PatientIdentityRemoved) == ("", "", "YES")
    assert (dataset.PatientAge, dataset.PatientSex, dataset.Modality) == ("004Y", "F", "DX")
    np.testing.assert_array_equal(dataset.pixel_array, grey(width, 255))


def test_a_copy_of_the_copy_says_the_same() -> None:
    once = clean(dicom_bytes(PatientAge="019M"))
    assert read_header(io.BytesIO(clean(once))) == read_header(io.BytesIO(once))


def test_tables_and_windows_come_along() -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData, item.LUTExplanation = [256, 0, 8], bytes(range(255, -1, -1)) * 2, PATIENT
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    for facts in ({"VOILUTSequence": Sequence([item])}, {"WindowCenter": "90.5", "WindowWidth": "33"}):
        original = dicom_bytes(**facts)
        copy = clean(original)
        assert SECRET not in copy
        np.testing.assert_array_equal(read_radiograph(copy), read_radiograph(original))


def test_each_copy_has_identifiers_of_its_own() -> None:
    first, second = (dcmread(io.BytesIO(clean(dicom_bytes()))) for _ in range(2))
    for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert first[name].value != second[name].value


def test_an_attribute_without_a_value_stays_without_one() -> None:
    pixels = grey().astype(np.uint16) * 9
    pixels[:5] = 0
    for name in ("PixelPaddingValue", "BitsStored", "HighBit", "SamplesPerPixel", "PixelRepresentation"):
        original = encoded(without_value(dataset_of(pixels), name))
        copy = clean(original)
        assert read_header(io.BytesIO(copy)) == read_header(io.BytesIO(original)), name
        np.testing.assert_array_equal(read_radiograph(copy), read_radiograph(original), name)


def without_value(dataset: Dataset, name: str) -> Dataset:
    """Keep the attribute, with a length of 0."""
    dataset[name] = DataElement(name, "US", None)
    return dataset


def commented(syntax: UID, marker: bytes) -> tuple[bytes, bytes]:
    """Compress, and return the pixels up to where a comment may stand, with the comment, and the rest."""
    dataset = dataset_of()
    encoded(dataset, syntax)  # which compresses it
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    place = 4 + int.from_bytes(frame[4:6], "big")  # behind the size, which JPEG 2000 wants first of all
    return frame[:place] + marker + struct.pack(">H", len(PATIENT) + 2) + PATIENT.encode(), frame[place:]


def in_fragments(syntax: UID, *fragments: bytes) -> bytes:
    dataset = dataset_of()
    encoded(dataset, syntax)
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(each)) + each for each in (b"", *fragments))
    dataset.PixelData = items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


COMMENTS = pytest.mark.parametrize(
    ("syntax", "marker"),
    [(JPEGLSLossless, b"\xff\xfe"), (JPEG2000Lossless, b"\xff\x64")],
    ids=["JPEG-LS", "JPEG 2000"],
)


@COMMENTS
def test_comments_within_the_compressed_pixels_are_dropped(syntax: UID, marker: bytes) -> None:
    head, rest = commented(syntax, marker)
    original = in_fragments(syntax, head + rest)
    copy = clean(original)
    assert SECRET in original
    assert SECRET not in copy
    np.testing.assert_array_equal(read_radiograph(copy), read_radiograph(dicom_bytes()))


@COMMENTS
def test_comments_in_a_later_fragment_and_behind_the_image_are_dropped(syntax: UID, marker: bytes) -> None:
    head, rest = commented(syntax, marker)
    start = len(head) - len(PATIENT) - 4
    start -= start % 2
    behind = PATIENT.encode() * 2
    original = in_fragments(syntax, head[:start], head[start:] + rest + b"\0" * (len(head + rest) % 2), behind)
    copy = clean(original)
    assert original.count(SECRET) == 4  # and in the header
    assert SECRET not in copy
    np.testing.assert_array_equal(read_radiograph(copy), read_radiograph(dicom_bytes()))
