import numpy as np
import pytest

from training.calibration import (
    LEAN,
    PLATEAU,
    Floats,
    Integers,
    calibrate,
    choose_band,
    choose_threshold,
    fit_platt,
    sigmoid,
)

RANDOM = np.random.default_rng(0)


def overconfident(positives: int, negatives: int) -> tuple[Floats, Integers]:
    """Return logits three times too large, moved by 1, with labels: what ``logit / 3 - 1 / 3`` puts right."""
    labels = np.repeat([1, 0], [positives, negatives])
    right = RANDOM.normal(np.where(labels == 1, 1.0, -1.0), np.sqrt(2))  # log odds of these normals: the value itself
    return 3 * right + 1, labels


def test_platt_scaling_finds_the_slope_and_intercept_that_were_hidden() -> None:
    slope, intercept = fit_platt(*overconfident(20_000, 20_000))
    assert slope == pytest.approx(1 / 3, rel=0.03)
    assert intercept == pytest.approx(-1 / 3, abs=0.03)


def test_the_share_of_pneumonia_in_the_folder_does_not_move_the_probabilities() -> None:
    slope, intercept = fit_platt(*overconfident(30_000, 10_000))
    assert slope == pytest.approx(1 / 3, rel=0.04)
    assert intercept == pytest.approx(-1 / 3, abs=0.04)


def test_classes_that_never_mix_still_have_a_finite_fit() -> None:
    slope, intercept = fit_platt(np.array([-9.0, -8, 8, 9]), np.array([0, 0, 1, 1]))
    assert 0 < slope < 2
    assert intercept == pytest.approx(0, abs=1e-6)


def test_the_threshold_is_where_sensitivity_and_specificity_are_best_together() -> None:
    probabilities = np.array([0.1, 0.2, 0.3, 0.45, 0.4, 0.6, 0.8, 0.9])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    # between 0.45 and 0.6 all negatives and 3 of 4 positives are right; between 0.3 and 0.4, 3 of 4 and all
    assert 0.3 < choose_threshold(probabilities, labels) < 0.6


#: What lies LEAN of the way from 0.1 to 0.9, in log odds.
LEANING = sigmoid(np.log(9) * (2 * LEAN - 1))


def test_the_threshold_lies_in_the_upper_half_of_its_plateau() -> None:
    probabilities, labels = np.array([0.05, 0.1, 0.9, 0.95]), np.array([0, 0, 1, 1])
    assert choose_threshold(probabilities, labels) == pytest.approx(LEANING)
    assert 0.5 < LEANING < 0.9


def test_one_odd_image_among_hundreds_does_not_move_the_threshold_to_the_edge() -> None:
    probabilities = np.array([0.1] * 299 + [0.15] + [0.85] + [0.9] * 299)
    labels = np.array([0] * 299 + [1] + [0] + [1] * 299)
    assert choose_threshold(probabilities, labels) == pytest.approx(LEANING)


def test_the_threshold_of_two_normal_distributions_is_known() -> None:
    logits, labels = overconfident(20_000, 20_000)
    probabilities = sigmoid(logits / 3 - 1 / 3)
    threshold = choose_threshold(probabilities, labels)
    youden = [
        (probabilities[labels == 1] >= t).mean() - (probabilities[labels == 0] >= t).mean() for t in (0.5, threshold)
    ]
    assert threshold > 0.5
    assert youden[1] > youden[0] - PLATEAU


def test_one_image_in_a_hundred_falls_beyond_the_band() -> None:
    logits, labels = overconfident(5000, 5000)
    probabilities = sigmoid(logits / 3 - 1 / 3)
    low, high = choose_band(probabilities, labels, threshold=0.5)
    assert (probabilities[labels == 1] < low).mean() == pytest.approx(0.01, abs=0.0005)
    assert (probabilities[labels == 0] >= high).mean() == pytest.approx(0.01, abs=0.0005)


def test_the_band_holds_the_threshold_even_where_the_classes_never_mix() -> None:
    labels = np.repeat([0, 1], 50)
    found = calibrate(np.where(labels == 1, 6.0, -6.0) + np.linspace(-1, 1, 100), labels)
    assert 0 < found.band_low <= found.threshold <= found.band_high < 1


def test_a_network_that_knows_nothing_is_sure_of_nothing() -> None:
    found = calibrate(np.zeros(40), np.repeat([0, 1], [10, 30]))
    assert found.probabilities(np.zeros(1))[0] == pytest.approx(0.5, abs=0.05)
    assert 0 < found.band_low <= found.threshold <= found.band_high < 1
