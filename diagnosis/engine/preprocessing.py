"""The one place where pixels are made, for training and for serving alike."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from diagnosis.engine.dicom.decoding import decode
from diagnosis.engine.errors import RadiographError, TooDemanding, UnreadableImage
from diagnosis.engine.header import Header, read_header
from diagnosis.engine.sentences import sentence

#: Raised by one whenever :func:`read_radiograph` makes other pixels of the same file. An artifact names the
#: version that it was trained with, and one that names another is refused.
VERSION = 1

SIDE = 224

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """What was decoded: grey values for the network, and what they no longer tell.

    ``colour`` is by how many grey levels the colours stray from one grey scale, which may be tinted: 0 is grey.
    """

    pixels: Pixels
    colour: float


def read_radiograph(data: bytes) -> Pixels:
    """Decode one image file to the pixels of :func:`read_picture`, and raise the same errors."""
    return read_picture(data).pixels


def read_picture(data: bytes) -> Picture:
    """Decode one image file to grey values, uint8 of shape (224, 224), 0 black to 255 white, and its colour.

    The whole picture is squeezed to a square with Pillow's antialiased bilinear filter; the aspect ratio is not
    kept, since the public training set was made in just this way. Transparency is laid on black, and a
    picture that was stored turned (its EXIF data say so) is turned upright.

    Raises the errors of :func:`read_grey`.
    """
    grey, colour = _decoded(data)
    return Picture(np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.uint8), colour)


def read_grey(data: bytes) -> Image.Image:
    """Decode one image file to mode L, upright and in full size.

    Raises the errors of :func:`diagnosis.engine.header.read_header`, and UnreadableImage where the decoder gives up.
    """
    return _decoded(data)[0]


def _decoded(data: bytes) -> tuple[Image.Image, float]:
    header = read_header(io.BytesIO(data))
    try:
        with _opened(data, header) as image:
            return _grey(image), _colour(image)
    except RadiographError:
        raise
    except MemoryError as error:
        # As an error of ours: re-raised by Celery in the parent, a MemoryError would end the whole worker.
        raise TooDemanding(sentence("The image takes more memory to decode than a radiograph may.")) from error
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise UnreadableImage(
            sentence(
                "The {format} file is damaged and could not be decoded. Export or copy it again.", format=header.format
            )
        ) from error


def _opened(data: bytes, header: Header) -> Image.Image:
    if header.format == "DICOM":
        return decode(data)
    return Image.open(io.BytesIO(data), formats=[header.format])


def _grey(image: Image.Image) -> Image.Image:
    """Return the image in mode L (8 bits, grey)."""
    # Pillow itself heeds white-is-zero for 8 bits, and not for more.
    is_white_zero = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0
    _turn_upright(image)
    if image.mode.startswith(("I", "F")):
        grey = _from_deep_grey(image)
        return ImageOps.invert(grey) if is_white_zero else grey
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "black"), rgba).convert("L")
    return image.convert("L")


#: The TIFF tag that says which end of the grey values is white.
_PHOTOMETRIC = 262


def _turn_upright(image: Image.Image) -> None:
    image.load()
    # Pillow turns the pixels first and then writes EXIF data anew, which fails where those hold odd values.
    with suppress(SyntaxError, ValueError, TypeError, KeyError, AttributeError, OSError, struct.error):
        ImageOps.exif_transpose(image, in_place=True)


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Map 16-bit grey to 8 bits by the darkest and brightest value: detectors use 10 to 15 of the 16 bits."""
    values = np.asarray(image, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _colour(image: Image.Image) -> float:
    """Return the root mean square of what a tint, which is smooth in brightness, leaves of the colour differences.

    Measured on a thumbnail of single pixels: that is cheap, and needs no more.
    """
    if image.mode.startswith(("L", "1", "I", "F")):
        return 0.0
    thumbnail = image.resize((128, 128), Image.Resampling.NEAREST).convert("RGB").reduce(4)
    rgb = np.asarray(thumbnail, dtype=np.float64).reshape(-1, 3)
    differences = rgb[:, (0, 2)] - rgb[:, 1:2]
    tint = np.vander(rgb.mean(axis=1) / 255, 3)
    rest = differences - tint @ np.linalg.lstsq(tint, differences, rcond=None)[0]
    return float(np.sqrt(np.mean(rest**2)))
