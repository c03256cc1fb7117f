"""Radiographs as another hospital might have made them. The only place that imports imgaug."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

if not hasattr(np, "sctypes"):  # imgaug 0.4.0 reads this table, which NumPy 2 dropped
    np.sctypes = {  # type: ignore[attr-defined]
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64],
        "complex": [np.complex64, np.complex128],
        "others": [bool, object, bytes, str, np.void],
    }

import cv2
from imgaug import augmenters as iaa

cv2.setNumThreads(1)  # its threads would fight with those of the training step

Images = NDArray[np.uint8]


#: Widths, in pixels, of the Gaussians that part an image into bands of detail, from the finest to the coarsest.
BANDS = (0.7, 1.4, 2.8, 5.6)

#: Most that the contrast of a band is multiplied with, or divided by: more would draw what is not there.
MOST_GAIN = 3.0


#: Range in which each edge of the frame moves, as a share of the image's side: top, right, bottom, left; positive is
#: inwards. NORMAL files of the training folder are cut closely around the lungs; elsewhere the abdomen shows in either
#: class, or in neither.
EDGES = ((-0.06, 0.10), (-0.10, 0.10), (-0.20, 0.20), (-0.10, 0.10))


def augment(
    images: Images,
    seed: int,
    strength: float = 1.0,
    donors: Images | None = None,
    ways: NDArray[np.float64] | None = None,
) -> Images:
    """Return changed copies of ``images``, uint8 (N, H, W); the same seed gives the same pixels.
    ``strength`` 1 is meant for training, 0 changes nothing. ``donors``, of the same shape, see :func:`exchange`;
    ``ways``, shape (N,), see :func:`stretched`.

    A label cannot be told from sharpness, noise, compression, proportions or frame of the result: those of the
    training files differ between the classes, and in no other hospital they do so. Left and right are never exchanged.
    """
    if not strength:
        return images.copy()
    if donors is not None:
        images = exchange(images, donors, seed, share=0.8, least=0.25)
    random = np.random.default_rng([seed, 3])
    frames = draw_frames(len(images), random, min(strength, 1.0))
    if ways is not None:
        frames = frames + stretched(ways, random.random(len(images)))
    frames = frames * (random.random((len(images), 1)) < 0.85)
    return _apply(_training_changes(strength), reframe(images, frames), seed)


def draw_frames(count: int, random: np.random.Generator, strength: float = 1.0) -> NDArray[np.float64]:
    """Return ``count`` frames, shape (N, 4), each edge drawn by itself from :data:`EDGES` times ``strength``."""
    low, high = np.array(EDGES).T * strength
    return random.uniform(low, high, (count, 4))


def stretched(ways: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frames, shape (N, 4), that make images wider (or narrower, where negative) against their height by
    exp(way): by ``shares``, 0 to 1, at the left and right edges and by the rest at top and bottom.

    Where files of any proportions are squeezed to a square, this is how their proportions show.
    """
    sides = (1 - np.exp(-ways * shares)) / 2
    ends = (1 - np.exp(ways * (1 - shares))) / 2
    return np.stack([ends, sides, ends, sides], axis=1)


def reframe(images: Images, frames: NDArray[np.float64]) -> Images:
    """Return ``images``, uint8 (N, H, W), with their edges moved by ``frames``, shape (N, 4), and squeezed to their
    old size; where an edge goes outwards, the outermost pixels are repeated."""
    rows = [_reframed(image, frame) for image, frame in zip(images, frames, strict=True)]
    return np.stack(rows) if rows else images.copy()


def _reframed(image: NDArray[np.uint8], frame: NDArray[np.float64]) -> NDArray[np.uint8]:
    if not frame.any():
        return image
    height, width = image.shape
    top, right, bottom, left = frame
    x, y = 1 / (1 - left - right), 1 / (1 - top - bottom)
    matrix = np.array([[x, 0, -left * width * x], [0, y, -top * height * y]])
    result: NDArray[np.uint8] = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(
        np.uint8
    )
    return result


def exchange(images: Images, donors: Images, seed: int, share: float = 1.0, least: float = 0.0) -> Images:
    """Give each image, uint8 (N, H, W), the detail and the grey values of its donor, as far as chance has it.

    In the training folder NORMAL has 1.3 to 1.4 times PNEUMONIA's contrast in every one of :data:`BANDS`, and its own
    grey values, whatever the lungs look like; elsewhere it has not. With donors of the other class these tell nothing.
    ``share`` of the images are changed, each of the two by ``least`` to all of the way (0 to 1).
    """
    random = np.random.default_rng([seed, 1])
    ways = random.uniform(least, 1.0, (len(images), 2)) * (random.random((len(images), 1)) < share)
    rows = [_exchanged(*row) for row in zip(images, donors, ways, strict=True)]
    return np.stack(rows) if rows else images.copy()


def _exchanged(image: NDArray[np.uint8], donor: NDArray[np.uint8], ways: NDArray[np.float64]) -> NDArray[np.uint8]:
    if not ways.any():
        return image
    toned = _tone(image, donor, ways[0])
    own, theirs = _bands(toned), _bands(donor.astype(np.float32))
    changed = own[-1]
    for band, other in zip(own[:-1], theirs[:-1], strict=True):
        gain = np.clip((other.std() + 0.1) / (band.std() + 0.1), 1 / MOST_GAIN, MOST_GAIN) ** ways[1]
        changed = changed + band * np.float32(gain)
    rounded: NDArray[np.uint8] = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return rounded


def _tone(image: NDArray[np.uint8], donor: NDArray[np.uint8], way: float) -> NDArray[np.float32]:
    """Move the grey values towards the donor's distribution; which pixel is the brighter one stays as it was."""
    ranks, others = (np.bincount(each.ravel(), minlength=256).cumsum() / each.size for each in (image, donor))
    curve = (1 - way) * np.arange(256) + way * np.searchsorted(others, ranks - 1e-9).clip(max=255)
    return curve.astype(np.float32)[image]


def _bands(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the bands of detail, and last what is left: their sum is the image."""
    blurred = [image, *(cv2.GaussianBlur(image, (0, 0), width, borderType=cv2.BORDER_REFLECT) for width in BANDS)]
    return [*(fine - coarse for fine, coarse in pairwise(blurred)), blurred[-1]]


def perturb(images: Images, seed: int) -> Images:
    """Return ``images``, uint8 (N, H, W), each under one or two of the changes that differ between hospitals."""
    return _apply(_hospital_changes(), images, seed)


def _apply(changes: Any, images: Images, seed: int) -> Images:
    if not len(images):
        return images.copy()
    changes.seed_(seed)
    return np.stack([image[..., 0] for image in changes(images=list(images[..., None]))])


def _training_changes(strength: float) -> Any:
    """Return the augmenter: geometry, grey values, then what a detector and a file do to them, in this order.

    OneOf stands in a list, since Sometimes would take it for its list of children, and it would miss its seed.
    """
    s = strength
    return iaa.Sequential(
        [
            iaa.Sometimes(0.8 * min(s, 1), _geometry(s)),
            iaa.SomeOf((0, 3), _grey_values(s), random_order=True),
            iaa.Sometimes(0.75 * min(s, 1), [iaa.OneOf(_sharpness(s))]),
            iaa.Sometimes(0.45 * min(s, 1), [iaa.OneOf(_noise(s))]),
            iaa.Sometimes(0.5 * min(s, 1), iaa.JpegCompression(compression=(10, 75))),
            iaa.Sometimes(0.2 * min(s, 1), iaa.Cutout(nb_iterations=(1, 2), size=(0.08, 0.2), cval=(0, 255))),
        ]
    )


def _geometry(s: float) -> Any:
    return iaa.Affine(
        scale={"x": (1 - 0.08 * s, 1 + 0.08 * s), "y": (1 - 0.08 * s, 1 + 0.08 * s)},
        translate_percent={"x": (-0.04 * s, 0.04 * s), "y": (-0.04 * s, 0.04 * s)},
        rotate=(-10 * s, 10 * s),
        shear=(-4 * s, 4 * s),
        order=1,
        mode=["constant", "edge"],
        backend="cv2",
    )


def _grey_values(s: float) -> list[Any]:
    return [
        iaa.GammaContrast((1 / (1 + 0.6 * s), 1 + 0.6 * s)),
        iaa.LinearContrast((1 / (1 + 0.5 * s), 1 + 0.5 * s)),
        iaa.Add((round(-30 * s), round(30 * s))),
        iaa.Multiply((1 - 0.2 * s, 1 + 0.2 * s)),
        iaa.Sometimes(0.3, iaa.CLAHE(clip_limit=(1, 3), tile_grid_size_px=(4, 8))),
    ]


def _sharpness(s: float) -> list[Any]:
    return [
        iaa.GaussianBlur((0.3, 0.3 + 1.2 * s)),
        iaa.Sharpen(alpha=(0.1, min(0.5 * s + 0.1, 1.0)), lightness=1.0),
        iaa.KeepSizeByResize(iaa.Resize((1 / (1 + 1.2 * s), 0.9), interpolation="area"), interpolation="linear"),
        iaa.MedianBlur(k=3),
    ]


def _noise(s: float) -> list[Any]:
    return [
        iaa.AdditiveGaussianNoise(scale=(1, 1 + 11 * s)),
        iaa.MultiplyElementwise((1 - 0.12 * s, 1 + 0.12 * s)),
    ]


def _hospital_changes() -> Any:
    """Return the fixed kinds of change under which validation is repeated; each fits one cause."""
    return iaa.SomeOf(
        (1, 2),
        [
            iaa.GaussianBlur((0.5, 1.2)),
            iaa.AdditiveGaussianNoise(scale=(3, 9)),
            iaa.JpegCompression(compression=(30, 70)),
            iaa.GammaContrast([0.7, 0.8, 1.25, 1.4]),
            iaa.LinearContrast([0.7, 0.8, 1.2, 1.35]),
            iaa.Add([-25, -15, 15, 25]),
            iaa.Affine(
                scale={"x": (0.88, 1.12), "y": (0.88, 1.12)}, rotate=(-6, 6), order=1, mode="edge", backend="cv2"
            ),
            iaa.Sharpen(alpha=(0.2, 0.4), lightness=1.0),
        ],
    )
