"""Tiny data sets that the tests draw themselves: the sick chest has a bright patch in one lung."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diagnosis.engine.examples import Example
from diagnosis.engine.preprocessing import Pixels
from diagnosis.engine.probes import draw_probe
from training.config import TrainingConfig
from training.datasets import Dataset


def draw_chest(label: int, seed: int) -> Pixels:
    """Draw a chest, uint8 (224, 224), whose broad shades differ from seed to seed; ``label`` 1 has a bright patch."""
    random = np.random.default_rng([label, seed])
    shades = Image.fromarray(random.integers(0, 90, (6, 6), dtype=np.uint8)).resize(
        (224, 224), Image.Resampling.BILINEAR
    )
    picture = draw_probe(1).astype(int) // 2 + np.asarray(shades)
    if label:
        y, x = random.integers(60, 150, 2)
        picture[y : y + 40, x : x + 40] += 80
    chest: Pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return chest


def png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def draw_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that draws a folder in the Kaggle layout, one image a patient."""

    def draw(normal: int = 8, pneumonia: int = 16) -> Path:
        folder = tmp_path / "drawn"
        for name, label, count in (("NORMAL", 0, normal), ("PNEUMONIA", 1, pneumonia)):
            (folder / name).mkdir(parents=True)
            for number in range(count):
                file = f"person{number}_virus_{number}.png" if label else f"IM-{number:04}-0001.png"
                (folder / name / file).write_bytes(png(draw_chest(label, number)))
        return folder

    return draw


def make_dataset(patients: list[str], labels: list[int], pixels: NDArray[np.uint8] | None = None) -> Dataset:
    """Return a data set in memory; without ``pixels`` every image is drawn anew."""
    examples = tuple(
        Example(Path(f"{i}.png"), label, patient, "", "drawn")
        for i, (patient, label) in enumerate(zip(patients, labels, strict=True))
    )
    if pixels is None:
        pixels = np.stack([draw_chest(label, i) for i, label in enumerate(labels)])
    return Dataset(examples, pixels, "0" * 64)


@pytest.fixture
def tiny() -> TrainingConfig:
    """Two steps of four images, nothing from ImageNet."""
    return replace(
        TrainingConfig(),
        epochs=1,
        batch_size=4,
        share_from_imagenet=0.0,
        frozen_blocks=-1,
        validation_fraction=0.5,
        gate_drawings=2,
    )
