"""Which files of a folder are radiographs to read."""

from __future__ import annotations

from pathlib import Path

from diagnosis.engine.dicom.description import START, is_dicom
from diagnosis.engine.header import SUFFIXES


def radiographs_under(folder: Path) -> list[Path]:
    """Return them sorted by path; nothing where there is no such folder."""
    return sorted(path for path in folder.rglob("*") if _may_be_radiograph(path))


def _may_be_radiograph(path: Path) -> bool:
    """Tell by the name or, since archives name DICOM files by numbers or not at all, by DICOM's own mark."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return path.is_file()
    if suffix.strip(".0123456789") or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return is_dicom(file.read(START))
    except OSError:
        return False
