"""What is known of one labelled image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from diagnosis.engine.header import SUFFIXES

#: The class names and folder names, the positive one last.
LABELS = ("NORMAL", "PNEUMONIA")


@dataclass(frozen=True)
class Example:
    """One image: ``label`` is 0 or 1, the place in :data:`LABELS`; ``subtype`` is bacteria, virus or empty.

    What follows ``source`` is for evaluation by subgroup, and empty or None where the data set does not tell it: age
    in years, sex (M or F), view (PA or AP), and whether RSNA's radiologists, who read the image again, saw an opacity.
    """

    path: Path
    label: int
    patient: str
    subtype: str
    source: str
    age: int | None = None
    sex: str = ""
    view: str = ""
    rsna_opacity: bool | None = None


@dataclass(frozen=True)
class Found:
    """The examples of a folder, and the names of the files that its table lists and that are not there."""

    examples: tuple[Example, ...]
    missing: tuple[str, ...] = ()


def images_under(folder: Path) -> Iterable[Path]:
    """Return the image files under ``folder``, sorted by path; nothing where there is no such folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
