"""From logits to probabilities, and from probabilities to a label: chosen on validation images, never on a test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: How common pneumonia is meant to be among the images. Half: neither the 74 % of the training folder nor the few per
#: cent of practice is that of the next hospital, and from even odds everyone can multiply with the odds of his own.
PRIOR = 0.5

#: Share of either class that may fall beyond the band of uncertain answers, on its wrong side.
BEYOND_BAND = 0.01

#: Thresholds whose Youden index is this close to the highest count as equally good.
PLATEAU = 0.005

#: How far up that plateau the threshold lies, 0 to 1. Not in its middle: in radiographs from elsewhere NORMAL begins
#: to look like PNEUMONIA, and hardly ever the other way round.
LEAN = 0.8

#: A card's threshold and band must lie inside 0 to 1.
EDGE = 1e-4


@dataclass(frozen=True)
class Calibration:
    """``sigmoid(slope * logit + intercept)`` is the probability; threshold and band are probabilities."""

    slope: float
    intercept: float
    threshold: float
    band_low: float
    band_high: float

    def probabilities(self, logits: Floats) -> Floats:
        return sigmoid(self.slope * logits + self.intercept)


def calibrate(logits: Floats, labels: Integers) -> Calibration:
    """Fit slope, intercept, threshold and band on the logits, shape (N,), of both classes (labels 0 or 1)."""
    slope, intercept = fit_platt(logits, labels)
    probabilities = sigmoid(slope * logits + intercept)
    threshold = choose_threshold(probabilities, labels)
    low, high = choose_band(probabilities, labels, threshold)
    return Calibration(slope, intercept, threshold, low, high)


def sigmoid(x: Floats) -> Floats:
    value: Floats = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
    return value


def fit_platt(logits: Floats, labels: Integers, prior: float = PRIOR) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of labels on logits, classes weighted to ``prior``.

    As in Platt (1999), the targets are (n + 1) / (n + 2) and 1 / (n + 2), so that separable classes have a finite fit.
    """
    counts = np.array([(labels == 0).sum(), (labels == 1).sum()])
    target = np.where(labels == 1, (counts[1] + 1) / (counts[1] + 2), 1 / (counts[0] + 2))
    weight = np.where(labels == 1, prior / counts[1], (1 - prior) / counts[0])
    design = np.column_stack([logits, np.ones_like(logits)])
    beta = np.array([0.0, 0.0])
    loss = _log_loss(design @ beta, target, weight)
    for _ in range(100):  # Newton's method; a step that does not lower the loss is halved
        chance = sigmoid(design @ beta)
        gradient = design.T @ (weight * (chance - target))
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (new := _log_loss(design @ (beta - step), target, weight)) > loss and np.abs(step).max() > 1e-10:
            step = step / 2
        beta, loss = beta - step, new
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0]), float(beta[1])


def _log_loss(x: Floats, target: Floats, weight: Floats) -> float:
    return float(np.sum(weight * (np.logaddexp(0, x) - target * x)))


def choose_threshold(probabilities: Floats, labels: Integers) -> float:
    """Return a threshold on the plateau around the highest Youden index (sensitivity + specificity - 1).

    It lies :data:`LEAN` of the way, in log odds, from the lowest to the highest of the neighbouring thresholds that
    are as good to within :data:`PLATEAU`.
    """
    values = np.unique(probabilities)
    odds = np.log(np.clip(values, 1e-9, 1) / np.clip(1 - values, 1e-9, 1))
    cuts = sigmoid((odds[1:] + odds[:-1]) / 2)  # between two neighbours: no image lies on a cut
    if not len(cuts):
        return 0.5
    positives, negatives = np.sort(probabilities[labels == 1]), np.sort(probabilities[labels == 0])
    missed = np.searchsorted(positives, cuts) / len(positives)
    youden = np.searchsorted(negatives, cuts) / len(negatives) - missed
    best = int(np.argmax(youden))
    poor = np.flatnonzero(youden < youden[best] - PLATEAU)
    first = max((int(i) for i in poor if i < best), default=-1) + 1
    last = min((int(i) for i in poor if i > best), default=len(cuts)) - 1
    chosen = sigmoid(odds[first] + LEAN * (odds[last + 1] - odds[first]))
    return float(np.clip(chosen, EDGE, 1 - EDGE))


def choose_band(probabilities: Floats, labels: Integers, threshold: float) -> tuple[float, float]:
    """Return the ends of the band of uncertain answers, low <= threshold <= high.

    Under the low end fall at most 1 % of the positive images, at the high end and above at most 1 % of the others.
    """
    positives, negatives = np.sort(probabilities[labels == 1]), np.sort(probabilities[labels == 0])
    low = positives[int(BEYOND_BAND * len(positives))]
    high = np.nextafter(negatives[len(negatives) - 1 - int(BEYOND_BAND * len(negatives))], 1.0)
    low, high = np.clip([min(low, threshold), max(high, threshold)], EDGE, 1 - EDGE)
    return float(low), float(high)
