"""NIH ChestX-ray (Wang et al., CVPR 2017): a table of findings and a folder of images.

Pneumonia, alone or among other findings, against "No Finding"; images with other findings only are left out. The
labels were mined from reports: of the "Pneumonia" images that RSNA's radiologists read again, 43 % show an opacity.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples.example import LABELS, Example, Found, images_under

#: The table of a selection of images, with a path and a label each.
LABELS_TABLE = "labels.csv"

Row = dict[str, str]

#: The published table holds ages like 414: slips of the pen.
_OLDEST = 120
_YEARS_IN = {"Y": 1, "M": 12, "W": 52, "D": 365}


def entry_table(folder: Path) -> Path | None:
    """Return the official table in ``folder``, of several the latest; None where there is none."""
    return max(folder.glob("Data_Entry_2017*.csv"), default=None)


def read_entries(table: Path) -> Found:
    """Read the official table; its images lie anywhere below its folder (``images/``, ``images_001/images/``, …)."""
    images = {path.name: path for path in images_under(table.parent)}

    def example(row: Row) -> tuple[str, Example] | None:
        findings = row["Finding Labels"].split("|")
        if "Pneumonia" not in findings and findings != ["No Finding"]:
            return None
        name = row["Image Index"]
        return name, Example(
            images.get(name, table.parent / name),
            int("Pneumonia" in findings),
            row["Patient ID"].zfill(8),
            subtype="",
            source=table.parent.name,
            age=_age(row.get("Patient Age", "")),
            sex=row.get("Patient Gender", ""),
            view=row.get("View Position", ""),
        )

    return _read(table, ("Image Index", "Finding Labels", "Patient ID"), example)


def read_labels(table: Path) -> Found:
    """Read a table with the columns path, binary_label and patient_id and, where known, age, sex, view and
    rsna_lung_opacity. The paths begin in the table's folder."""

    def example(row: Row) -> tuple[str, Example] | None:
        if row["binary_label"] not in LABELS:
            raise DatasetError(f"{table}: the label {row['binary_label']!r} of {row['path']} is none of {LABELS}.")
        return row["path"], Example(
            table.parent / row["path"],
            LABELS.index(row["binary_label"]),
            row["patient_id"],
            subtype="",
            source=table.parent.name,
            age=_age(row.get("age", "")),
            sex=row.get("sex", ""),
            view=row.get("view", ""),
            rsna_opacity={"0": False, "1": True}.get(row.get("rsna_lung_opacity", "")),
        )

    return _read(table, ("path", "binary_label", "patient_id"), example)


def _read(table: Path, needed: tuple[str, ...], example: Callable[[Row], tuple[str, Example] | None]) -> Found:
    """Make an example of each row that is of use, sorted by class and path; name those without a file."""
    there: list[Example] = []
    missing: list[str] = []
    for row in _rows(table, needed):
        if not (named := example(row)):
            continue
        if named[1].path.is_file():
            there.append(named[1])
        else:
            missing.append(named[0])
    return Found(tuple(sorted(there, key=lambda each: (each.label, each.path))), tuple(missing))


def _rows(table: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            lacking = [name for name in needed if name not in (reader.fieldnames or ())]
            if lacking:
                raise DatasetError(f"{table} lacks the column {lacking[0]!r}, which is needed.")
            for row in reader:
                cells = {str(name): value.strip() for name, value in row.items() if isinstance(value, str)}
                if any(not cells.get(name) for name in needed):
                    raise DatasetError(f"{table} is incomplete in line {reader.line_num}.")
                yield cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a table of comma-separated values: {error}.") from error


def _age(text: str) -> int | None:
    """Return the age in years of ``58``, ``058Y`` or ``011M``; None where it tells none that is possible."""
    match = re.fullmatch(r"(\d+)(?:\.0*)?([YMWD]?)", text)
    if not match:
        return None
    age = int(match[1]) // _YEARS_IN[match[2] or "Y"]
    return age if age <= _OLDEST else None
