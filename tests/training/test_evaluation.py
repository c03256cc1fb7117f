"""No patient's image helps to choose the calibration and the threshold by which it is judged."""

import numpy as np
import pytest

from diagnosis.engine.figures import figures
from tests.training.conftest import make_dataset
from training.calibration import calibrate
from training.evaluation import Floats, judge_out_of_fold, measure

RANDOM = np.random.default_rng(4)
LABELS = np.repeat([0, 1], 60)
PATIENTS = [str(i // 3) for i in range(120)]
LOGITS = RANDOM.normal(LABELS * 1.5, 1)


def test_a_patients_own_labels_do_not_move_the_answers_to_its_images() -> None:
    other = LABELS.copy()
    other[:3] = 1
    first, second = (judge_out_of_fold(LOGITS, each, PATIENTS, calibrate(LOGITS, each)) for each in (LABELS, other))
    for before, after in zip(first, second, strict=True):
        assert (before[:3] == after[:3]).all()
        assert (before != after).any(), "those of other patients move"


def test_a_network_that_knows_nothing_is_not_praised_for_a_threshold_that_happened_to_fit() -> None:
    praised, honest = 0.0, 0.0
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(size=len(LABELS))
        whole = calibrate(logits, LABELS)
        praised += youden(whole.probabilities(logits), np.full(len(logits), whole.threshold)) / 20
        honest += youden(*judge_out_of_fold(logits, LABELS, PATIENTS, whole)) / 20
    assert praised > 0.1
    assert honest < 0.05


def youden(chances: Floats, thresholds: Floats) -> float:
    found = figures(LABELS, chances, thresholds, resamples=1)
    return found["sensitivity"].value + found["specificity"].value - 1


def test_the_ranking_is_that_of_the_logits_and_the_calibration_that_of_all_parts() -> None:
    pixels = np.zeros((120, 1, 1), np.uint8)
    parts = {
        "one": make_dataset(PATIENTS, LABELS.tolist(), pixels),
        "two": make_dataset(PATIENTS, LABELS.tolist(), pixels),
    }
    logits = {"one": LOGITS, "two": LOGITS / 4}
    calibration, metrics = measure(parts, logits)
    assert calibration == calibrate(np.concatenate([LOGITS, LOGITS / 4]), np.tile(LABELS, 2))
    for name, part in metrics.items():
        assert (part["images"], part["patients"]) == (120, 40)
        auroc = figures(LABELS, 1 / (1 + np.exp(-logits[name])), 0.5, PATIENTS)["auroc"]
        assert part["auroc"] == {key: pytest.approx(getattr(auroc, key), abs=1e-4) for key in ("value", "low", "high")}
    assert metrics["one"]["brier"]["value"] < metrics["two"]["brier"]["value"]


def test_one_patient_in_a_class_is_judged_all_the_same() -> None:
    whole = calibrate(LOGITS[:61], LABELS[:61])
    chances, thresholds = judge_out_of_fold(LOGITS[:61], LABELS[:61], PATIENTS[:61], whole)
    assert np.isfinite(chances).all()
    assert thresholds[60] == whole.threshold
