import numpy as np
import pytest

from diagnosis.engine.figures import figures

LABELS = [0, 0, 0, 1, 1, 1, 1, 1]
CHANCES = [0.1, 0.35, 0.8, 0.3, 0.6, 0.7, 0.9, 0.35]


def test_the_figures_are_those_worked_out_by_hand() -> None:
    found = {name: figure.value for name, figure in figures(LABELS, CHANCES, threshold=0.5).items()}
    assert found["accuracy"] == pytest.approx(5 / 8)
    assert found["sensitivity"] == pytest.approx(3 / 5)
    assert found["specificity"] == pytest.approx(2 / 3)
    # of the 15 pairs, 0.1 loses to all 5; 0.35 loses to 3 and ties with 1; 0.8 loses to 1: (5 + 3.5 + 1) / 15
    assert found["auroc"] == pytest.approx(9.5 / 15)
    squares = [0.01, 0.1225, 0.64, 0.49, 0.16, 0.09, 0.01, 0.4225]
    assert found["brier"] == pytest.approx(sum(squares) / 8)
    # bins of 1/15: {0.1}, {0.3}, {0.35, 0.35}, {0.6}, {0.7}, {0.8}, {0.9}
    assert found["ece"] == pytest.approx((0.1 + 0.7 + abs(0.7 - 1) + 0.4 + 0.3 + 0.8 + 0.1) / 8)


def test_an_answer_on_the_threshold_counts_as_positive() -> None:
    assert figures([0, 1], [0.2, 0.5], threshold=0.5)["sensitivity"].value == 1


def test_certain_and_right_answers_have_no_error_and_no_width() -> None:
    found = figures([0, 1] * 20, [0.0, 1.0] * 20, threshold=0.5)
    assert (found["ece"].value, found["brier"].high) == (0, 0)
    assert (found["auroc"].low, found["auroc"].high) == (1, 1)


def test_eight_of_eight_leave_the_doubt_that_an_exact_interval_knows() -> None:
    low = 0.025 ** (1 / 8)  # with this sensitivity, eight of eight are found once in forty times
    found = figures([1] * 8 + [0] * 400, [0.9] * 8 + [0.1] * 399 + [0.9], threshold=0.5)
    assert found["sensitivity"].low == pytest.approx(low)
    assert found["sensitivity"].high == 1
    none = figures([1] * 8 + [0] * 400, [0.1] * 408, threshold=0.5)["sensitivity"]
    assert none.value == none.low == 0
    assert none.high == pytest.approx(1 - low)
    npv = 0.95 * found["specificity"].value
    assert found["npv"].low == pytest.approx(npv / (npv + 0.05 * (1 - low)))
    assert found["npv"].high == 1


def test_no_false_alarm_among_few_does_not_make_every_alarm_true() -> None:
    found = figures([1] * 30 + [0] * 10, [0.9] * 29 + [0.1] * 11, threshold=0.5)["ppv"]
    alarms = 0.95 * (1 - 0.025 ** (1 / 10))
    assert found.value == found.high == 1
    assert found.low == pytest.approx(0.05 * 29 / 30 / (0.05 * 29 / 30 + alarms))


def test_many_images_of_one_patient_leave_the_doubt_of_one() -> None:
    found = figures([1] * 50 + [0], [0.9] * 50 + [0.1], 0.5, groups=["one"] * 50 + ["other"])
    assert found["sensitivity"].low == pytest.approx(0.025)
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 2))


def test_each_answer_may_have_its_own_threshold() -> None:
    found = figures([1, 0, 1, 0], [0.8, 0.6, 0.4, 0.2], np.array([0.9, 0.7, 0.3, 0.3]), resamples=1)
    assert (found["sensitivity"].value, found["specificity"].value) == (0.5, 1)


def test_the_interval_of_a_share_is_as_wide_as_theory_says() -> None:
    labels = np.ones(400, dtype=int)
    chances = np.where(np.arange(400) < 320, 0.9, 0.1)  # sensitivity 0.8, standard error 0.02
    found = figures(labels, chances, threshold=0.5, resamples=2000)["sensitivity"]
    assert found.low == pytest.approx(0.8 - 1.96 * 0.02, abs=0.006)
    assert found.high == pytest.approx(0.8 + 1.96 * 0.02, abs=0.006)


def test_images_of_one_patient_do_not_narrow_the_interval() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 100)
    chances = np.clip(0.5 + 0.2 * (labels - 0.5) + random.normal(0, 0.2, 100), 0, 1)
    alone = figures(labels, chances, 0.5)["auroc"]
    tenfold = figures(np.repeat(labels, 10), np.repeat(chances, 10), 0.5, groups=np.repeat(np.arange(100), 10))[
        "auroc"
    ]
    feigned = figures(np.repeat(labels, 10), np.repeat(chances, 10), 0.5)["auroc"]
    assert tenfold.high - tenfold.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert feigned.high - feigned.low < 0.5 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert figures(LABELS, CHANCES, 0.5, seed=3) == figures(LABELS, CHANCES, 0.5, seed=3)


def test_one_class_alone_has_no_auroc() -> None:
    found = figures([1, 1], [0.7, 0.9], threshold=0.5)
    assert np.isnan([found["auroc"].value, found["specificity"].low]).all()
    assert found["sensitivity"].value == 1


@pytest.mark.parametrize(
    ("labels", "chances"), [([], []), ([0, 1], [0.5]), ([0, 2], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0], [np.nan])]
)
def test_what_is_no_answer_is_an_error(labels: list[int], chances: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pair up|must be 0 or 1"):
        figures(labels, chances, threshold=0.5)
