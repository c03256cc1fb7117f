"""Two classifiers on the same images: what differs, by how much, and whether chance explains it."""

import numpy as np
import pytest

from diagnosis.engine.comparison import FEWEST, compare, mcnemar
from diagnosis.engine.figures import figures

THRESHOLDS = (0.5, 0.5)


def many(seed: int, noise: float, size: int = 400) -> tuple[list[int], list[float], list[str]]:
    random = np.random.default_rng(seed)
    labels = [i % 2 for i in range(size)]
    chances = 1 / (1 + np.exp(-(3 * (np.array(labels) - 0.5) + noise * np.random.default_rng(9).normal(size=size))))
    jitter = random.normal(0, 0.01, size)
    return labels, list(np.clip(chances + jitter, 0, 1)), [str(i) for i in range(size)]


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 5, 2 / 32),
        (6, 0, 2 / 64),
        (1, 9, 2 * (1 + 10) / 1024),
        (8, 2, 2 * (1 + 10 + 45) / 1024),
    ],
)
def test_mcnemars_p_is_the_one_worked_out_by_hand(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar([-1] * only_a + [0] * 5 + [1] * only_b) == pytest.approx(p)


def test_mcnemars_p_of_thousands_is_a_number() -> None:
    assert mcnemar([1, -1] * 2600) == 1
    assert 0 < mcnemar([-1] * 2300 + [1] * 2700) < 1e-6


@pytest.mark.parametrize(
    ("balances", "p"),
    [
        ([-10], 1.0),  # of the two signs one is as good as the other
        ([3, 1], 2 / 4),  # 4 and -4
        ([3, -1], 4 / 4),  # each of the four sums is at least 2 from zero
        ([2, 2, 2, 1, -1], 6 / 32),  # 8, 6 and 6, and the same below zero
    ],
)
def test_mcnemars_p_counts_patients_and_not_their_images(balances: list[int], p: float) -> None:
    assert mcnemar(balances) == pytest.approx(p)


def test_chance_alone_seldom_tells_two_equals_apart_although_the_images_of_a_patient_fare_alike() -> None:
    labels, patients = [0] * 100 + [1] * 100, [str(i // 5) for i in range(200)]
    alarms = 0
    for seed in range(60):
        misread = np.random.default_rng(seed).random((2, 40)) < 0.3
        a, b = (list(np.abs(np.array(labels) - np.repeat(each, 5))) for each in misread)
        alarms += compare(labels, (a, b), THRESHOLDS, patients, resamples=1).p < 0.05
    assert alarms <= 6


def test_many_images_of_a_few_patients_prove_nothing() -> None:
    labels = [1] * 100 + [0] * 50
    patients = [str(i // 10) for i in range(100)] + [f"healthy {i}" for i in range(50)]
    a, few, more = (
        [0.1] * 10 * missed + [0.9] * (100 - 10 * missed) + [0.1] * 50 for missed in (0, FEWEST - 1, FEWEST)
    )
    found = compare(labels, (a, few), THRESHOLDS, patients)
    assert found.differences["sensitivity"].high < 0
    assert found.worse == ("auroc",)
    assert "sensitivity" in compare(labels, (a, more), THRESHOLDS, patients).worse


def test_differences_and_counts_are_those_worked_out_by_hand() -> None:
    labels = [1, 1, 1, 1, 0, 0, 0, 0]
    a = [0.9, 0.8, 0.7, 0.2, 0.1, 0.2, 0.3, 0.6]
    b = [0.9, 0.4, 0.7, 0.8, 0.1, 0.2, 0.7, 0.6]
    found = compare(labels, (a, b), THRESHOLDS, list("abcdefgh"))
    sensitivity, specificity = found.differences["sensitivity"], found.differences["specificity"]
    assert (sensitivity.a, sensitivity.b, sensitivity.value) == (0.75, 0.75, 0.0)
    assert (specificity.a, specificity.b, specificity.value) == (0.75, 0.5, -0.25)
    # A: 0.9, 0.8 and 0.7 win four each, 0.2 wins one and ties with one; B: 4, 2, 3.5, 4
    assert found.differences["auroc"].a == pytest.approx(13.5 / 16)
    assert found.differences["auroc"].b == pytest.approx(13.5 / 16)
    counts = (found.both_right, found.only_a_right, found.only_b_right, found.neither_right)
    assert counts == (4, 2, 1, 1)
    assert found.p == 1
    assert (found.images, found.patients) == (8, 8)


def test_each_is_judged_at_its_own_threshold() -> None:
    labels, chances = [0, 0, 1, 1], [0.1, 0.3, 0.4, 0.6]
    found = compare(labels, (chances, chances), (0.35, 0.5), list("abcd"))
    assert found.differences["sensitivity"].a == 1
    assert found.differences["sensitivity"].b == 0.5


def test_the_same_answers_do_not_differ_at_all() -> None:
    labels, chances, patients = many(1, 1.0)
    found = compare(labels, (chances, chances), THRESHOLDS, patients)
    assert all((each.value, each.low, each.high) == (0, 0, 0) for each in found.differences.values())
    assert (found.worse, found.better, found.p) == ((), (), 1.0)


def test_a_noisier_classifier_is_worse_in_every_figure_and_the_other_better() -> None:
    labels, good, patients = many(1, 1.0)
    poor = many(2, 4.0)[1]
    found = compare(labels, (good, poor), THRESHOLDS, patients)
    assert found.worse == ("auroc", "sensitivity", "specificity", "correctness")
    assert found.differences["auroc"].low < found.differences["auroc"].value < found.differences["auroc"].high < 0
    back = compare(labels, (poor, good), THRESHOLDS, patients)
    assert (back.worse, back.better) == ((), found.worse)
    swapped = found.swapped()
    assert (swapped.worse, swapped.better, swapped.only_a_right) == ((), found.worse, found.only_b_right)
    assert swapped.differences["auroc"].value == pytest.approx(back.differences["auroc"].value)
    assert swapped.differences["auroc"].low == pytest.approx(-found.differences["auroc"].high)


def test_pairing_narrows_the_interval() -> None:
    labels, a, patients = many(1, 3.0)
    b = many(2, 3.0)[1]  # the same noise, and a little of its own
    paired = compare(labels, (a, b), THRESHOLDS, patients).differences["auroc"]
    alone = figures(labels, a, 0.5, patients)["auroc"]
    assert paired.high - paired.low < (alone.high - alone.low) / 4


def test_images_of_one_patient_do_not_feign_certainty() -> None:
    labels, a, _ = many(1, 1.0, 40)
    b = many(2, 2.5, 40)[1]
    alone = compare(labels, (a, b), THRESHOLDS, [str(i) for i in range(40)]).differences["auroc"]
    of_one = [str(i) for i in range(40)] * 10
    tenfold = compare(labels * 10, (a * 10, b * 10), THRESHOLDS, of_one).differences["auroc"]
    assert tenfold.high - tenfold.low == pytest.approx(alone.high - alone.low, rel=0.2)


def test_a_handful_of_images_proves_nothing_however_far_apart_the_answers_are() -> None:
    few = FEWEST - 1
    labels = [1] * few + [0] * 50
    a = [0.9] * few + [0.1] * 50
    b = [0.05] * few + [0.1] * 50
    found = compare(labels, (a, b), THRESHOLDS, [str(i) for i in range(len(labels))])
    assert found.differences["sensitivity"].high == -1
    assert found.worse == ()
    more = compare([1, *labels], ([0.9, *a], [0.05, *b]), THRESHOLDS, [str(i) for i in range(len(labels) + 1)])
    assert more.worse == ("auroc", "sensitivity", "correctness")


def test_a_difference_whose_interval_holds_zero_proves_nothing_though_many_answers_differ() -> None:
    labels = [1] * 100 + [0] * 50
    a = [0.1] * 8 + [0.9] * 92 + [0.1] * 50
    b = [0.9] * 8 + [0.1] * 12 + [0.9] * 80 + [0.1] * 50
    found = compare(labels, (a, b), THRESHOLDS, [str(i) for i in range(150)])
    assert found.differences["sensitivity"].low < found.differences["sensitivity"].value < 0
    assert found.differences["sensitivity"].high > 0
    assert (found.worse, found.better) == ((), ())


def test_a_lost_figure_is_told_beside_one_that_was_won() -> None:
    labels, a, patients = many(1, 2.0)
    found = compare(labels, (a, a), (0.5, 0.9), patients)
    assert found.worse[0] == "sensitivity"
    assert found.better == ("specificity",)


def test_the_same_seed_gives_the_same_intervals() -> None:
    labels, a, patients = many(1, 1.0, 60)
    b = many(2, 2.0, 60)[1]
    assert compare(labels, (a, b), THRESHOLDS, patients) == compare(labels, (a, b), THRESHOLDS, patients)
