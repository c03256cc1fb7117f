"""The documents as tests read them: their files, their blocks of code and the first cells of their tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDERS = ("clients", "docker", "docs", "training")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])


def blocks(document: str) -> list[Block]:
    """Return the fenced blocks of a document, in their order."""
    return [Block(*found) for found in _BLOCK.findall((ROOT / document).read_text())]


def prose(path: Path) -> str:
    """Return what stands outside of the blocks."""
    return _BLOCK.sub("", path.read_text())


def first_cells(document: str) -> list[str]:
    """Return what the first column of a document's tables names in ``code``, heads and rules left out."""
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / document).read_text(), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)[^`]*`", row)]
