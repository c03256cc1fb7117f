"""Drawings that every network must answer as it did when it was exported."""

from __future__ import annotations

import numpy as np

from diagnosis.engine.preprocessing import SIDE, Pixels

SEEDS = (1, 2, 3, 4)


def draw_probe(seed: int) -> Pixels:
    """Draw a chest-like picture, uint8 of shape (224, 224): two dark lungs, ribs and ``seed`` bright patches.

    Plain arithmetic and no random generator, so that every platform draws the same pixels.
    """
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    picture = 170 - 0.2 * np.abs(x - SIDE / 2)
    for centre in (SIDE * 0.3, SIDE * 0.7):
        lung = ((x - centre) / 42) ** 2 + ((y - 112) / 80) ** 2
        picture -= 110 * np.clip(1.4 - lung, 0, 1)
    picture += 12 * (((y + 0.1 * np.abs(x - SIDE / 2)) // 9) % 2)
    for patch in range(seed):
        px, py = 50 + (patch * 73 + seed * 31) % 124, 70 + (patch * 41 + seed * 17) % 90
        picture += 70 * np.clip(1.2 - ((x - px) ** 2 + (y - py) ** 2) / 500, 0, 1)
    pixels: Pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return pixels
