"""Drawn pictures that are no chest radiographs: documents, patterns, and what X-rays of other body parts look like.

Real ones of each kind are better and never at hand in every kind; these need no data, cost nothing and always exist.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from diagnosis.engine.preprocessing import SIDE, Pixels

Random = np.random.Generator
Floats = NDArray[np.float64]

Y, X = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1.0)


def draw(kind: str, seed: int) -> Pixels:
    """Draw a picture, uint8 (224, 224), of a kind in :data:`KINDS`; the same seed draws the same pixels."""
    random = np.random.default_rng([sorted(KINDS).index(kind), seed])
    picture = KINDS[kind](random)
    if random.random() < 0.25:  # a label or a mark, as scanners and detectors write
        picture = np.maximum(picture, _text_block(random, lines=3, ink=255, x=random.uniform(0, 150)))
    pixels: Pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return pixels


def _cloud(random: Random, slope: float) -> Floats:
    """Return noise between 0 and 1 whose spectrum falls with frequency to the power ``slope``."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.standard_normal((SIDE, SIDE))) / frequency**slope
    spectrum[0, 0] = 0
    noise: Floats = np.fft.irfft2(spectrum, (SIDE, SIDE))
    noise -= noise.min()
    noise /= noise.max()
    return noise


def _soft(inside: Floats, width: float) -> Floats:
    """Return 1 where ``inside`` is positive, 0 where negative, with an edge of about ``width``."""
    edge: Floats = 1 / (1 + np.exp(-np.clip(inside / width, -30, 30)))
    return edge


def _ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Floats:
    """Return 1 at the centre, 0 on the rim and negative values outside."""
    c, s = np.cos(angle), np.sin(angle)
    u, v = (X - cx) * c + (Y - cy) * s, (Y - cy) * c - (X - cx) * s
    inside: Floats = 1 - np.hypot(u / rx, v / ry)
    return inside


def _capsule(x0: float, y0: float, x1: float, y1: float, radius: float) -> Floats:
    """Return 1 on the line between two points, 0 at ``radius`` from it, negative values outside."""
    length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
    along = np.clip(((X - x0) * (x1 - x0) + (Y - y0) * (y1 - y0)) / length, 0, 1)
    distance: Floats = np.hypot(X - x0 - along * (x1 - x0), Y - y0 - along * (y1 - y0))
    return 1 - distance / radius


def _bone(random: Random, x0: float, y0: float, x1: float, y1: float, radius: float) -> Floats:
    """Return a long bone: bright at its cortex, less so within, thicker at its ends."""
    shaft = _capsule(x0, y0, x1, y1, radius)
    for x, y in ((x0, y0), (x1, y1)):
        shaft = np.maximum(shaft, _ellipse(x, y, radius * random.uniform(1.1, 1.7), radius * random.uniform(1.1, 1.6)))
    body, marrow = _soft(shaft, 0.06), _soft(shaft - random.uniform(0.25, 0.5), 0.12)
    return body * (1 - random.uniform(0.2, 0.6) * marrow)


def _expose(random: Random, density: Floats) -> Floats:
    """Turn a density (0 air, 1 dense bone) into grey values with grain, blur and some detector's contrast."""
    density = density * (0.85 + 0.3 * _cloud(random, random.uniform(0.8, 1.6)))
    density = np.clip(density / max(float(np.quantile(density, 0.995)), 1e-6), 0, 1) ** random.uniform(0.5, 1.4)
    dark, bright = random.uniform(0, 40), random.uniform(170, 255)
    grey = dark + (bright - dark) * density + random.normal(0, random.uniform(0.5, 5), density.shape)
    image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2))), dtype=np.float64)


def limb(random: Random) -> Floats:
    """Draw one or two long bones with a joint, in soft tissue."""
    angle, centre = random.uniform(-0.5, 0.5), random.uniform(0.35, 0.65)
    radius, joint = random.uniform(0.03, 0.1), random.uniform(0.2, 0.8)
    tissue = bones = np.zeros_like(X)
    for start, end in ((-0.1, joint - 0.02), (joint + 0.02, 1.1)):
        x0, x1 = (centre + angle * (t - 0.5) for t in (start, end))
        tissue = np.maximum(tissue, _soft(_capsule(x0, start, x1, end, radius * random.uniform(2.2, 4)), 0.08))
        for side in [0.0] if random.random() < 0.5 else [-1.3, 1.3]:
            bone = _bone(random, x0 + side * radius, start, x1 + side * radius, end, radius * (1 - 0.25 * abs(side)))
            bones = np.maximum(bones, bone)
    return _turned(random, _expose(random, random.uniform(0.2, 0.5) * tissue + bones))


def hand(random: Random) -> Floats:
    """Draw five rays of short bones from a wrist, in soft tissue."""
    palm_x, palm_y, spread = random.uniform(0.4, 0.6), random.uniform(0.65, 0.85), random.uniform(0.9, 1.4)
    tissue, bones = _soft(_ellipse(palm_x, palm_y, 0.2, 0.22), 0.1), np.zeros_like(X)
    for finger in range(5):
        angle = (finger - 2) * spread * 0.28 + random.normal(0, 0.05)
        reach = (0.55, 0.7, 0.75, 0.7, 0.5)[finger] * random.uniform(0.85, 1.1)
        points = [
            (palm_x + t * reach * np.sin(angle), palm_y - t * reach * np.cos(angle)) for t in (0.1, 0.45, 0.72, 0.9, 1)
        ]
        tissue = np.maximum(tissue, _soft(_capsule(*points[0], *points[-1], 0.06), 0.2))
        for (x0, y0), (x1, y1) in pairwise(points):
            gap = 0.12
            bones = np.maximum(
                bones,
                _bone(
                    random,
                    x0 + gap * (x1 - x0),
                    y0 + gap * (y1 - y0),
                    x1 - gap * (x1 - x0),
                    y1 - gap * (y1 - y0),
                    0.02,
                ),
            )
    for _ in range(7):
        x, y = palm_x + random.uniform(-0.1, 0.1), palm_y + random.uniform(0.0, 0.12)
        bones = np.maximum(bones, _soft(_ellipse(x, y, 0.035, 0.03), 0.2))
    return _turned(random, _expose(random, random.uniform(0.25, 0.5) * tissue + bones))


def skull(random: Random) -> Floats:
    """Draw a bright vault with a jaw, from the front or the side."""
    cx, cy, rx, ry = (
        random.uniform(0.4, 0.6),
        random.uniform(0.35, 0.5),
        random.uniform(0.28, 0.42),
        random.uniform(0.3, 0.42),
    )
    vault = _ellipse(cx, cy, rx, ry, random.uniform(-0.3, 0.3))
    density = 0.5 * _soft(vault, 0.02) + random.uniform(0.3, 0.8) * np.exp(-((vault / 0.05) ** 2))
    jaw_x = cx + random.uniform(-0.2, 0.2)
    density += 0.5 * _soft(_ellipse(jaw_x, cy + ry * 0.95, rx * 0.55, ry * 0.5), 0.1)
    for _ in range(int(random.integers(3, 9))):  # sinuses, orbits and teeth
        hole = _ellipse(
            jaw_x + random.uniform(-0.2, 0.2), cy + random.uniform(0.1, 0.4), *random.uniform(0.02, 0.09, 2)
        )
        density += random.uniform(-0.35, 0.5) * _soft(hole, 0.2)
    density += 0.4 * _soft(_capsule(cx, cy + ry, cx + random.uniform(-0.1, 0.1), 1.2, random.uniform(0.06, 0.14)), 0.2)
    return _expose(random, np.maximum(density, 0))


def trunk(random: Random) -> Floats:
    """Draw what has a spine and no lungs: abdomen, pelvis or a spine from the side."""
    density = 0.45 * _soft(_ellipse(0.5, 0.5, random.uniform(0.4, 0.8), random.uniform(0.6, 1.0)), 0.15)
    bend, width = random.uniform(-0.25, 0.25), random.uniform(0.05, 0.13)
    count = int(random.integers(4, 9))
    for number in range(count):
        y = (number + 0.5) / count
        x = random.uniform(0.47, 0.53) + bend * (y - 0.5) ** 2 * 4 - bend / 2
        density += random.uniform(0.25, 0.5) * _soft(_ellipse(x, y, width, 0.42 / count), 0.15)
    if random.random() < 0.6:  # hip bones with their round holes
        low = random.uniform(0.55, 0.85)
        for side in (-1, 1):
            density += 0.4 * _soft(_ellipse(0.5 + side * 0.27, low, 0.2, 0.24, side * 0.6), 0.1)
            density -= 0.25 * _soft(_ellipse(0.5 + side * 0.15, low + 0.22, 0.06, 0.05), 0.2)
    for _ in range(int(random.integers(0, 14))):  # gas in the bowel
        (x, y), (rx, ry) = random.uniform(0.1, 0.9, 2), random.uniform(0.02, 0.1, 2)
        gas = _ellipse(x, y, rx, ry, random.uniform(0, 3))
        density -= random.uniform(0.05, 0.2) * _soft(gas, 0.2)
    return _turned(random, _expose(random, np.maximum(density, 0)), chance=0.3)


def section(random: Random) -> Floats:
    """Draw a slice as CT or MR give it: a body with a bright rim on black, and organs within."""
    rx, ry = random.uniform(0.28, 0.49), random.uniform(0.25, 0.48)
    body = _ellipse(0.5, random.uniform(0.45, 0.55), rx, ry)
    density = random.uniform(0.3, 0.7) * _soft(body, 0.02) * (0.7 + 0.6 * _cloud(random, random.uniform(0.8, 1.6)))
    density += random.uniform(0, 0.8) * np.exp(
        -(((body - random.uniform(0.02, 0.2)) / random.uniform(0.01, 0.05)) ** 2)
    )
    for _ in range(int(random.integers(2, 10))):
        x, y = 0.5 + random.uniform(-0.7, 0.7) * rx, 0.5 + random.uniform(-0.7, 0.7) * ry
        wide, high = random.uniform(0.02, 0.2, 2)
        organ = _soft(_ellipse(x, y, wide, high, random.uniform(0, 3)), random.uniform(0.03, 0.2))
        density = density + random.uniform(-0.6, 0.5) * organ * _soft(body, 0.02)
    if random.random() < 0.4:  # lungs, cut across
        for side in (-1, 1):
            density *= 1 - random.uniform(0.8, 1) * _soft(
                _ellipse(0.5 + side * rx * 0.45, 0.47, rx * 0.36, ry * 0.6), 0.04
            )
        density += random.uniform(0.3, 0.8) * _soft(_ellipse(0.5, 0.5 + ry * 0.6, 0.06, 0.05), 0.1)
    return _expose(random, np.maximum(density, 0))


def breast(random: Random) -> Floats:
    """Draw a mammogram: half an ellipse at one side of a black picture, with strands of tissue."""
    left = random.random() < 0.5
    shape = _ellipse(
        0.0 if left else 1.0, random.uniform(0.4, 0.6), random.uniform(0.35, 0.9), random.uniform(0.3, 0.6)
    )
    density = _soft(shape, 0.04) * (0.25 + 0.9 * _cloud(random, random.uniform(1, 1.8)) * np.clip(shape + 0.2, 0, 1))
    if random.random() < 0.5:  # the pectoral muscle in a corner
        edge = random.uniform(0.2, 0.6) - (X if left else 1 - X) * random.uniform(1, 2.5) - Y * 0.6
        density += 0.5 * _soft(edge, 0.03)
    return _expose(random, density)


def document(random: Random) -> Floats:
    """Draw a page: paragraphs, lines of a table, a picture or a chart."""
    page = np.full((SIDE, SIDE), random.uniform(200, 255))
    for _ in range(int(random.integers(1, 4))):
        page = np.minimum(
            page, 255 - _text_block(random, lines=int(random.integers(3, 25)), ink=random.uniform(150, 255))
        )
    image = Image.fromarray(page.astype(np.uint8))
    canvas = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 12))):
        x0, y0, x1, y1 = (int(v) for v in random.uniform(0, SIDE, 4))
        ink = int(random.integers(0, 180))
        if random.random() < 0.5:
            canvas.line((x0, y0, x1 if random.random() < 0.5 else x0, y1 if random.random() < 0.3 else y0), fill=ink)
        else:
            canvas.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=ink)
    grey: Floats = np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(0, 1))), dtype=np.float64)
    grey = grey * (1 - random.uniform(0, 0.5) * (X * random.uniform(-1, 1) + Y * random.uniform(-1, 1)).clip(0, 1))
    if random.random() < 0.15:
        grey = 255 - grey
    return grey


def _text_block(random: Random, lines: int, ink: float, x: float = 8.0) -> Floats:
    """Return text, ``ink`` on 0."""
    image = Image.new("L", (SIDE, SIDE), 0)
    canvas, size = ImageDraw.Draw(image), int(random.integers(7, 22))
    letters = np.array(list("aeiounrstlmdhcpgRLAPMKDTX0123456789.,-:      "))
    y = random.uniform(0, SIDE / 2)
    for _ in range(lines):
        line = "".join(random.choice(letters, int(random.integers(2, 60))))
        canvas.text((x, y), line, fill=int(ink), font=ImageFont.load_default(size))
        y += size * 1.25
    return np.asarray(image, dtype=np.float64)


def pattern(random: Random) -> Floats:
    """Draw gradients, waves, checks or noise."""
    angle, count = random.uniform(0, np.pi), random.uniform(0.5, 30)
    ramp = X * np.cos(angle) + Y * np.sin(angle)
    choices: list[Callable[[], Floats]] = [
        lambda: ramp,
        lambda: 0.5 + 0.5 * np.sin(ramp * count * 6.28),
        lambda: (np.floor(X * count) + np.floor(Y * count)) % 2,
        lambda: np.hypot(X - random.uniform(0, 1), Y - random.uniform(0, 1)),
        lambda: _cloud(random, random.uniform(0, 2.5)),
        lambda: _soft(_cloud(random, random.uniform(1, 2)) - 0.5, 0.01),
    ]
    values = choices[int(random.integers(len(choices)))]() + random.uniform(0, 0.3) * _cloud(
        random, random.uniform(0, 2)
    )
    low, high = np.sort(random.uniform(0, 255, 2))
    grey: Floats = low + (max(high, low + 40) - low) * (values - values.min()) / max(float(np.ptp(values)), 1e-9)
    return grey


def shapes(random: Random) -> Floats:
    """Draw a scene of filled shapes, as in a logo or a drawing, or as things lie in a photograph."""
    image = Image.fromarray((255 * _cloud(random, random.uniform(1, 2.5))).astype(np.uint8))
    if random.random() < 0.5:
        image = Image.new("L", (SIDE, SIDE), int(random.integers(0, 256)))
    canvas = ImageDraw.Draw(image)
    for _ in range(int(random.integers(1, 25))):
        (x0, x1), (y0, y1) = np.sort(random.uniform(-30, SIDE + 30, (2, 2)))
        ink = int(random.integers(0, 256))
        choice = random.random()
        if choice < 0.4:
            canvas.ellipse((x0, y0, x1, y1), fill=ink)
        elif choice < 0.7:
            canvas.rectangle((x0, y0, x1, y1), fill=ink)
        else:
            canvas.polygon(
                [(float(a), float(b)) for a, b in random.uniform(-20, SIDE + 20, (int(random.integers(3, 7)), 2))],
                fill=ink,
            )
    grey = np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(0, 3))), dtype=np.float64)
    return grey + random.uniform(0, 60) * (_cloud(random, random.uniform(0.3, 1.5)) - 0.5)


def _turned(random: Random, picture: Floats, chance: float = 0.6) -> Floats:
    return np.rot90(picture, int(random.integers(1, 4))) if random.random() < chance else picture


KINDS: dict[str, Callable[[Random], Floats]] = {
    "breast": breast,
    "document": document,
    "hand": hand,
    "limb": limb,
    "pattern": pattern,
    "section": section,
    "shapes": shapes,
    "skull": skull,
    "trunk": trunk,
}
