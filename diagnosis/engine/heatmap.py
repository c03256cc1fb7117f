"""The heat map: where on the radiograph the network found what speaks for pneumonia, as a picture to lay over it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Raised by one whenever the same map is drawn otherwise.
VERSION = 1

SIDE = 448

#: Log odds at which the colours end: 22,000 to 1. They start at even odds, log odds of 0.
HOTTEST = 10.0

#: Matplotlib's "inferno" (CC0) from 20 to 90 % in ten equal steps. Its lightness rises all the way, so it is read
#: alike with any colour vision, and in grey.
COLOURS = (
    (66, 10, 104),
    (95, 19, 110),
    (124, 29, 109),
    (151, 39, 102),
    (179, 50, 90),
    (204, 66, 72),
    (226, 87, 52),
    (241, 115, 29),
    (250, 146, 7),
    (252, 180, 24),
    (246, 215, 70),
)

#: Heat from which on a colour is laid on in full; below, it fades out.
OPAQUE_FROM = 0.4

Floats = NDArray[np.float32]
Map = Sequence[Sequence[float]]


def heatmap_png(activation_map: Map, slope: float, intercept: float) -> bytes:
    """Draw the map as a square PNG with transparency, to be stretched over the whole radiograph.

    Each value of the map, a logit, is calibrated as the network's answer itself is: ``slope * value + intercept`` are
    the log odds of pneumonia that this patch of the image would get alone. Log odds from 0 to :data:`HOTTEST` run
    through :data:`COLOURS`, on this same scale for every image and version, so two maps can be compared. What is
    under 0 speaks against pneumonia and stays clear. Between the patches' centres values are interpolated (bicubic).
    """
    buffer = io.BytesIO()
    Image.fromarray(_coloured(_heat(activation_map, slope, intercept))).save(buffer, "PNG")
    return buffer.getvalue()


def _heat(activation_map: Map, slope: float, intercept: float) -> Floats:
    """Return heat from 0 to 1, of shape (SIDE, SIDE)."""
    log_odds = np.asarray(activation_map, dtype=np.float32) * slope + intercept
    # Before it is enlarged: what lies beyond the scale must not spill over to its neighbours.
    heat = Image.fromarray(np.clip(log_odds / HOTTEST, 0, 1).astype(np.float32))
    enlarged = heat.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    clipped: Floats = np.clip(np.asarray(enlarged), 0, 1)
    return clipped


def _coloured(heat: Floats) -> NDArray[np.uint8]:
    steps = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(heat, steps, [colour[channel] for colour in COLOURS]) for channel in range(3)]
    alpha = np.clip(heat / OPAQUE_FROM, 0, 1) * 255
    pixels: NDArray[np.uint8] = np.rint(np.stack([*channels, alpha], axis=-1)).astype(np.uint8)
    return pixels
