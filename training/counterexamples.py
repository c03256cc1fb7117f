"""Radiographs as the gate must let them pass, and as it must refuse them: both made of radiographs that are right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from diagnosis.engine.preprocessing import SIDE, Pixels
from training.augmentation import augment

Images = NDArray[np.uint8]
Random = np.random.Generator
Box = tuple[float, float, float, float]


def vary(images: Images, seed: int) -> Images:
    """Return ``images``, uint8 (N, 224, 224), each as another hospital, printer or program might have made it.

    Changes of the detector and the file as in training; then, on some, edges cut off, borders, and marks burned in.
    """
    random = np.random.default_rng([seed, 1])
    changed = augment(images, seed, strength=0.7)
    for image in changed:
        if random.random() < 0.2:
            image[:] = _tightened(image, random)
        if random.random() < 0.25:
            image[:] = _bordered(image, random)
        if random.random() < 0.3:
            image[:] = _marked(image, random)
    return changed


def _resized(image: Pixels, width: int = SIDE, height: int = SIDE, box: Box | None = None) -> Pixels:
    resized: Pixels = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, box=box))
    return resized


def _tightened(image: Pixels, random: Random) -> Pixels:
    """Return the image without up to a twelfth of it at each edge."""
    left, top, right, bottom = random.uniform(0, SIDE / 12, 4)
    return _resized(image, box=(left, top, SIDE - right, SIDE - bottom))


def _bordered(image: Pixels, random: Random) -> Pixels:
    """Return the image with bars at two opposite edges or a frame, black, white or grey."""
    widest = int(random.integers(4, 38))
    frame = ((0, widest), (widest, 0), (widest // 2, widest // 2))[int(random.integers(3))]
    inner = _resized(image, SIDE - 2 * frame[0], SIDE - 2 * frame[1])
    whole = np.full_like(image, random.choice([0, 0, 0, 255, int(random.integers(0, 256))]))
    whole[frame[1] : SIDE - frame[1], frame[0] : SIDE - frame[0]] = inner
    return whole


def _marked(image: Pixels, random: Random) -> Pixels:
    """Return the image with a side mark, or lines of text in a corner, as detectors burn them in."""
    picture = Image.fromarray(image)
    canvas = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(1, 3))):
        size = int(random.integers(8, 26))
        text = str(random.choice(["L", "R", "PORTABLE", "AP\n12:30", "SUPINE", "1234567\nM 004Y\n2019-03-07"]))
        x, y = random.choice([4, SIDE - 4 - size * 2]), random.choice([4, SIDE // 3, SIDE - 4 - size * 3])
        canvas.multiline_text(
            (x, y), text, fill=int(random.choice([255, 255, 200, 0])), font=ImageFont.load_default(size)
        )
    return np.asarray(picture)


def inverted(image: Pixels, random: Random) -> Pixels:
    turned: Pixels = 255 - image
    return turned


def quarter_left(image: Pixels, random: Random) -> Pixels:
    return _mirrored_at_times(np.rot90(image, 1), random, axis=0)


def quarter_right(image: Pixels, random: Random) -> Pixels:
    return _mirrored_at_times(np.rot90(image, 3), random, axis=0)


def upside_down(image: Pixels, random: Random) -> Pixels:
    return _mirrored_at_times(np.rot90(image, 2), random, axis=1)


def _mirrored_at_times(image: Pixels, random: Random, axis: int) -> Pixels:
    """Mirror left and right of the chest in a third of the cases: neither makes the turn right."""
    return np.flip(image, axis) if random.random() < 0.33 else image


def cropped(image: Pixels, random: Random) -> Pixels:
    """Return a part, blown up: one half, or a box of at most six tenths of either side.

    It is sharpened more or less: a part that was cut from the original, of ten times as many pixels, is not blurred.
    """
    if random.random() < 0.5:
        low, high = (0.0, random.uniform(0.4, 0.52)) if random.random() < 0.5 else (random.uniform(0.48, 0.6), 1.0)
        across = (random.uniform(0, 0.1), random.uniform(0.9, 1))
        ends = (low, across[0], high, across[1]) if random.random() < 0.6 else (across[0], low, across[1], high)
    else:
        width, height = random.uniform(0.25, 0.6, 2)
        left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
        ends = (left, top, left + width, top + height)
    left, top, right, bottom = (SIDE * end for end in ends)
    part = Image.fromarray(_resized(image, box=(left, top, right, bottom)))
    radius, percent = random.uniform(0.8, 3), int(random.integers(0, 250))
    return np.asarray(part.filter(ImageFilter.UnsharpMask(radius, percent, 0)))


#: What is wrong with a chest radiograph, and how it is made of a right one.
WRONGS: dict[str, Callable[[Pixels, Random], Pixels]] = {
    "inverted": inverted,
    "quarter_left": quarter_left,
    "quarter_right": quarter_right,
    "upside_down": upside_down,
    "cropped": cropped,
}


def spoil(kind: str, images: Images, seed: int) -> Images:
    """Return ``images``, uint8 (N, 224, 224), changed as by :func:`vary` and spoilt; ``kind`` is of :data:`WRONGS`."""
    random = np.random.default_rng([seed, 2])
    if kind == "cropped":  # marks and borders come after the cut
        return vary(np.stack([cropped(image, random) for image in images]), seed)
    return np.stack([WRONGS[kind](image, random) for image in vary(images, seed)])


def collage(images: Images, seed: int) -> Images:
    """Return as many sheets of two to four of the images, or of two laid over each other: no one radiograph."""
    random = np.random.default_rng([seed, 3])
    half, sheets = SIDE // 2, []
    for _ in images:
        a, b, c, d = (images[i] for i in random.integers(0, len(images), 4))
        choice = random.random()
        if choice < 0.35:
            sheets.append(np.hstack([_resized(a, half), _resized(b, half)]))
        elif choice < 0.6:
            sheets.append(np.vstack([_resized(a, SIDE, half), _resized(b, SIDE, half)]))
        else:
            rows = [np.hstack([_resized(x, half, half), _resized(y, half, half)]) for x, y in ((a, b), (c, d))]
            sheets.append(np.vstack(rows))
    return np.stack(sheets)
