"""DICOM files that the tests draw, whole and broken ones."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.drawings import drawn

LOSSLESS = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}
_ENCODERS = {RLELossless: "pylibjpeg", JPEGLSLossless: "pyjpegls", JPEG2000Lossless: "pylibjpeg"}
PATIENT = "Mustermann^Erika"


def grey(width: int = 320, height: int = 256, seed: int = 1) -> NDArray[np.uint8]:
    return np.asarray(drawn(width, height, seed))


def dataset_of(pixels: Any = None, **facts: Any) -> Dataset:
    """Describe ``pixels`` (8 or 16 bits, grey) as a radiograph of a child; ``facts`` are attributes by keyword."""
    pixels = grey() if pixels is None else pixels
    bits = pixels.dtype.itemsize * 8
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, UID("1.2.3.4")
    dataset.PatientName, dataset.PatientAge, dataset.PatientSex = PATIENT, "004Y", "F"
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "AP"
    dataset.Manufacturer = "Tests"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for name, value in facts.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def encoded(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian, preamble: bytes = bytes(128)) -> bytes:
    dataset.file_meta = FileMetaDataset()
    native = syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
    dataset.file_meta.TransferSyntaxUID = syntax if native else ExplicitVRLittleEndian
    if plugin := _ENCODERS.get(syntax):
        dataset.compress(syntax, encoding_plugin=plugin)
    dataset.preamble = preamble
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def dicom_with_a_lying_length(syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Say of the pixels, with which the file ends, that they go on for 2 GB."""
    pixels = grey()
    data = dicom_bytes(pixels, syntax)
    place = len(data) - pixels.nbytes - 4
    assert int.from_bytes(data[place : place + 4], "little") == pixels.nbytes
    return data[:place] + (0x7FFFFFF0).to_bytes(4, "little") + data[place + 4 :]


def dicom_bytes(
    pixels: Any = None, syntax: Any = ExplicitVRLittleEndian, preamble: Any = bytes(128), **facts: Any
) -> bytes:
    return encoded(dataset_of(pixels, **facts), syntax, preamble)


def jpeg_lossless_bytes(folder: Path, pixels: Any = None, **facts: Any) -> bytes:
    """The same as lossless JPEG, which GDCM alone encodes, from file to file."""
    import gdcm

    plain, packed = str(folder / "plain.dcm.tmp"), folder / "packed.dcm.tmp"
    Path(plain).write_bytes(dicom_bytes(pixels, **facts))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(plain)
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(packed))
    assert writer.Write()
    return packed.read_bytes()


def without_its_table(jpeg_lossless: bytes) -> bytes:
    """Destroy the marker of the table of codes, over which GDCM stumbles in such a way that its process is ended."""
    start = jpeg_lossless.index(b"\xff\xc4", jpeg_lossless.index(b"\xff\xd8\xff\xc3"))
    return jpeg_lossless[:start] + b"\xff\0" + jpeg_lossless[start + 2 :]
