"""Bars of stacked counts in a box of 1,000 by 100, to be stretched to any size."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 1000.0, 100.0
#: The share of its place that a bar takes.
FILL = 0.8


def stacked(rows: Sequence[Sequence[int]]) -> list[str]:
    """Return for each kind of count the outline of all its pieces, as an SVG path; empty where it has none.

    Each row of counts is a bar, the first kind at the bottom; the highest bar fills the box.
    """
    most = max((sum(row) for row in rows), default=0)
    place = WIDTH / max(len(rows), 1)
    paths = [""] * max((len(row) for row in rows), default=0)
    for number, row in enumerate(rows):
        x, bottom = place * (number + (1 - FILL) / 2), HEIGHT
        for kind, count in enumerate(row):
            if count:
                height = HEIGHT * count / most
                paths[kind] += f"M{x:.1f} {bottom:.2f}v{-height:.2f}h{place * FILL:.1f}v{height:.2f}z"
                bottom -= height
    return paths
