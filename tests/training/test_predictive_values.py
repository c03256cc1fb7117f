import numpy as np
import pytest

from diagnosis.engine.figures import NAMES, PREVALENCE, figures

# sensitivity 9/10, specificity 4/5
LABELS = [1] * 10 + [0] * 5
CHANCES = [0.9] * 9 + [0.1] + [0.2] * 4 + [0.8]


def test_predictive_values_are_those_of_bayes_worked_out_by_hand() -> None:
    found = figures(LABELS, CHANCES, 0.5, prevalence=0.1)
    # of 1,000 patients 100 are sick: 90 are found; of the 900 others 180 are called sick
    assert found["ppv"].value == pytest.approx(90 / (90 + 180))
    assert found["npv"].value == pytest.approx(720 / (720 + 10))


def test_predictive_values_do_not_follow_the_share_of_the_sick_in_the_folder() -> None:
    once, tenfold = (
        figures(LABELS, CHANCES, 0.5),
        figures(LABELS[:10] * 10 + LABELS[10:], CHANCES[:10] * 10 + CHANCES[10:], 0.5),
    )
    assert once["ppv"].value == pytest.approx(tenfold["ppv"].value)
    assert once["ppv"].value == pytest.approx(0.9 * PREVALENCE / (0.9 * PREVALENCE + 0.2 * (1 - PREVALENCE)))


def test_the_interval_of_a_predictive_value_holds_its_value() -> None:
    found = figures(LABELS, CHANCES, 0.5)
    for name in ("ppv", "npv"):
        assert found[name].low < found[name].value <= found[name].high


def test_who_calls_nobody_sick_has_no_positive_predictive_value() -> None:
    found = figures([0, 1], [0.1, 0.2], threshold=0.5)
    assert np.isnan(found["ppv"].value)
    assert found["npv"].value == pytest.approx(1 - PREVALENCE)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, float("nan")])
def test_a_prevalence_that_is_no_share_is_an_error(prevalence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        figures(LABELS, CHANCES, 0.5, prevalence=prevalence)


def test_the_names_keep_their_order() -> None:
    assert NAMES[:6] == ("accuracy", "auroc", "sensitivity", "specificity", "ece", "brier")
    assert tuple(figures(LABELS, CHANCES, 0.5)) == NAMES
