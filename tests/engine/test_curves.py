"""The curves are drawn from whatever the history holds."""

from __future__ import annotations

import math

import pytest

from diagnosis.engine.curves import BOTTOM, LEFT, RIGHT, TOP, charts


def test_each_kind_of_figure_has_its_chart_with_a_line_for_each_column() -> None:
    history = [
        {"loss": 0.4, "clean_loss": 0.5, "clean_auroc": 0.96},
        {"loss": 0.2, "clean_loss": 0.3, "clean_auroc": 1},
    ]
    loss, auroc = charts(history)
    assert (loss.title, [line.name for line in loss.lines]) == ("Loss", ["training", "validation"])
    assert (auroc.title, [line.name for line in auroc.lines]) == ("AUROC", ["validation"])
    assert loss.summary == "Loss after epoch 2: training 0.2, validation 0.3"
    assert loss.lines[1].number == auroc.lines[0].number, "it looks the same in both"


def test_the_points_lie_where_their_values_say() -> None:
    loss, auroc = charts([{"loss": 0.4, "clean_auroc": 0.96}, {"loss": 0.2}, {"loss": 0.0, "clean_auroc": 1.0}])
    (first, middle, last) = loss.lines[0].points
    assert first == (LEFT, TOP), "0.4 is the highest"
    assert middle == pytest.approx(((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2))
    assert last == (RIGHT, BOTTOM)
    assert list(auroc.lines[0].points) == [pytest.approx((LEFT, BOTTOM)), (RIGHT, TOP)], (
        "an epoch without it is left out"
    )
    assert [text for _, text in auroc.levels] == ["0.96", "0.98", "1"]
    assert loss.lines[0].path.startswith("38.0,10.0 ")


def test_what_is_no_number_is_left_out() -> None:
    assert charts([]) == []
    assert charts([{"loss": None}, {"loss": math.nan}, {"loss": "0.3"}]) == []
    (loss,) = charts([{"loss": math.inf}, {"loss": 0.3}])
    assert len(loss.lines[0].points) == 1
