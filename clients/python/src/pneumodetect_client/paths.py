"""Which files are meant by the words of a command line."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def files_of(words: Iterable[str]) -> Iterator[Path]:
    """Return files as they are named, those in folders, and what patterns match; what is not there is kept too."""
    for word in words:
        matches = [word] if Path(word).exists() else sorted(glob.glob(word, recursive=True))  # noqa: PTH207  # a pattern may be absolute
        for match in matches or [word]:
            yield from _within(Path(match))


def _within(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
