"""Bars of stacked counts."""

from __future__ import annotations

import re

import pytest

from diagnosis.engine.bars import HEIGHT, WIDTH, stacked


def pieces(path: str) -> list[tuple[float, float, float, float]]:
    """Return left edge, bottom, height and width of each piece."""
    found = re.findall(r"M([\d.]+) ([\d.]+)v-([\d.]+)h([\d.]+)v\3z", path)
    assert "".join(f"M{x} {y}v-{height}h{width}v{height}z" for x, y, height, width in found) == path
    return [(float(x), float(y), float(height), float(width)) for x, y, height, width in found]


def test_the_highest_bar_fills_the_box_and_the_others_are_in_proportion() -> None:
    bottom, middle, top = map(pieces, stacked([[3, 0, 1], [0, 2, 0], [0, 0, 0]]))
    assert [(y, height) for _, y, height, _ in bottom] == [(HEIGHT, 75)]
    assert [(y, height) for _, y, height, _ in middle] == [(HEIGHT, HEIGHT / 2)]
    assert [(y, height) for _, y, height, _ in top] == [(25, 25)]
    assert bottom[0][0] == top[0][0]


def test_bars_stand_side_by_side_within_the_box() -> None:
    [path] = stacked([[1]] * 30)
    drawn = pieces(path)
    ends = [0.0, *(x + width for x, _, _, width in drawn)]
    assert len(drawn) == 30
    assert all(x > before for (x, *_), before in zip(drawn, ends, strict=False))
    assert ends[-1] < WIDTH


@pytest.mark.parametrize("rows", [[], [[]], [[0, 0]]])
def test_nothing_has_no_outline(rows: list[list[int]]) -> None:
    assert not any(stacked(rows))
