"""Kaggle's chest-xray-pneumonia (Kermany et al. 2018): a folder for each class, the patient in the file's name."""

from __future__ import annotations

import re
from pathlib import Path

from diagnosis.engine.examples.example import LABELS, Example, images_under

_PATIENT = re.compile(r"(person\d+|NORMAL\d+-IM-\d+|IM-\d+)")
_SUBTYPE = re.compile(r"(bacteria|virus)", re.IGNORECASE)


def patient_of(name: str) -> str:
    """Return the patient that a file name of Kermany et al. (2018) tells of; of other names, the name itself."""
    match = _PATIENT.match(name)
    return match.group(1) if match else Path(name).stem


def names_patient(name: str) -> bool:
    """Whether a file name follows the pattern of Kermany et al. (2018)."""
    return _PATIENT.match(name) is not None


def read(folder: Path) -> list[Example]:
    """Return the images under ``folder/NORMAL`` and ``folder/PNEUMONIA``, sorted by class and path."""
    return [_example(path, label, folder) for label in (0, 1) for path in images_under(folder / LABELS[label])]


def _example(path: Path, label: int, folder: Path) -> Example:
    subtype = _SUBTYPE.search(path.name) if label else None
    return Example(path, label, patient_of(path.name), subtype.group(1).lower() if subtype else "", folder.name)
