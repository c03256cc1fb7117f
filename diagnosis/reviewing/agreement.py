"""How far the network and its readers agree: pure functions on counts.

Shares have Wilson's score interval, which keeps its promise for small and for extreme counts (E. B. Wilson, JASA 1927;
22:209; recommended by Brown, Cai, DasGupta, Statistical Science 2001; 16:101). Cohen's kappa has the large-sample
interval of Fleiss, Cohen and Everitt (Psychological Bulletin 1969; 72:323). Kappa among readers, of whom each
radiograph may have had another number, is that of Fleiss and Cuzick (Applied Psychological Measurement 1979; 3:537),
with a bootstrap interval over radiographs. All intervals are of 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from diagnosis.engine.figures import Figure, interval

Z = 1.959963984540054
RESAMPLES = 1000
NOTHING = Figure(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Agreement:
    """The network's labels against the readers': how many radiographs they called sick and healthy each."""

    hits: int = 0  # both say pneumonia
    misses: int = 0  # the readers alone
    alarms: int = 0  # the network alone
    rejections: int = 0  # neither

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.hits + other.hits,
            self.misses + other.misses,
            self.alarms + other.alarms,
            self.rejections + other.rejections,
        )

    @property
    def count(self) -> int:
        return self.hits + self.misses + self.alarms + self.rejections

    @property
    def sick(self) -> int:
        return self.hits + self.misses

    @property
    def healthy(self) -> int:
        return self.alarms + self.rejections

    @property
    def sensitivity(self) -> Figure:
        return share(self.hits, self.sick)

    @property
    def specificity(self) -> Figure:
        return share(self.rejections, self.healthy)

    @property
    def accuracy(self) -> Figure:
        return share(self.hits + self.rejections, self.count)

    @property
    def kappa(self) -> Figure:
        return cohens_kappa(self)


def share(part: int, whole: int) -> Figure:
    """Return a share with Wilson's interval; NaN of nothing."""
    if not whole:
        return NOTHING
    p, spread = part / whole, Z**2 / whole
    centre = (p + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(p * (1 - p) / whole + spread / (4 * whole))
    # At the ends the formula gives 0 and 1 but for the last digit.
    return Figure(p, 0.0 if part == 0 else centre - half, 1.0 if part == whole else centre + half)


def cohens_kappa(counts: Agreement) -> Figure:
    """Return kappa; NaN where one label alone was given by both, since chance agrees as well then.

    Where all agree, the formula would claim certainty: the lower end is then that of the exact interval of the share
    of agreement, with the agreement by chance as found.
    """
    n = counts.count
    if not n:
        return NOTHING
    table = np.array([[counts.hits, counts.misses], [counts.alarms, counts.rejections]]) / n
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    by_chance = float(rows @ columns)
    if by_chance == 1:
        return NOTHING
    agreed = float(np.trace(table))
    kappa = (agreed - by_chance) / (1 - by_chance)
    if agreed == 1:
        return Figure(1.0, (0.025 ** (1 / n) - by_chance) / (1 - by_chance), 1.0)
    off = 1 - kappa
    same = sum(table[i, i] * (1 - (rows[i] + columns[i]) * off) ** 2 for i in (0, 1))
    other = off**2 * sum(table[i, 1 - i] * (columns[i] + rows[1 - i]) ** 2 for i in (0, 1))
    variance = max(0.0, float(same + other - (kappa - by_chance * off) ** 2)) / (n * (1 - by_chance) ** 2)
    half = Z * sqrt(variance)
    return Figure(kappa, max(-1.0, kappa - half), min(1.0, kappa + half))


def kappa_among_readers(patterns: Mapping[tuple[int, int], int], seed: int = 0) -> Figure:
    """Return kappa of the readers among themselves.

    ``patterns`` counts radiographs by how many readers called them sick, and how many healthy; those of one reader
    alone say nothing. NaN where all readers gave the same label throughout.
    """
    kinds = [(sick, healthy) for sick, healthy in patterns if sick + healthy > 1]
    numbers = np.array([patterns[kind] for kind in kinds], dtype=np.float64)
    if not numbers.sum():
        return NOTHING
    random = np.random.default_rng(seed)
    drawn = random.multinomial(int(numbers.sum()), numbers / numbers.sum(), RESAMPLES).astype(np.float64)
    low, high = interval(_fleiss_cuzick(kinds, drawn))
    return Figure(float(_fleiss_cuzick(kinds, numbers[None])[0]), low, high)


def _fleiss_cuzick(kinds: list[tuple[int, int]], numbers: np.ndarray) -> np.ndarray:
    """Return kappa for each row of ``numbers``, shape (D, kinds)."""
    sick, healthy = np.array(kinds, dtype=np.float64).T
    judges = sick + healthy
    radiographs = numbers.sum(axis=1)
    verdicts = numbers @ judges
    with np.errstate(invalid="ignore", divide="ignore"):
        p = numbers @ sick / verdicts
        within = numbers @ (sick * healthy / judges)
        kappa: np.ndarray = 1 - within / ((verdicts - radiographs) * p * (1 - p))
    return kappa
