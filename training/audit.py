"""Would a network that learns from this folder learn to read lungs? Duplicates, patients and labels that leak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from diagnosis.engine.examples import LABELS, Example, find
from training.datasets import Dataset, near_duplicates, read_dataset
from training.errors import TrainingError
from training.file_facts import FileFacts, read_file_facts
from training.leaks import Measured, measure_files, measure_pictures

SPLITS = ("train", "val", "test")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do about it."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what[0].upper()}{self.what[1:]}: {self.advice}."


@dataclass(frozen=True)
class Audit:
    """What was found in a folder. Pairs are places in ``examples``, as ``facts`` and ``splits`` are in their order.

    ``splits`` names the part that an example lies in and is empty without parts. ``measures`` are those of ``part``:
    of train/ where there is one, since from it a network learns, else of all.
    """

    folder: Path
    examples: tuple[Example, ...]
    facts: tuple[FileFacts, ...]
    splits: tuple[str, ...]
    identical: tuple[Pair, ...]
    alike: tuple[Pair, ...]
    part: Dataset
    measures: tuple[Measured, ...]
    unreadable: tuple[tuple[Path, str], ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def contradictions(self) -> list[Pair]:
        """The same image, or nearly the same, with both labels."""
        return _contradictions(self.examples, self.identical + self.alike)

    @property
    def images_across_splits(self) -> list[Pair]:
        splits = self.splits
        return [(a, b) for a, b in self.identical + self.alike if splits and splits[a] != splits[b]]

    @property
    def patients_across_splits(self) -> list[str]:
        return _with_several(zip((e.patient for e in self.examples), self.splits, strict=bool(self.splits)))

    @property
    def patients_in_both_classes(self) -> list[str]:
        return _with_several((e.patient, e.label) for e in self.examples)

    @property
    def problems(self) -> list[Finding]:
        """What would fool the training or its figures."""
        found = _contradicted(self.contradictions)
        if patients := self.patients_across_splits:
            what = f"{_count(patients, 'patient')} with images in more than one part"
            found.append(Finding(what, "move all images of a patient into the same part"))
        if pairs := self.images_across_splits:
            found.append(Finding(f"{_count(pairs, 'pair')} of the same image in two parts", "keep it in one of them"))
        return found + _leaks(self.measures, in_file=True)

    @property
    def warnings(self) -> list[Finding]:
        """What is worth knowing and need stop nobody."""
        found = _leaks(self.measures, in_file=False)
        for what, advice in (
            (self.unreadable and f"{_count(self.unreadable, 'file')} that cannot be read", "replace or remove them"),
            (
                self.missing and f"{_count(self.missing, 'file')} that a table lists and that are not there",
                "fetch them",
            ),
            (
                self.identical and f"{_count(self.identical, 'pair')} of identical files",
                "remove the copies, which count twice; training keeps them on one side of a split",
            ),
            (
                self.alike and f"{_count(self.alike, 'pair')} of nearly the same image",
                "look at them; training keeps them on one side of a split",
            ),
        ):
            if what:
                found.append(Finding(what, advice))
        return found


def audit(folder: Path) -> Audit:
    """Read all of ``folder``, which holds one data set, or several in train/, val/ and test/. Raises DatasetError."""
    parts = {name: folder / name for name in SPLITS if (folder / name).is_dir()} or {"": folder}
    read = {name: read_dataset(place, report=lambda line: None) for name, place in parts.items()}
    whole = _together(list(read.values()))
    splits = tuple(name for name, part in read.items() if name for _ in part.examples)
    facts = tuple(read_file_facts(example.path) for example in whole.examples)
    chosen = [i for i, name in enumerate(splits) if name == splits[0]] or range(len(facts))
    part = whole.part(chosen)
    return Audit(
        folder,
        whole.examples,
        facts,
        splits,
        *_duplicates(whole, facts),
        part,
        (*measure_files(part, [facts[i] for i in chosen]), *measure_pictures(part)),
        whole.unreadable,
        tuple(name for place in parts.values() for name in find(place).missing),
    )


def refuse_misleading(dataset: Dataset, folder: Path) -> None:
    """Raise TrainingError, in one sentence, where the audit finds that ``dataset`` would fool a network."""
    facts = [read_file_facts(example.path) for example in dataset.examples]
    identical, alike = _duplicates(dataset, facts)
    problems = _contradicted(_contradictions(dataset.examples, identical + alike))
    problems += _leaks(measure_files(dataset, facts), in_file=True)
    if problems:
        raise TrainingError(
            f"{folder} would mislead a network, for {' and '.join(problem.what for problem in problems)}; "
            "see audit_dataset for advice, or train with --despite-audit."
        )


def _together(parts: Sequence[Dataset]) -> Dataset:
    if len(parts) == 1:
        return parts[0]
    return Dataset(
        tuple(example for part in parts for example in part.examples),
        np.concatenate([part.pixels for part in parts]),
        fingerprint="",
        unreadable=tuple(each for part in parts for each in part.unreadable),
    )


def _duplicates(dataset: Dataset, facts: Sequence[FileFacts]) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Return the pairs of identical files, and the pairs of other files with nearly the same image."""
    same = defaultdict(list)
    for index, each in enumerate(facts):
        same[each.sha256].append(index)
    identical = tuple(pair for group in same.values() for pair in combinations(group, 2))
    alike = (pair for pair in near_duplicates(dataset.pixels) if facts[pair[0]].sha256 != facts[pair[1]].sha256)
    return identical, tuple(alike)


def _contradictions(examples: Sequence[Example], pairs: Iterable[Pair]) -> list[Pair]:
    return [(a, b) for a, b in pairs if examples[a].label != examples[b].label]


def _contradicted(pairs: Sequence[Pair]) -> list[Finding]:
    what = f"{_count(pairs, 'pair')} of the same image with the labels {' and '.join(LABELS)}"
    return [Finding(what, "find out which label is right, and remove the other file")] if pairs else []


def _leaks(measures: Iterable[Measured], in_file: bool) -> list[Finding]:
    telling = (each for each in measures if each.tells_label and each.in_file == in_file)
    return [Finding(str(each), each.advice) for each in telling]


def _with_several(memberships: Iterable[tuple[str, str | int]]) -> list[str]:
    """Return the names, sorted, that come with more than one value."""
    values = defaultdict(set)
    for name, value in memberships:
        values[name].add(value)
    return sorted(name for name, them in values.items() if len(them) > 1)


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
