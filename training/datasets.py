"""From a folder of images to Examples, and from Examples to a training and a validation part."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.answers import fingerprint
from diagnosis.engine.errors import DatasetError, RadiographError
from diagnosis.engine.examples import LABELS, Example, find_examples
from diagnosis.engine.preprocessing import SIDE, read_radiograph
from training.config import TrainingConfig


@dataclass(frozen=True)
class Dataset:
    """Examples with their pixels, uint8 (N, 224, 224), in the same order, and the files that were skipped."""

    examples: tuple[Example, ...]
    pixels: NDArray[np.uint8]
    fingerprint: str
    unreadable: tuple[tuple[Path, str], ...] = ()

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([example.label for example in self.examples], dtype=np.int64)

    @property
    def patients(self) -> list[str]:
        return [example.patient for example in self.examples]

    def part(self, indices: Sequence[int]) -> Dataset:
        """Return the examples at ``indices``; the fingerprint stays that of the whole."""
        return Dataset(tuple(self.examples[i] for i in indices), self.pixels[list(indices)], self.fingerprint)


def read_dataset(folder: Path, report: Callable[[str], None] = print) -> Dataset:
    """Find and decode all images of ``folder``. Those that cannot be read are reported, counted and skipped."""
    kept, pixels, hashes, unreadable = [], [], [], []
    for example in find_examples(folder, report):
        try:
            data = example.path.read_bytes()
            pixels.append(read_radiograph(data))
        except (RadiographError, OSError) as error:
            unreadable.append((example.path, str(error)))
            report(f"Skipped {example.path}: {error}")
            continue
        kept.append(example)
        hashes.append(hashlib.sha256(data).hexdigest())
    if unreadable:
        report(f"{len(unreadable)} of {len(kept) + len(unreadable)} files could not be read and are skipped.")
    if len({example.label for example in kept}) < len(LABELS):
        raise DatasetError(f"{folder} does not hold a readable image of each class.")
    return Dataset(
        tuple(kept),
        np.stack(pixels),
        fingerprint((digest, example.label) for digest, example in zip(hashes, kept, strict=True)),
        tuple(unreadable),
    )


def split_by_patient(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split into training and validation, of which the latter holds about ``fraction`` of the images of each class.

    All images of a patient, and of patients with nearly the same image, are on one side. Raises DatasetError where
    a class has too few patients for both sides.
    """
    groups = group_examples(dataset)
    held_out: set[int] = set()
    for label, name in enumerate(LABELS):
        mine = [group for group in groups if _majority(dataset, group) == label]
        if len(mine) < 2:
            raise DatasetError(f"The class {name} has images of fewer than two patients: it cannot be split.")
        random.Random(seed).shuffle(mine)  # noqa: S311 - no secret
        wanted = max(1, round(fraction * sum(map(len, mine))))
        for group in mine[:-1]:
            if wanted <= 0:
                break
            held_out.update(group)
            wanted -= len(group)
    training = [i for i in range(len(dataset.examples)) if i not in held_out]
    return dataset.part(training), dataset.part(sorted(held_out))


def hold_out(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, Dataset]:
    """Split into training and validation as ``config`` says: by a share of the patients, or by folds."""
    if not config.folds:
        return split_by_patient(dataset, config.validation_fraction, config.seed)
    if not 0 <= config.fold < config.folds:
        raise DatasetError(
            f"There is no fold {config.fold} of {config.folds}: they count from 0 to {config.folds - 1}."
        )
    return next(islice(folds(dataset, config.folds, config.seed), config.fold, None))


def folds(dataset: Dataset, k: int, seed: int) -> Iterator[tuple[Dataset, Dataset]]:
    """Yield ``k`` pairs of a training and a validation part; every example is in just one of the validation parts.

    Both classes are spread evenly over the folds, and as in :func:`split_by_patient` no patient and no two patients
    with nearly the same image are on two sides. The parts are copied one pair at a time. Raises DatasetError where a
    class has images of fewer than ``k`` patients.
    """
    members = _assign_to_folds(dataset, k, seed)
    everything = range(len(dataset.examples))
    return (
        (
            dataset.part([i for i in everything if members[i] != fold]),
            dataset.part([i for i in everything if members[i] == fold]),
        )
        for fold in range(k)
    )


def _assign_to_folds(dataset: Dataset, k: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each example, shape (N,): large groups first, each into the fold with fewest of its class."""
    if k < 2:
        raise DatasetError(f"Cross-validation needs at least two folds, not {k}.")
    groups = group_examples(dataset)
    members = np.zeros(len(dataset.examples), dtype=np.int64)
    for label, name in enumerate(LABELS):
        mine = [group for group in groups if _majority(dataset, group) == label]
        if len(mine) < k:
            raise DatasetError(f"The class {name} has images of {len(mine)} patients, too few for {k} folds.")
        random.Random(seed).shuffle(mine)  # noqa: S311 - no secret
        sizes = [0] * k
        for group in sorted(mine, key=len, reverse=True):
            smallest = sizes.index(min(sizes))
            members[group] = smallest
            sizes[smallest] += len(group)
    return members


def _majority(dataset: Dataset, group: Sequence[int]) -> int:
    return int(np.mean([dataset.examples[i].label for i in group]) >= 0.5)


def group_examples(dataset: Dataset) -> list[list[int]]:
    """Return the indices of the examples in groups that must not be torn apart: one patient, or near duplicates."""
    leader: dict[str, str] = {}

    def find(patient: str) -> str:
        while leader.setdefault(patient, patient) != patient:
            patient = leader[patient]
        return patient

    patients = dataset.patients
    for a, b in near_duplicates(dataset.pixels):
        leader[find(patients[a])] = find(patients[b])
    groups = defaultdict(list)
    for index, patient in enumerate(patients):
        groups[find(patient)].append(index)
    return [groups[name] for name in sorted(groups)]


#: Root mean square difference, in standard deviations of 16 x 16 thumbnails, below which two images are one.
NEAR = 0.12


def near_duplicates(pixels: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return the pairs (a, b), a < b, of images (N, 224, 224) whose thumbnails are the same but for brightness."""
    thumbnails = _thumbnails(pixels)
    size = thumbnails.shape[1]
    pairs = []
    for start in range(0, len(thumbnails), 512):
        alike = thumbnails[start : start + 512] @ thumbnails.T / size  # correlation: distance² is 2 - 2 r
        rows, columns = np.nonzero(2 - 2 * alike < NEAR**2)
        pairs += [(int(start + r), int(c)) for r, c in zip(rows, columns, strict=True) if start + r < c]
    return pairs


def _thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    cell = SIDE // 16
    means = pixels.reshape(-1, 16, cell, 16, cell).mean(axis=(2, 4), dtype=np.float32).reshape(len(pixels), -1)
    means -= means.mean(axis=1, keepdims=True)
    deviation: NDArray[np.float32] = means / np.maximum(means.std(axis=1, keepdims=True), 1e-3)
    return deviation
