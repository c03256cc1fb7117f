"""Labelled images: one entry point for every data set that can be trained on, measured with or audited."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples import kaggle, nih
from diagnosis.engine.examples.example import LABELS, Example, Found
from diagnosis.engine.examples.kaggle import patient_of

_logger = logging.getLogger(__name__)

__all__ = ["LABELS", "Example", "Found", "find", "find_examples", "patient_of"]

#: So many missing files are named one by one; beyond that they are only counted. A partial download lacks thousands.
NAMED = 20


def find_examples(folder: Path, report: Callable[[str], None] = _logger.warning) -> list[Example]:
    """Return the examples of ``folder``, whatever its layout. What a table lists and is not there is reported.

    Raises DatasetError where there is no such folder, no image, only one class, or a table that cannot be used.
    """
    found = find(folder)
    for name in found.missing[:NAMED]:
        report(f"Skipped {name}: the table lists it, and no such file is in {folder}.")
    if found.missing:
        report(f"{len(found.missing)} of {len(found.missing) + len(found.examples)} listed files are missing.")
    return list(found.examples)


def find(folder: Path) -> Found:
    """Find the images of ``folder`` by what lies in it; none of them is opened.

    A ``Data_Entry_2017*.csv`` makes it NIH ChestX-ray as it is published; a ``labels.csv`` a selection of it; else it
    is in the layout of Kaggle's chest-xray-pneumonia, NORMAL/ and PNEUMONIA/. Raises DatasetError as find_examples.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder.")
    if table := nih.entry_table(folder):
        found = nih.read_entries(table)
    elif (table := folder / nih.LABELS_TABLE).is_file():
        found = nih.read_labels(table)
    else:
        found = Found(tuple(kaggle.read(folder)))
    _check_classes(folder, found)
    return found


def _check_classes(folder: Path, found: Found) -> None:
    missing = [name for label, name in enumerate(LABELS) if all(example.label != label for example in found.examples)]
    if len(missing) == len(LABELS) and found.missing:
        raise DatasetError(f"{folder} holds none of the {len(found.missing)} images that its table lists.")
    if len(missing) == len(LABELS):
        raise DatasetError(f"{folder} holds no images: they are looked for in {LABELS[0]}/ and {LABELS[1]}/.")
    if missing:
        raise DatasetError(f"{folder} holds no images of the class {missing[0]}; both classes are needed.")
