"""How far two sets of counts or scores lie apart: pure functions.

The population stability index sums (p - q) ln(p / q) over the categories. From 0.1 on a change is commonly called
noticeable and from 0.25 on large (N. Siddiqi, Credit Risk Scorecards, Wiley 2006). In small samples it is large by
chance: without any change it is distributed like (1/n + 1/m) times chi-squared with one degree of freedom fewer than
categories (B. Yurdakul, J. Naranjo, Journal of Risk Model Validation 2020; 14(4):89), so it must pass that as well.
Scores are compared by the two-sample Kolmogorov-Smirnov statistic too, with the p-value of its limiting distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, sqrt

import numpy as np

NOTICEABLE, LARGE = 0.1, 0.25
#: The point of the standard normal distribution that chance passes once in a thousand.
RARELY = 3.090232306167814


def stability_index(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Return the index; half a radiograph is added to each category, so that one that is new gives a number."""
    kinds = sorted({*before, *now})
    p, q = (np.array([counts.get(kind, 0) + 0.5 for kind in kinds]) for counts in (before, now))
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def by_chance(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Return the index that chance alone passes once in a thousand times (Wilson and Hilferty's chi-squared)."""
    degrees = len({*before, *now}) - 1
    sizes = sum(before.values()), sum(now.values())
    if degrees < 1 or not all(sizes):
        return 0.0
    part = 2 / (9 * degrees)
    quantile = degrees * (1 - part + RARELY * sqrt(part)) ** 3
    return quantile * sum(1 / size for size in sizes)


def kolmogorov_smirnov(before: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    """Return the largest distance between the two distributions, and its p-value."""
    a, b = np.sort(np.asarray(before, dtype=np.float64)), np.sort(np.asarray(now, dtype=np.float64))
    both = np.concatenate([a, b])
    ranks = [np.searchsorted(each, both, side="right") / len(each) for each in (a, b)]
    distance = float(np.max(np.abs(ranks[0] - ranks[1])))
    size = sqrt(len(a) * len(b) / (len(a) + len(b)))
    reach = (size + 0.12 + 0.11 / size) * distance  # M. A. Stephens, JRSS B 1970; 32:115
    series = 2 * sum((-1) ** (k - 1) * exp(-2 * (k * reach) ** 2) for k in range(1, 101)) if reach > 0.2 else 1.0
    return distance, min(1.0, max(0.0, series))


def tenths(scores: Sequence[float]) -> list[float]:
    """Return the inner edges that part the scores into ten equal parts; fewer where many are alike."""
    return sorted(set(np.quantile(np.asarray(scores), np.arange(1, 10) / 10).tolist()))


def counted(scores: Sequence[float], edges: Sequence[float]) -> dict[str, int]:
    """Count the scores by the part that they fall into."""
    places = np.searchsorted(np.asarray(edges), np.asarray(scores), side="right")
    return {str(place): int(count) for place, count in enumerate(np.bincount(places, minlength=len(edges) + 1))}
