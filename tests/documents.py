"""The documents as tests read them: their files, their blocks of code and their tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def documents() -> list[Path]:
    """Return every Markdown file of the project, and of nothing that lies beside it."""
    beside = {".venv", "var", "node_modules"}
    return sorted(
        path for path in ROOT.rglob("*.md") if not any(part in beside or part.startswith(".") for part in parts(path))
    )


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).parts


def blocks(document: str) -> list[Block]:
    """Return the fenced blocks of a document, in their order."""
    return [Block(*found) for found in _BLOCK.findall((ROOT / document).read_text())]


def prose(path: Path) -> str:
    """Return what stands outside of the blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
