"""Bars of stacked counts."""

from __future__ import annotations

import pytest

from diagnosis.engine.bars import HEIGHT, WIDTH, bars


def test_the_highest_bar_fills_the_box_and_the_others_are_in_proportion() -> None:
    high, low, empty = bars([[3, 0, 1], [0, 2, 0], [0, 0, 0]])
    assert [(piece.kind, piece.y, piece.height) for piece in high.pieces] == [(0, 25, 75), (2, 0, 25)]
    assert [(piece.kind, piece.y, piece.height) for piece in low.pieces] == [(1, HEIGHT / 2, HEIGHT / 2)]
    assert empty.pieces == ()


def test_bars_stand_side_by_side_within_the_box() -> None:
    drawn = bars([[1]] * 30)
    ends = [0.0, *(bar.x + bar.width for bar in drawn), WIDTH]
    assert all(bar.x > before for bar, before in zip(drawn, ends[:-2], strict=True))
    assert ends[-2] < WIDTH


@pytest.mark.parametrize("rows", [[], [[]], [[0, 0]]])
def test_nothing_is_no_bar_with_pieces(rows: list[list[int]]) -> None:
    assert all(bar.pieces == () for bar in bars(rows))
