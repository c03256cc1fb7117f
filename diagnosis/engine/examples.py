"""Labelled images in the layout of the Kaggle set: a folder for each class, the patient in the file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.header import SUFFIXES

#: The class names and folder names, the positive one last.
LABELS = ("NORMAL", "PNEUMONIA")

_PATIENT = re.compile(r"(person\d+|NORMAL\d+-IM-\d+|IM-\d+)")
_SUBTYPE = re.compile(r"(bacteria|virus)", re.IGNORECASE)


@dataclass(frozen=True)
class Example:
    """One image: ``label`` is 0 or 1, the place in :data:`LABELS`; ``subtype`` is bacteria, virus or empty."""

    path: Path
    label: int
    patient: str
    subtype: str
    source: str


def patient_of(name: str) -> str:
    """Return the patient that a file name of Kermany et al. (2018) tells of; of other names, the name itself."""
    match = _PATIENT.match(name)
    return match.group(1) if match else Path(name).stem


def find_examples(folder: Path) -> list[Example]:
    """Find the images under ``folder/NORMAL`` and ``folder/PNEUMONIA``, sorted by path; nothing is opened.

    Raises DatasetError where there is no such folder, no image or only one class.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder.")
    examples = [_example(path, label, folder) for label in (0, 1) for path in _images(folder / LABELS[label])]
    missing = [name for label, name in enumerate(LABELS) if all(example.label != label for example in examples)]
    if len(missing) == len(LABELS):
        raise DatasetError(f"{folder} holds no images: they are looked for in {LABELS[0]}/ and {LABELS[1]}/.")
    if missing:
        raise DatasetError(f"{folder} holds no images of the class {missing[0]}; both classes are needed.")
    return examples


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _example(path: Path, label: int, folder: Path) -> Example:
    subtype = _SUBTYPE.search(path.name) if label else None
    return Example(path, label, patient_of(path.name), subtype.group(1).lower() if subtype else "", folder.name)
