"""A chest radiograph that shows nobody: drawn by plain arithmetic, and marked as a drawing in the picture itself."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FILE = Path(__file__).with_suffix(".png")
WIDTH, HEIGHT = 700, 600
MARK = "DRAWING,\nNOT A PATIENT"

Floats = NDArray[np.float64]

# The picture is 1.17 wide and 1 high, with the origin at the top and x = 0 on the spine.
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] / float(HEIGHT)
X = X - WIDTH / HEIGHT / 2


def sample_png() -> bytes:
    """Return the drawing as :func:`draw_sample` made it: drawing takes seconds, so its file ships."""
    return FILE.read_bytes()


@cache
def sample_sha256() -> str:
    return hashlib.sha256(sample_png()).hexdigest()


def draw_sample() -> Image.Image:
    """Draw what weakens X-rays, layer upon layer, as film shows it: bone bright, air dark."""
    body = _soft(0.50 + 0.05 * Y + 0.5 * np.clip(0.30 - Y, 0, 1) - np.abs(X), 0.14)
    lungs = _lung(-1) + _lung(1)
    belly = _soft(Y - _dome(), 0.03) * _soft(_cage() - np.abs(X), 0.04)
    thickness = 0.06 + body * (0.42 - 0.35 * np.abs(X) + 0.26 * _soft(0.16 - Y, 0.2) * _soft(0.18 - np.abs(X), 0.2))
    thickness += 0.15 * belly - 0.17 * lungs * (1 + 0.16 * _cloud(3)) + 0.07 * _vessels() * lungs
    thickness += 0.12 * _heart() + 0.09 * _spine() - 0.05 * _soft(0.020 - np.abs(X), 0.02) * _soft(0.30 - Y, 0.05)
    thickness += 0.05 * _ribs() + 0.10 * _rim() + 0.10 * _collarbones() + 0.008 * _cloud(7)
    thickness += 0.005 * _cloud(9, 120) * body
    grain = np.random.default_rng(20).normal(0, 0.006, (HEIGHT, WIDTH))
    grey = np.clip(255 * (1.28 * (thickness + grain) - 0.03), 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey).filter(ImageFilter.GaussianBlur(0.8))
    ImageDraw.Draw(picture).text((14, 12), MARK, fill=240, font=ImageFont.load_default(22))
    return picture


def _soft(inside: Floats, width: float) -> Floats:
    """Return 1 where ``inside`` is positive and 0 where it is negative, with an edge of this width."""
    edge: Floats = 1 / (1 + np.exp(-np.clip(4 * inside / width, -40, 40)))
    return edge


def _oval(x: float, y: float, width: float, height: float, lean: float = 0.0) -> Floats:
    """Return the distance from a centre, in radii: 1 on the rim."""
    distance: Floats = np.hypot((X - x - lean * (Y - y)) / width, (Y - y) / height)
    return distance


def _cage() -> Floats:
    """Return half the width of the rib cage, which grows from the top to the lowest ribs."""
    reach: Floats = 0.435 * np.sqrt(np.clip(1 - ((0.90 - np.clip(Y, 0, 0.9)) / 0.73) ** 2, 0, 1))
    return reach


def _dome() -> Floats:
    """Return how far down the diaphragm lies: two domes, the right one, which is on the left here, the higher."""
    top = 0.70 + 0.015 * np.tanh(X / 0.06)
    dome: Floats = top + 1.5 * np.clip(np.abs(X) - 0.17, 0, 1) ** 2 + 1.2 * np.clip(0.17 - np.abs(X), 0, 1) ** 2
    return dome


def _lung(side: int) -> Floats:
    """Draw the field of one lung, between the middle, the rib cage and the diaphragm."""
    inner = 0.085 + (0.10 * np.clip((Y - 0.35) / 0.3, 0, 1) if side > 0 else 0.02)
    lung = _soft(side * X - inner, 0.05) * _soft(_cage() - 0.02 - side * X, 0.05) * _soft(_dome() - Y, 0.04)
    lung *= _soft(Y - 0.19, 0.06)
    return lung


def _heart() -> Floats:
    heart = _soft(1 - _oval(0.06, 0.62, 0.15, 0.19, 0.25), 0.35)
    vessels = 0.7 * _soft(1 - _oval(0.0, 0.42, 0.08, 0.24), 0.4)
    both: Floats = np.maximum(heart, vessels)
    return both


def _spine() -> Floats:
    bones: Floats = 0.85 + 0.15 * np.cos(2 * np.pi * Y * 21)
    return _soft(0.055 - np.abs(X), 0.03) * bones


def _rim() -> Floats:
    """Draw the side wall of the cage, which the rays pass lengthwise."""
    ribs: Floats = 0.8 + 0.2 * np.cos(Y * 95)
    return ribs * _soft(0.014 - np.abs(np.abs(X) - _cage()), 0.02) * _soft(Y - 0.24, 0.06)


def _ribs() -> Floats:
    ribs: Floats = np.zeros_like(X)
    across = np.clip(np.abs(X) / np.maximum(_cage(), 0.02), 0, 1.3)
    for number in range(9):
        behind = 0.19 + 0.061 * number + (0.03 + 0.008 * number) * across**2 - 0.02 * np.sin(np.pi * across)
        front = 0.30 + 0.075 * number + 0.09 * (1 - across)
        ribs += _soft(0.012 - np.abs(Y - behind), 0.016) * _soft(1.0 - across, 0.05) * _soft(across - 0.15, 0.2)
        ribs += 0.4 * _soft(0.012 - np.abs(Y - front), 0.016) * _soft(across - 0.5, 0.2) * _soft(1 - across, 0.05)
    return ribs


def _collarbones() -> Floats:
    line = 0.185 - 0.05 * np.sin(np.clip(np.abs(X) / 0.34, 0, 1) * np.pi) - 0.06 * np.abs(X)
    return _soft(0.016 - np.abs(Y - line), 0.014) * _soft(0.38 - np.abs(X), 0.06) * _soft(np.abs(X) - 0.05, 0.03)


def _vessels() -> Floats:
    """Draw the vessels that spread from the root of each lung."""
    vessels: Floats = np.zeros_like(X)
    for side in (-1, 1):
        dx, dy = X - side * 0.09, Y - 0.46
        away, angle = np.hypot(dx, dy), np.arctan2(dy, side * dx)
        for number, towards in enumerate(np.linspace(-1.25, 1.35, 11)):
            bend = towards + 0.12 * np.sin(9 * away + 2 * number)
            width = np.clip(0.011 - 0.02 * away, 0.003, None)
            vessels += np.exp(-(((angle - bend) * away / width) ** 2) - away / 0.17)
        vessels += 0.4 * np.exp(-((away / 0.09) ** 2))
    return vessels


def _cloud(seed: int, spots: int = 24) -> Floats:
    """Return smooth noise with mean 0, a deviation of about 1 and so many spots from top to bottom."""
    coarse = np.random.default_rng(seed).normal(0, 1, (spots, spots * 7 // 6)).astype(np.float32)
    fine = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(fine, dtype=np.float64)


if __name__ == "__main__":
    draw_sample().save(FILE, optimize=True)
