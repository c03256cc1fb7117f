"""Bars of stacked counts in a box of 1,000 by 100, to be stretched to any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000.0, 100.0
#: The share of its place that a bar takes.
FILL = 0.8


@dataclass(frozen=True)
class Piece:
    """``kind`` is the place of its count in the bar, from 0 at the bottom."""

    kind: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    pieces: tuple[Piece, ...]


def bars(rows: Sequence[Sequence[int]]) -> list[Bar]:
    """Return a bar for each row of counts; the highest one fills the box."""
    most = max((sum(row) for row in rows), default=0)
    place = WIDTH / max(len(rows), 1)
    return [Bar(place * (number + (1 - FILL) / 2), place * FILL, _stack(row, most)) for number, row in enumerate(rows)]


def _stack(row: Sequence[int], most: int) -> tuple[Piece, ...]:
    pieces, top = [], HEIGHT
    for kind, count in enumerate(row):
        if count:
            height = HEIGHT * count / most
            top -= height
            pieces.append(Piece(kind, top, height))
    return tuple(pieces)
