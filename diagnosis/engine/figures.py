"""How good a classifier's answers are: eight figures, each with a 95 % interval. Pure functions on numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Equally wide bins of probability for the expected calibration error.
ECE_BINS = 15

NAMES = ("accuracy", "auroc", "sensitivity", "specificity", "ece", "brier", "ppv", "npv")

#: Share of pneumonia among the patients for whom predictive values are stated, unless another is named: 140 of the
#: 2,820 adults (5 %) who saw a general practitioner for acute cough, and were all radiographed, had it (van Vugt et
#: al., BMJ 2013;346:f2450). The public data sets hold far more of it, so their own share would flatter.
PREVALENCE = 0.05


@dataclass(frozen=True)
class Figure:
    """A value and the ends of its 95 % bootstrap interval. NaN where one class is missing and both are needed."""

    value: float
    low: float
    high: float


def figures(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float | Floats,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
    prevalence: float = PREVALENCE,
) -> dict[str, Figure]:
    """Return the figures :data:`NAMES` of N answers.

    ``labels`` are 0 or 1, ``probabilities`` those of class 1 in 0 to 1, both of shape (N,); an answer is positive at
    ``threshold`` and above, which may be one for all or one for each. ``ppv`` and ``npv`` are the predictive values
    where a share ``prevalence`` of the patients has the disease, by Bayes' rule from sensitivity and specificity. The
    bootstrap draws whole ``groups`` (the patients, shape (N,), of any kind that can be sorted; None: every image is
    its own), so images of one patient do not feign certainty. Where all answers are right, or all are wrong, every
    draw is the same, and the end that a share then lacks is that of the exact (Clopper-Pearson) interval over
    patients. Raises ValueError where the arrays are empty, unequally long or out of range.
    """
    truth, chances = checked(labels, probabilities)
    if not 0 < prevalence < 1:
        raise ValueError("The prevalence must lie between 0 and 1.")
    answers = Answers(truth, chances, threshold, prevalence)
    values = answers.figures(np.ones((1, len(truth))))[0]
    drawn = np.concatenate([answers.figures(weights) for weights in resample(len(truth), groups, resamples, seed)])
    found = {name: Figure(float(values[i]), *interval(drawn[:, i])) for i, name in enumerate(NAMES)}
    return found | _doubt_at_the_edges(found, truth, np.arange(len(truth)) if groups is None else groups, prevalence)


def _doubt_at_the_edges(
    found: dict[str, Figure], truth: Integers, groups: ArrayLike, prevalence: float
) -> dict[str, Figure]:
    """Return the shares that are 0 or 1, and what follows from them, with intervals that have a width."""
    who, parts = np.asarray(groups), {"accuracy": truth >= 0, "sensitivity": truth == 1, "specificity": truth == 0}
    shares = {name: _at_edge(found[name], *_exact_ends(len(np.unique(who[part])))) for name, part in parts.items()}
    sick, healthy = shares["sensitivity"], shares["specificity"]
    values = [np.array([each.value, each.low, each.high]) for each in (sick, healthy)]
    least = predictive_values(values[0][[0, 1]], values[1][[1, 0]], prevalence)
    most = predictive_values(values[0][[2, 0]], values[1][[0, 2]], prevalence)
    shares["ppv"] = _at_edge(found["ppv"], float(least[0][0]), float(most[0][0]))
    shares["npv"] = _at_edge(found["npv"], float(least[1][1]), float(most[1][1]))
    return shares


def _at_edge(figure: Figure, low: float, high: float) -> Figure:
    """Return the figure with the end ``low`` where its value is 1, and ``high`` where it is 0."""
    if figure.value == 1:
        return Figure(1.0, low, 1.0)
    return Figure(0.0, 0.0, high) if figure.value == 0 else figure


def _exact_ends(patients: int) -> tuple[float, float]:
    """Return the low end if all of so many are right, and the high end if none is."""
    low = 0.025 ** (1 / max(1, patients))
    return low, 1 - low


def predictive_values(sensitivity: Floats, specificity: Floats, prevalence: float) -> tuple[Floats, Floats]:
    """Return the positive and the negative predictive value; NaN where no answer is of that kind."""
    sick, healthy = prevalence, 1 - prevalence
    with np.errstate(invalid="ignore"):
        ppv = sick * sensitivity / (sick * sensitivity + healthy * (1 - specificity))
        npv = healthy * specificity / (healthy * specificity + sick * (1 - sensitivity))
    return ppv, npv


def checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Integers, Floats]:
    truth, chances = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != chances.shape or not len(truth):
        raise ValueError(f"Labels of shape {truth.shape} and probabilities of shape {chances.shape} do not pair up.")
    if not np.isin(truth, (0, 1)).all() or not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError("Labels must be 0 or 1 and probabilities lie in 0 to 1.")
    return truth, chances


def resample(size: int, groups: ArrayLike | None, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each of ``size`` answers counts, shape (D, size), over ``resamples`` draws of whole groups.

    The same arguments give the same draws, so what is computed from them for two classifiers is paired.
    """
    members = np.arange(size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(members) != size:
        raise ValueError(f"There are {len(members)} groups for {size} labels.")
    random, count = np.random.default_rng(seed), int(members.max()) + 1
    for start in range(0, resamples, 100):  # 100 at a time: 4 MB for 5,000 images
        drawn = random.multinomial(count, np.full(count, 1 / count), size=min(100, resamples - start))
        yield drawn[:, members].astype(np.float64)


def interval(drawn: Floats) -> tuple[float, float]:
    """Return the 2.5 % and the 97.5 % point of what is known of ``drawn``, shape (D,); NaN where nothing is."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


class Answers:
    """N answers, sorted by probability once, from which weighted figures are computed many times."""

    def __init__(
        self, labels: Integers, probabilities: Floats, threshold: float | Floats, prevalence: float = PREVALENCE
    ) -> None:
        self.prevalence = prevalence
        self.order = np.argsort(probabilities, kind="stable")
        self.positive = labels[self.order].astype(np.float64)
        self.chance = probabilities[self.order]
        self.hit = (
            (self.chance >= np.broadcast_to(threshold, labels.shape)[self.order]) == (self.positive == 1)
        ).astype(np.float64)
        self.ties = np.flatnonzero(np.diff(self.chance, prepend=-1.0))
        self.bins = np.minimum((self.chance * ECE_BINS).astype(int), ECE_BINS - 1)

    def figures(self, weights: Floats) -> Floats:
        """Return the figures, shape (D, 8), when answer n counts ``weights[d, n]`` times (weights of shape (D, N))."""
        weights = weights[:, self.order]
        positive, negative = weights * self.positive, weights * (1 - self.positive)
        total, positives, negatives = weights.sum(axis=1), positive.sum(axis=1), negative.sum(axis=1)
        brier = weights @ (self.chance - self.positive) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity, specificity = positive @ self.hit / positives, negative @ self.hit / negatives
            columns = (
                weights @ self.hit / total,
                self._pairs_in_order(positive, negative) / (positives * negatives),
                sensitivity,
                specificity,
                self._calibration_gap(weights) / total,
                brier / total,
            )
        return np.column_stack([*columns, *predictive_values(sensitivity, specificity, self.prevalence)])

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
