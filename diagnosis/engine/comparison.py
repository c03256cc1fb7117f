"""Which of two classifiers is better, from their answers to the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.figures import NAMES, Answers, Floats, Integers, checked, interval, resample

#: The figures that are compared. Each is of one class or of both; none depends on how many of the images are sick.
FIGURES = ("auroc", "sensitivity", "specificity")

#: Level of McNemar's test, as that of the intervals.
ALPHA = 0.05

#: With fewer patients whose answers differ, or fewer in a class, nothing can be significant: five of five in one
#: direction have p = 2 / 2**5 = 0.06 in an exact test, six of six 0.03. A bootstrap alone would not notice.
FEWEST = 6


@dataclass(frozen=True)
class Difference:
    """A figure of A and of B, and how much higher that of B is, with the ends of the 95 % bootstrap interval."""

    a: float
    b: float
    value: float
    low: float
    high: float

    def swapped(self) -> Difference:
        return Difference(self.b, self.a, -self.value, -self.high, -self.low)


@dataclass(frozen=True)
class PairedFigures:
    """Both classifiers' answers to the same images, as differences of B against A and as counts of right answers.

    ``worse`` and ``better`` name what tells B from A significantly; ``correctness`` is McNemar's test. The counts are
    of images, its ``p`` is over patients.
    """

    images: int
    patients: int
    differences: dict[str, Difference]
    both_right: int
    only_a_right: int
    only_b_right: int
    neither_right: int
    p: float
    worse: tuple[str, ...]
    better: tuple[str, ...]

    def swapped(self) -> PairedFigures:
        """Return the same with B as A."""
        return replace(
            self,
            differences={name: each.swapped() for name, each in self.differences.items()},
            only_a_right=self.only_b_right,
            only_b_right=self.only_a_right,
            worse=self.better,
            better=self.worse,
        )

    def as_dict(self) -> dict[str, Any]:
        counts = ("both_right", "only_a_right", "only_b_right", "neither_right", "p")
        return {
            "images": self.images,
            "patients": self.patients,
            **{
                name: {"a": each.a, "b": each.b, "difference": each.value, "interval": [each.low, each.high]}
                for name, each in self.differences.items()
            },
            "mcnemar": {name: getattr(self, name) for name in counts},
            "worse": list(self.worse),
            "better": list(self.better),
        }


def compare(
    labels: Sequence[int],
    probabilities: tuple[Sequence[float], Sequence[float]],
    thresholds: tuple[float, float],
    patients: Sequence[str],
    resamples: int = 2000,
    seed: int = 0,
) -> PairedFigures:
    """Compare B with A on the same images of both classes, each at its own threshold; patients are drawn whole.

    B is worse, or better, in a figure where the whole 95 % interval of the difference lies on one side of zero and
    there are at least :data:`FEWEST` patients in each class and, but for the AUROC, with answers that differ; and in
    correctness where McNemar's exact test over the patients says so. Raises ValueError as ``figures`` does.
    """
    pairs = [checked(labels, chances) for chances in probabilities]
    truth = pairs[0][0]
    answers = [Answers(truth, chances, at) for (_, chances), at in zip(pairs, thresholds, strict=True)]
    differences = _differences(answers, patients, resamples, seed)
    right = [(chances >= at) == truth for (_, chances), at in zip(pairs, thresholds, strict=True)]
    only_a, only_b = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    p = mcnemar(_balances(right[1].astype(int) - right[0], patients))
    enough = _enough(truth, right[0] != right[1], patients)
    worse = [name for name in FIGURES if enough[name] and differences[name].high < 0]
    better = [name for name in FIGURES if enough[name] and differences[name].low > 0]
    if p < ALPHA:
        (worse if only_a > only_b else better).append("correctness")
    return PairedFigures(
        images=len(truth),
        patients=len(set(patients)),
        differences=differences,
        both_right=int((right[0] & right[1]).sum()),
        only_a_right=only_a,
        only_b_right=only_b,
        neither_right=int((~right[0] & ~right[1]).sum()),
        p=p,
        worse=tuple(worse),
        better=tuple(better),
    )


def _differences(
    answers: Sequence[Answers], patients: Sequence[str], resamples: int, seed: int
) -> dict[str, Difference]:
    columns = [NAMES.index(name) for name in FIGURES]
    whole = np.ones((1, len(patients)))
    a, b = (each.figures(whole)[0, columns] for each in answers)
    drawn: Floats = np.concatenate(
        [
            (answers[1].figures(weights) - answers[0].figures(weights))[:, columns]
            for weights in resample(len(patients), patients, resamples, seed)
        ]
    )
    return {
        name: Difference(float(a[i]), float(b[i]), float(b[i] - a[i]), *interval(drawn[:, i]))
        for i, name in enumerate(FIGURES)
    }


def _enough(truth: Integers, differs: NDArray[np.bool_], patients: Sequence[str]) -> dict[str, bool]:
    """Return for each figure whether there are enough patients that could tell the two apart."""
    who = np.asarray(patients)
    healthy, sick = truth == 0, truth == 1
    both = all(len(set(who[part])) >= FEWEST for part in (healthy, sick))
    return {
        "auroc": both,
        "sensitivity": both and len(set(who[sick & differs])) >= FEWEST,
        "specificity": both and len(set(who[healthy & differs])) >= FEWEST,
    }


def _balances(gained: Integers, patients: Sequence[str]) -> list[int]:
    """Return for each patient how many images more B reads right than A; ``gained`` is -1, 0 or 1 for each image."""
    members = np.unique(np.asarray(patients), return_inverse=True)[1]
    return [int(balance) for balance in np.bincount(members, weights=gained)]


def mcnemar(balances: Sequence[int]) -> float:
    """Return the exact two-sided p of McNemar's test over patients, each with a balance of images for B against A.

    If the two are equally good, each patient's balance has either sign with the same chance; ``p`` is that of a sum as
    far from zero as the one found. Where every patient has one image, this is McNemar's test as it is known. Taken
    over images, those of one patient would count as if they were as many patients.
    """
    sums = np.ones(1)  # the chance of each sum, from the lowest to the highest possible in steps of two
    for size in filter(None, map(abs, balances)):
        apart = np.zeros(size)
        sums = (np.concatenate([sums, apart]) + np.concatenate([apart, sums])) / 2
    furthest = sum(map(abs, balances))
    at_least = (furthest + abs(sum(balances))) // 2
    return min(1.0, float(2 * sums[at_least:].sum()))
