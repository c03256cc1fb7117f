"""How good a classifier's answers are: six figures, each with a 95 % interval. Pure functions on numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Equally wide bins of probability for the expected calibration error.
ECE_BINS = 15

NAMES = ("accuracy", "auroc", "sensitivity", "specificity", "ece", "brier")


@dataclass(frozen=True)
class Figure:
    """A value and the ends of its 95 % bootstrap interval. NaN where one class is missing and both are needed."""

    value: float
    low: float
    high: float


def figures(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Figure]:
    """Return the figures :data:`NAMES` of N answers.

    ``labels`` are 0 or 1, ``probabilities`` those of class 1 in 0 to 1, both of shape (N,); an answer is positive at
    ``threshold`` and above. The bootstrap draws whole ``groups`` (the patients, shape (N,), of any kind that can be
    sorted; None: every image is its own), so images of one patient do not feign certainty. Raises ValueError where
    the arrays are empty, unequally long or out of range.
    """
    truth, chances = _checked(labels, probabilities)
    members = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(members) != len(truth):
        raise ValueError(f"There are {len(members)} groups for {len(truth)} labels.")
    answers = _Answers(truth, chances, threshold)
    values = answers.figures(np.ones((1, len(truth))))[0]
    ends = _interval(answers, members, resamples, seed)
    return {name: Figure(*map(float, row)) for name, row in zip(NAMES, np.column_stack([values, ends]), strict=True)}


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Integers, Floats]:
    truth, chances = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != chances.shape or not len(truth):
        raise ValueError(f"Labels of shape {truth.shape} and probabilities of shape {chances.shape} do not pair up.")
    if not np.isin(truth, (0, 1)).all() or not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError("Labels must be 0 or 1 and probabilities lie in 0 to 1.")
    return truth, chances


def _interval(answers: _Answers, members: NDArray[Any], resamples: int, seed: int) -> Floats:
    """Return the 2.5 % and 97.5 % points of each figure, shape (6, 2), over ``resamples`` draws of the groups."""
    random, count = np.random.default_rng(seed), int(members.max()) + 1
    rows = []
    for start in range(0, resamples, 100):  # 100 at a time: 4 MB for 5,000 images
        draws = min(100, resamples - start)
        drawn = random.multinomial(count, np.full(count, 1 / count), size=draws)
        rows.append(answers.figures(drawn[:, members].astype(np.float64)))
    values = np.concatenate(rows)
    ends = np.full((len(NAMES), 2), np.nan)
    for column in range(len(NAMES)):
        if len(known := values[~np.isnan(values[:, column]), column]):
            ends[column] = np.percentile(known, (2.5, 97.5))
    return ends


class _Answers:
    """N answers, sorted by probability once, from which weighted figures are computed many times."""

    def __init__(self, labels: Integers, probabilities: Floats, threshold: float) -> None:
        self.order = np.argsort(probabilities, kind="stable")
        self.positive = labels[self.order].astype(np.float64)
        self.chance = probabilities[self.order]
        self.hit = ((self.chance >= threshold) == (self.positive == 1)).astype(np.float64)
        self.ties = np.flatnonzero(np.diff(self.chance, prepend=-1.0))
        self.bins = np.minimum((self.chance * ECE_BINS).astype(int), ECE_BINS - 1)

    def figures(self, weights: Floats) -> Floats:
        """Return the figures, shape (D, 6), when answer n counts ``weights[d, n]`` times (weights of shape (D, N))."""
        weights = weights[:, self.order]
        positive, negative = weights * self.positive, weights * (1 - self.positive)
        total, positives, negatives = weights.sum(axis=1), positive.sum(axis=1), negative.sum(axis=1)
        brier = weights @ (self.chance - self.positive) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = (
                weights @ self.hit / total,
                self._pairs_in_order(positive, negative) / (positives * negatives),
                positive @ self.hit / positives,
                negative @ self.hit / negatives,
                self._calibration_gap(weights) / total,
                brier / total,
            )
        return np.column_stack(columns)

    def _pairs_in_order(self, positive: Floats, negative: Floats) -> Floats:
        """Return the weighted number of pairs whose positive has the higher probability; ties count half."""
        ups = np.add.reduceat(positive, self.ties, axis=1)
        downs = np.add.reduceat(negative, self.ties, axis=1)
        below = np.cumsum(downs, axis=1) - downs
        pairs: Floats = (ups * (below + downs / 2)).sum(axis=1)
        return pairs

    def _calibration_gap(self, weights: Floats) -> Floats:
        """Return the sum over the bins of |sum of probabilities - number of positives|."""
        in_bin = np.eye(ECE_BINS)[self.bins] * (self.chance - self.positive)[:, None]
        gap: Floats = np.abs(weights @ in_bin).sum(axis=1)
        return gap
