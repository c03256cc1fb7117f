"""A sheet to look at: training images as they are, augmented, and under the changes of the second validation."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnosis.engine.errors import DatasetError, RadiographError
from diagnosis.engine.examples import LABELS, Example, find_examples
from diagnosis.engine.preprocessing import read_radiograph
from training.augmentation import augment, perturb
from training.batches import draw_donors
from training.checkpoints import write_figure

#: Images of each class, and changed copies of each image.
EACH = 4
AUGMENTED, PERTURBED = 4, 2

Images = NDArray[np.uint8]


def draw_contact_sheet(folder: Path, file: Path, seed: int = 0, report: Callable[[str], None] = print) -> None:
    """Draw images of ``folder``, chosen by ``seed``, a row each, and write them to ``file``.

    Raises DatasetError, and OSError or ValueError where the sheet cannot be written.
    """
    examples, images = _choose(find_examples(folder, report), seed, report)
    columns = [("as it is", images)]
    columns += [(f"augmented {i + 1}", _augmented(examples, images, seed * 100 + i)) for i in range(AUGMENTED)]
    columns += [(f"perturbed {i + 1}", perturb(images, seed * 100 + i)) for i in range(PERTURBED)]
    write_figure(_draw(examples, columns), file)


def _augmented(examples: Sequence[Example], images: Images, seed: int) -> Images:
    labels = np.array([example.label for example in examples])
    return augment(images, seed, donors=images[draw_donors(labels, labels, seed)])


def _choose(found: Sequence[Example], seed: int, report: Callable[[str], None]) -> tuple[list[Example], Images]:
    """Return some readable images of each class; of those that cannot be read, the tried ones are reported."""
    chosen: list[Example] = []
    images: list[Images] = []
    for label, name in enumerate(LABELS):
        mine = [example for example in found if example.label == label]
        random.Random(seed).shuffle(mine)  # noqa: S311 - no secret
        wanted = len(chosen) + EACH
        for example in mine:
            if len(chosen) == wanted:
                break
            try:
                images.append(read_radiograph(example.path.read_bytes()))
                chosen.append(example)
            except (RadiographError, OSError) as error:
                report(f"Skipped {example.path}: {error}")
        if all(example.label != label for example in chosen):
            raise DatasetError(f"None of the {len(mine)} images of the class {name} can be read.")
    return chosen, np.stack(images)


def _draw(examples: Sequence[Example], columns: Sequence[tuple[str, Images]]) -> Figure:
    rows = len(examples)
    figure = Figure(figsize=(2.05 * len(columns) + 0.6, 2.15 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, len(columns), squeeze=False)
    for column, (title, images) in enumerate(columns):
        for row, image in enumerate(images):
            grid[row, column].imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            grid[row, column].set(xticks=[], yticks=[])
        grid[0, column].set_title(title, fontsize=11)
    for row, example in enumerate(examples):
        grid[row, 0].set_ylabel(f"{LABELS[example.label]} {example.subtype}\n{_short(example.path.name)}", fontsize=8)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"
