"""The pictures that the gate is fitted on: radiographs that are right, the same made wrong, and strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.errors import DatasetError, RadiographError
from diagnosis.engine.header import SUFFIXES
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.engine.probes import draw_probe
from diagnosis.engine.sample import sample_png
from training.config import TrainingConfig
from training.counterexamples import WRONGS, collage, spoil, vary
from training.datasets import Dataset, read_dataset
from training.drawings import KINDS, draw

#: Classes of the gate's regression: 0 is a right radiograph, then those of WRONGS, last what is none at all.
RIGHT, STRANGER = 0, len(WRONGS) + 1


@dataclass(frozen=True)
class Gallery:
    """Pictures, uint8 (N, 224, 224), each with its kind, its class, and the group (a patient) it belongs to."""

    pixels: NDArray[np.uint8]
    kinds: NDArray[np.str_]
    classes: NDArray[np.int64]
    groups: NDArray[np.str_]

    def part(self, chosen: NDArray[np.bool_]) -> Gallery:
        """Return the pictures that ``chosen``, bool (N,), marks."""
        return Gallery(self.pixels[chosen], self.kinds[chosen], self.classes[chosen], self.groups[chosen])

    def folds(self, count: int, seed: int) -> Iterator[NDArray[np.bool_]]:
        """Yield for each of ``count`` folds which pictures it holds out: whole groups, about as many each time."""
        names, which = np.unique(self.groups, return_inverse=True)
        fold = np.random.default_rng(seed).permutation(len(names)) % count
        for number in range(count):
            yield fold[which] == number

    def stranger_kinds(self) -> list[str]:
        return sorted({str(kind) for kind in self.kinds[self.classes == STRANGER]})


@dataclass(frozen=True)
class GallerySources:
    """Folders whose pictures the gate is fitted on beside the training data, and the network is not trained on.

    ``radiographs``: in the layout of any data set; the gate must let them pass. ``strangers``: what it must refuse.
    """

    radiographs: Path | None = None
    strangers: Path | None = None

    def read(self, report: Callable[[str], None] = print) -> tuple[dict[str, Dataset], dict[str, NDArray[np.uint8]]]:
        """Return the radiographs, by the folder's name, and the strangers, by kind. Raises DatasetError."""
        more = {self.radiographs.name: read_dataset(self.radiographs, report)} if self.radiographs else {}
        return more, read_strangers(self.strangers, report) if self.strangers else {}


NOTHING_MORE = GallerySources()


class _Hanging:
    """Collects pictures for a gallery."""

    def __init__(self) -> None:
        self.rows: list[tuple[NDArray[np.uint8], str, int, list[str]]] = []

    def hang(self, pixels: NDArray[np.uint8], kind: str, number: int, groups: list[str]) -> None:
        self.rows.append((pixels, kind, number, groups))

    def gallery(self) -> Gallery:
        return Gallery(
            np.concatenate([pixels for pixels, *_ in self.rows]),
            np.array([kind for pixels, kind, *_ in self.rows for _ in pixels]),
            np.array([number for pixels, _, number, _ in self.rows for _ in pixels], dtype=np.int64),
            np.array([group for *_, groups in self.rows for group in groups]),
        )


def make_gallery(
    parts: dict[str, Dataset], strangers: dict[str, NDArray[np.uint8]], config: TrainingConfig
) -> Gallery:
    """Make a gallery of the radiographs in ``parts``, by name, and of ``strangers``, by kind; drawn ones are added.

    Of each part at most ``config.gate_radiographs`` images are taken, and a fifth as many are spoilt in each way; of
    each kind ``config.gate_drawings`` are drawn, but not more than there are radiographs.
    """
    walls, seed = _Hanging(), config.seed
    drawings = min(config.gate_drawings, max(len(part.examples) for part in parts.values()))
    for number, (name, whole) in enumerate(parts.items()):
        part = _at_most(whole, config.gate_radiographs, seed)
        walls.hang(part.pixels, name, RIGHT, part.patients)
        walls.hang(vary(part.pixels, seed + number), f"{name}, changed", RIGHT, part.patients)
        for wrong, kind in enumerate(WRONGS, start=RIGHT + 1):
            some = _at_most(part, max(1, len(part.examples) // (3 if kind == "cropped" else 5)), seed + wrong)
            walls.hang(spoil(kind, some.pixels, seed + number), kind, wrong, some.patients)
    chests = draw_chests(drawings, seed)
    walls.hang(chests, "drawn chest", RIGHT, [f"chest {i}" for i in range(len(chests))])
    largest = max(parts.values(), key=lambda part: len(part.examples)).pixels
    sheets = collage(largest[: max(2, 2 * drawings)], seed)
    walls.hang(sheets, "collage", STRANGER, [f"collage {i}" for i in range(len(sheets))])
    for kind in sorted(KINDS):
        drawn = np.stack([draw(kind, seed * 10_000 + i) for i in range(drawings)])
        walls.hang(drawn, f"drawn {kind}", STRANGER, [f"{kind} {i}" for i in range(len(drawn))])
    for kind, pictures in strangers.items():
        for copy in (pictures, vary(pictures, seed)):
            walls.hang(copy, kind, STRANGER, [f"{kind} {i}" for i in range(len(pictures))])
    return walls.gallery()


def draw_chests(count: int, seed: int) -> NDArray[np.uint8]:
    """Return ``count`` drawn chests, uint8 (count, 224, 224), which the gate must let pass like the real ones.

    They are the probes, with more or less grain, and the drawing that the help page offers to try.
    """
    sample = read_radiograph(sample_png())
    drawn = [sample if number % 8 == 7 else draw_probe(number % 24) for number in range(count)]
    random = np.random.default_rng([seed, 6])
    grain = random.normal(0, random.uniform(0, 5, (count, 1, 1)), (count, *sample.shape))
    return np.clip(np.rint(np.stack(drawn) + grain), 0, 255).astype(np.uint8)


def _at_most(part: Dataset, count: int, seed: int) -> Dataset:
    """Return ``count`` examples of the part, or all where there are fewer: at random, in their order."""
    if len(part.examples) <= count:
        return part
    chosen = np.random.default_rng([seed, 4]).choice(len(part.examples), count, replace=False)
    return part.part(sorted(chosen.tolist()))


def read_strangers(folder: Path, report: Callable[[str], None] = print) -> dict[str, NDArray[np.uint8]]:
    """Read the images under ``folder``; the kind of each is the name of the folder that it lies in.

    Raises DatasetError where there is none. Those that cannot be read are reported and skipped.
    """
    kinds: dict[str, list[NDArray[np.uint8]]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        try:
            kinds.setdefault(path.parent.name, []).append(read_radiograph(path.read_bytes()))
        except (RadiographError, OSError) as error:
            report(f"Skipped {path}: {error}")
    if not any(kinds.values()):
        raise DatasetError(f"{folder} holds no images that can be read.")
    return {kind: np.stack(pictures) for kind, pictures in kinds.items() if pictures}
