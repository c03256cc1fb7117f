"""A chest radiograph that shows nobody: drawn by plain arithmetic, and marked as a drawing in the picture itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FILE = Path(__file__).with_suffix(".png")
WIDTH, HEIGHT = 700, 600
MARK = "DRAWING, NOT A PATIENT"

Floats = NDArray[np.float64]

# The picture is 1.17 wide and 1 high, with the origin at the top and x = 0 on the spine.
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] / float(HEIGHT)
X = X - WIDTH / HEIGHT / 2


def sample_png() -> bytes:
    """Return the drawing as :func:`draw_sample` made it: drawing takes seconds, so its file ships."""
    return FILE.read_bytes()


def draw_sample() -> Image.Image:
    """Draw what weakens X-rays, layer upon layer, as film shows it: bone bright, air dark."""
    body = _soft(1 - _oval(0, 0.70, 0.50, 0.72) ** 2.2, 0.10) + _soft(1 - _oval(0, 0.02, 0.62, 0.22) ** 3, 0.25)
    body = np.clip(body + _soft(1 - _oval(0, 0.0, 0.15, 0.30), 0.05), 0, 1)
    lungs = np.clip(_lung(-1) + _lung(1), 0, 1)
    thickness = 0.62 * np.clip(body, 0, 1)
    thickness -= 0.40 * lungs * (0.9 + 0.1 * _cloud(3))
    thickness += 0.13 * _vessels() * lungs
    thickness += 0.22 * _heart() + 0.16 * _soft(0.035 - np.abs(X), 0.012) * (0.9 + 0.1 * np.cos(2 * np.pi * Y * 19))
    thickness -= 0.13 * _soft(0.016 - np.abs(X), 0.008) * _soft(0.33 - Y, 0.03)
    thickness += 0.085 * _ribs() * np.clip(body, 0, 1) + 0.15 * _collarbones()
    thickness += 0.015 * _cloud(7)
    grain = np.random.default_rng(20).normal(0, 0.008, (HEIGHT, WIDTH))
    grey = np.clip(255 * np.clip(thickness + grain, 0, 1) ** 0.9 * 1.12, 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey).filter(ImageFilter.GaussianBlur(0.8))
    ImageDraw.Draw(picture).text((18, HEIGHT - 42), MARK, fill=235, font=ImageFont.load_default(28))
    return picture


def _soft(inside: Floats, width: float) -> Floats:
    """Return 1 where ``inside`` is positive and 0 where it is negative, with an edge of this width."""
    edge: Floats = 1 / (1 + np.exp(-np.clip(4 * inside / width, -40, 40)))
    return edge


def _oval(x: float, y: float, width: float, height: float, lean: float = 0.0) -> Floats:
    """Return the distance from a centre, in radii: 1 on the rim."""
    distance: Floats = np.hypot((X - x - lean * (Y - y)) / width, (Y - y) / height)
    return distance


def _lung(side: int) -> Floats:
    """Draw the field of one lung: narrow at the top, cut off by the dome of the diaphragm and by the heart."""
    width = 0.165 if side < 0 else 0.15
    field = _soft(1 - _oval(side * 0.215, 0.52, width, 0.40, side * 0.17) ** 1.4, 0.10)
    dome = 0.80 + (0.03 if side > 0 else 0.0)
    return field * _soft(dome - 0.06 - Y + 1.6 * (X - side * 0.2) ** 2 * -1 + 0.06, 0.02)


def _heart() -> Floats:
    heart = _soft(1 - _oval(0.065, 0.66, 0.135, 0.165, 0.25), 0.10)
    return np.maximum(heart, 0.7 * _soft(1 - _oval(0.0, 0.42, 0.06, 0.2), 0.2))


def _ribs() -> Floats:
    ribs = np.zeros_like(X)
    for number in range(9):
        top = 0.10 + 0.082 * number
        reach = 0.22 + 0.03 * min(number, 6)
        across = np.clip(np.abs(X) / reach, 0, 1.4)
        behind = top + 0.11 * across**2 - 0.03 * np.sin(np.pi * across)
        front = top + 0.20 + 0.10 * (1 - across)
        ribs += _soft(0.013 - np.abs(Y - behind), 0.008) * _soft(1.03 - across, 0.05)
        ribs += 0.5 * _soft(0.012 - np.abs(Y - front), 0.010) * _soft(across - 0.45, 0.1) * _soft(1.0 - across, 0.05)
    return ribs


def _collarbones() -> Floats:
    line = 0.165 - 0.05 * np.sin(np.clip(np.abs(X) / 0.36, 0, 1) * np.pi) - 0.08 * np.abs(X)
    return _soft(0.014 - np.abs(Y - line), 0.008) * _soft(0.40 - np.abs(X), 0.02) * _soft(np.abs(X) - 0.035, 0.015)


def _vessels() -> Floats:
    """Draw the vessels that spread from the root of each lung."""
    vessels = np.zeros_like(X)
    for side in (-1, 1):
        dx, dy = X - side * 0.075, Y - 0.47
        away, angle = np.hypot(dx, dy), np.arctan2(dy, side * dx)
        for number, towards in enumerate(np.linspace(-1.25, 1.35, 11)):
            bend = towards + 0.12 * np.sin(9 * away + 2 * number)
            vessels += np.exp(-(((angle - bend) * away / (0.011 - 0.02 * away).clip(0.003)) ** 2)) * np.exp(
                -away / 0.17
            )
        vessels += 0.5 * np.exp(-((away / 0.07) ** 2))
    return vessels


def _cloud(seed: int) -> Floats:
    """Return smooth noise with mean 0 and a deviation of about 1."""
    coarse = np.random.default_rng(seed).normal(0, 1, (24, 28)).astype(np.float32)
    fine = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(fine, dtype=np.float64)


if __name__ == "__main__":
    draw_sample().save(FILE, optimize=True)
