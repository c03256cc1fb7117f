"""The pixels of a DICOM file. Only here are the decoders loaded: a process that decodes nothing does without them."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diagnosis.engine.dicom import description as d
from diagnosis.engine.dicom.codestream import frame_of
from diagnosis.engine.dicom.description import Description, open_dicom, pixel_pieces
from diagnosis.engine.dicom.display import grey_of
from diagnosis.engine.dicom.gdcm_process import decode_apart
from diagnosis.engine.errors import UnsupportedFormat
from diagnosis.engine.sentences import sentence

#: One decoder each, and never another one after it has failed: each would be one more to be attacked.
_PLUGINS = {
    d.RLE: "pylibjpeg",
    d.JPEG_BASELINE: "pillow",
    d.JPEG_EXTENDED: "pillow",
    **dict.fromkeys(d.JPEG_LOSSLESS, "gdcm"),
    **dict.fromkeys(d.JPEG_LS, "pyjpegls" if find_spec("jpeg_ls") else "gdcm"),
    **dict.fromkeys(d.JPEG_2000, "pylibjpeg"),
}


def decode(data: bytes) -> Image.Image:
    """Return the picture in grey (mode L) as a viewer would show it. Decoders may raise anything."""
    description, source = open_dicom(io.BytesIO(data))
    if description.is_colour or description.frames > 1:
        raise UnsupportedFormat(
            sentence("The DICOM file holds a film or a picture in colour. Send one grey radiograph a file.")
        )
    pixels = b"".join(piece for piece in pixel_pieces(description, source) if piece)
    words = _decompressed(pixels, description) if description.is_compressed else _words(pixels, description)
    return Image.fromarray(grey_of(words, description))


def _words(pixels: bytes, description: Description) -> NDArray[np.unsignedinteger]:
    kind = "<u2" if description.allocated == 16 else "u1"
    return np.frombuffer(pixels, kind).reshape(description.rows, description.columns)


def _decompressed(pixels: bytes, description: Description) -> NDArray[np.unsignedinteger]:
    if _PLUGINS[description.syntax] == "gdcm":
        return _decompressed_apart(pixels, description)
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    options: dict[str, Any] = {
        "rows": description.rows,
        "columns": description.columns,
        "samples_per_pixel": 1,
        "number_of_frames": 1,
        "photometric_interpretation": description.text(d.PHOTOMETRIC),
        "bits_allocated": description.allocated,
        "bits_stored": description.stored,
        "pixel_representation": int(description.is_signed),
        "pixel_keyword": "PixelData",
        "decoding_plugin": _PLUGINS[description.syntax],
    }
    decoder = get_decoder(UID(description.syntax))
    try:
        array, _ = decoder.as_array(encapsulate([pixels]), index=0, raw=True, **options)
    except BaseException as error:
        # pylibjpeg-rle is written in Rust, whose panic is no Exception and ends the process that does not look for it.
        if type(error).__name__ == "PanicException":
            raise ValueError("the run-length encoding is damaged") from error
        raise
    return array.reshape(description.rows, description.columns).view(f"u{description.allocated // 8}")


def _decompressed_apart(pixels: bytes, description: Description) -> NDArray[np.unsignedinteger]:
    allocated, stored = description.allocated, description.stored
    if description.syntax in d.JPEG_LS:  # which GDCM decodes to words of the size that they themselves need
        stored = frame_of(pixels, description.syntax).bits
        allocated = 8 if stored <= 8 else 16
    shape = description.rows, description.columns
    words = decode_apart(pixels, description.syntax, shape, (allocated, stored, description.is_signed))
    return np.frombuffer(words, "<u2" if allocated == 16 else "u1").reshape(shape)


def load_decoders() -> None:
    """Import them before the first file needs them: under load this takes seconds, and an answer is waited for."""
    import pydicom.encaps
    import pydicom.pixels.decoders  # noqa: F401
