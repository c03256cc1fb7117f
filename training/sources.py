"""What a run that is started from the admin may be given: folders and files below the folder of training data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from diagnosis.engine.examples import LABELS, nih
from training.errors import TrainingError

#: Folders are looked for so many levels below the folder of training data.
DEPTH = 3
NOT_SET = "PNEUMODETECT_TRAINING_DATA_DIR is not set: it names the folder that holds the training data."


def data_folders() -> list[str]:
    """Return the folders that hold training data, relative to the folder of training data."""
    return sorted(_relative(folder) for folder in _folders(root(), DEPTH) if _holds_data(folder))


def weight_files() -> list[str]:
    return sorted(_relative(file) for folder in _folders(root(), 1) for file in folder.glob("*.npz"))


def root() -> Path:
    """Raise TrainingError where the setting is off."""
    if settings.TRAINING_DATA_DIR is None:
        raise TrainingError(NOT_SET)
    return Path(settings.TRAINING_DATA_DIR)


def resolve(name: str) -> Path:
    """Return where ``name`` lies. Raises TrainingError where it is not below the folder of training data, or gone."""
    path = (root() / name).resolve()
    if not path.is_relative_to(root().resolve()):
        raise TrainingError(f"{name!r} lies outside of the folder of training data.")
    if not path.exists():
        raise TrainingError(f"The folder of training data on the training worker's machine holds no {name!r}.")
    return path


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth and not _holds_data(folder):  # a folder of images may hold thousands of entries, and no folders to offer
        for child in folder.iterdir():
            if child.is_dir() and not child.name.startswith(".") and child.name not in LABELS:
                yield from _folders(child, depth - 1)


def _holds_data(folder: Path) -> bool:
    tables = nih.entry_table(folder) or (folder / nih.LABELS_TABLE).is_file()
    return bool(tables) or all((folder / name).is_dir() for name in LABELS)


def _relative(path: Path) -> str:
    return path.relative_to(root()).as_posix()
