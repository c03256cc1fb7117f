"""From stored values to grey: modality LUT, then VOI LUT or window, then MONOCHROME1, in this one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.dicom import description as d
from diagnosis.engine.dicom.description import Description
from diagnosis.engine.dicom.reading import Values

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

#: Rows that are looked up at once: numpy makes an index of 8 bytes of each pixel.
_BLOCK = 256


def grey_of(words: NDArray[np.unsignedinteger], description: Description) -> Grey:
    """Return uint8 grey values, 0 black to 255 white, of stored words of 8 or 16 bits.

    In this order: the unused bits are dropped and the sign is heeded; the modality LUT or the rescale slope and
    intercept; the VOI LUT, or else the first window (linear, linear exact or sigmoid); MONOCHROME1 is inverted.
    Without LUT and window 8 bits are taken as they are, and more bits are spread between the darkest and the
    brightest value of the picture, padding left aside, as :mod:`diagnosis.engine.preprocessing` does it.
    """
    stored = _stored_values(description)
    values = _after_modality(stored, description)
    shown = _after_voi(values, description)
    if shown is None and description.stored == 8 and np.array_equal(values, stored) and stored.min() >= 0:
        shown = values
    if shown is None:
        shown = _spread(values, _present(words, description))
    if description.text(d.PHOTOMETRIC) == "MONOCHROME1":
        shown = 255 - shown
    table = np.floor(np.clip(shown, 0, 255) + 0.5).astype(np.uint8)
    return _look_up(words, table)


def _stored_values(description: Description) -> Floats:
    """Return the value that each word stands for: some devices keep other things in the unused bits."""
    words = np.arange(1 << description.allocated)
    high_bit = description.number(d.HIGH_BIT, description.stored - 1)
    shift = max(0, min(high_bit, description.allocated - 1) + 1 - description.stored)
    values = words >> shift & (1 << description.stored) - 1
    if description.is_signed:
        values = values - ((values >> description.stored - 1) << description.stored)
    return values.astype(np.float64)


def _after_modality(values: Floats, description: Description) -> Floats:
    if table := _table_of(description.tables.get(d.MODALITY_LUT, {}), description):
        entries, first, _ = table
        return entries[np.clip(values - first, 0, len(entries) - 1).astype(np.intp)]
    slope, intercept = description.decimal(d.SLOPE), description.decimal(d.INTERCEPT)
    return values * (slope or 1.0) + (intercept or 0.0)


def _after_voi(values: Floats, description: Description) -> Floats | None:
    """Return the values as grey of 0 to 255; None where the file says nothing of how to show them."""
    if table := _table_of(description.tables.get(d.VOI_LUT, {}), description):
        entries, first, brightest = table
        places = np.clip(np.floor(values + 0.5) - first, 0, len(entries) - 1).astype(np.intp)
        grey: Floats = entries[places] * (255 / brightest)
        return grey
    center, width = description.decimal(d.CENTER), description.decimal(d.WIDTH)
    if center is None or width is None or width <= 0:
        return None
    return _windowed(values, center, width, description.text(d.VOI_FUNCTION))


def _windowed(values: Floats, center: float, width: float, function: str) -> Floats | None:
    """Apply a window as PS3.3, C.11.2.1.2 and C.11.2.1.3 define it, with an output of 0 to 255."""
    if function == "SIGMOID":
        steepness: Floats = np.clip(-4 * (values - center) / width, -60, 60)
        sigmoid: Floats = 255 / (1 + np.exp(steepness))
        return sigmoid
    if function == "LINEAR_EXACT":
        return np.clip(((values - center) / width + 0.5) * 255, 0, 255)
    if width < 1:
        return None
    above = values > center - 0.5 + (width - 1) / 2
    inside = ((values - (center - 0.5)) / max(width - 1, 1e-9) + 0.5) * 255
    return np.where(above, 255.0, np.clip(inside, 0, 255) if width > 1 else 0.0)


def _spread(values: Floats, present: NDArray[np.bool_]) -> Floats:
    low, high = float(values[present].min()), float(values[present].max())
    return (values - low) * 255 / (high - low) if high > low else np.zeros_like(values)


def _present(words: NDArray[np.unsignedinteger], description: Description) -> NDArray[np.bool_]:
    """Return which words the picture holds, without the one that pads it (unless it holds no other)."""
    present = np.zeros(1 << description.allocated, dtype=bool)
    for start in range(0, len(words), _BLOCK):
        present[words[start : start + _BLOCK]] = True
    padding = description.number(d.PADDING, -1)
    if 0 <= padding < len(present) and present.sum() > 1:
        present[padding] = False
    return present


def _look_up(words: NDArray[np.unsignedinteger], table: Grey) -> Grey:
    grey = np.empty(words.shape, dtype=np.uint8)
    for start in range(0, len(words), _BLOCK):
        grey[start : start + _BLOCK] = table[words[start : start + _BLOCK]]
    return grey


def _table_of(values: Values, description: Description) -> tuple[Floats, int, int] | None:
    """Return a LUT's entries, the value that the first one is for, and the brightest output; None without one."""
    descriptor, data = values.get(d.LUT_DESCRIPTOR, b""), values.get(d.LUT_DATA, b"")
    if len(descriptor) != 6 or not data:
        return None
    length, first, bits = np.frombuffer(descriptor, "<u2").tolist()
    length = length or 65536
    if description.is_signed and first >= 32768:
        first -= 65536
    if len(data) < length or not 8 <= bits <= 16:
        return None
    entries = np.frombuffer(data, "<u2" if len(data) >= 2 * length else "u1", length)
    return entries.astype(np.float64), first, (1 << bits) - 1
