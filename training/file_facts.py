"""What can be read off an image file without a look at the lungs: from its header, and from its picture as a whole."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from diagnosis.engine.header import read_header
from diagnosis.engine.preprocessing import Pixels


@dataclass(frozen=True)
class FileFacts:
    """``table`` is the sum of a JPEG's quantisation table for brightness: small is fine, 0 is a file without one."""

    sha256: str
    size: int
    format: str
    width: int
    height: int
    table: int

    @property
    def encoding(self) -> str:
        return f"{self.format} quality {_quality(self.table)}" if self.table else self.format


def read_file_facts(path: Path) -> FileFacts:
    """Read the header of an image file and hash it; nothing is decoded. Raises RadiographError or OSError."""
    data = path.read_bytes()
    header = read_header(io.BytesIO(data))
    with Image.open(io.BytesIO(data), formats=[header.format]) as image:
        tables = getattr(image, "quantization", {})
    table = sum(tables[min(tables)]) if tables else 0
    return FileFacts(
        hashlib.sha256(data).hexdigest(), len(data), header.format, header.width, header.height, int(table)
    )


#: Measures of a file, by the name that people read.
FILE_MEASURES: dict[str, Callable[[FileFacts], float]] = {
    "quantisation table": lambda facts: facts.table,
    "bytes a pixel": lambda facts: facts.size / (facts.width * facts.height),
    "width": lambda facts: facts.width,
    "height": lambda facts: facts.height,
    "shortest side": lambda facts: min(facts.width, facts.height),
    "aspect ratio": lambda facts: facts.width / facts.height,
}


def mean_grey(pixels: Pixels) -> float:
    return float(pixels.mean())


def fine_detail(pixels: Pixels) -> float:
    """Return the high-frequency energy: the mean square of the Laplacian, as a logarithm to show it by."""
    grey = pixels.astype(np.int16)
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return math.log10(1 + float(np.square(edges, dtype=np.float32).mean()))


#: Measures of a picture as :func:`diagnosis.engine.preprocessing.read_radiograph` makes it, the one the network sees.
PICTURE_MEASURES: dict[str, Callable[[Pixels], float]] = {
    "mean grey": mean_grey,
    "high-frequency energy": fine_detail,
}

# The table for brightness that nearly all encoders scale by a quality of 1 to 100 (ITU-T T.81, annex K).
# fmt: off
_STANDARD = np.array(
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
)
# fmt: on


def _sum_at(quality: int) -> int:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return int(np.clip((_STANDARD * scale + 50) // 100, 1, 255).sum())


_SUMS = np.array([_sum_at(quality) for quality in range(1, 101)])


def _quality(table: int) -> int:
    """Return the quality, 1 to 100, at which the standard table has the sum nearest to ``table``."""
    return int(np.abs(_SUMS - table).argmin()) + 1
