"""What a network is worth on patients that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.figures import figures
from training.calibration import Calibration, calibrate
from training.datasets import Dataset

Floats = NDArray[np.float64]

#: So many times calibration and threshold are fitted anew, each time without some of the patients.
FOLDS = 5


def measure(parts: Mapping[str, Dataset], logits: Mapping[str, Floats]) -> tuple[Calibration, dict[str, Any]]:
    """Calibrate on the logits, shape (N,), of all ``parts`` together; return that, and the figures of each part.

    Each figure is ``{value, low, high}``, with the ends of the 95 % bootstrap interval over patients. They are out of
    fold: every image is judged by a calibration and a threshold that were fitted without its patient. The AUROC needs
    neither, and is that of the logits.
    """
    every = np.concatenate([logits[name] for name in parts])
    labels = np.concatenate([part.labels for part in parts.values()])
    patients = [patient for part in parts.values() for patient in part.patients]
    calibration = calibrate(every, labels)
    chances, thresholds = judge_out_of_fold(every, labels, patients, calibration)
    measured, end = {}, 0
    for name, part in parts.items():
        start, end = end, end + len(part.examples)
        ranking = calibration.probabilities(logits[name])
        measured[name] = _measure(part, chances[start:end], thresholds[start:end], ranking)
    return calibration, measured


def judge_out_of_fold(
    logits: Floats, labels: NDArray[np.int64], patients: Sequence[str], whole: Calibration
) -> tuple[Floats, Floats]:
    """Return each image's probability and its threshold, shape (N,), by a calibration without its patient.

    Where the other patients are all of one class there is no such calibration, and ``whole`` judges.
    """
    names, members = np.unique(np.asarray(patients), return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(names)) % FOLDS)[members]
    chances, thresholds = np.empty(len(logits)), np.empty(len(logits))
    for number in range(FOLDS):
        held, others = fold == number, labels[fold != number]
        judge = calibrate(logits[fold != number], others) if len(np.unique(others)) == 2 else whole
        chances[held], thresholds[held] = judge.probabilities(logits[held]), judge.threshold
    return chances, thresholds


def _measure(part: Dataset, chances: Floats, thresholds: Floats, ranking: Floats) -> dict[str, Any]:
    found = figures(part.labels, chances, thresholds, groups=part.patients)
    found |= {"auroc": figures(part.labels, ranking, 0.5, groups=part.patients)["auroc"]}
    rounded = {
        name: {"value": _short(figure.value), "low": _short(figure.low), "high": _short(figure.high)}
        for name, figure in found.items()
    }
    return {"images": len(part.examples), "patients": len(set(part.patients)), **rounded}


def _short(value: float) -> float | None:
    """Round to what the interval can bear; None, as JSON has no NaN."""
    return None if np.isnan(value) else round(value, 4)
