"""How a version that answers silently compares with the active one, on the radiographs that both have answered."""

from __future__ import annotations

import statistics
import uuid
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from diagnosis.engine.comparison import mcnemar
from diagnosis.engine.examples import LABELS
from diagnosis.models import ModelVersion, ShadowPrediction
from diagnosis.versions.against_readers import ReaderAgreement, against_readers
from diagnosis.versions.differences import Kind

#: The newest so many are counted: more would tell little more, and take their time.
MOST = 10_000


class Pair(NamedTuple):
    """What both said of one radiograph."""

    radiograph: uuid.UUID
    active_status: str
    active_label: str
    active_probability: float | None
    status: str
    label: str
    probability: float | None
    kind: str


@dataclass(frozen=True)
class SilentComparison:
    version: ModelVersion
    active: ModelVersion
    pairs: list[Pair]
    waiting: int
    failed: int

    @cached_property
    def both(self) -> list[Pair]:
        """Those to which both gave an answer."""
        return [pair for pair in self.pairs if pair.active_status == pair.status == "succeeded"]

    @property
    def is_cut(self) -> bool:
        return len(self.pairs) + self.failed >= MOST

    @cached_property
    def differing(self) -> int:
        return sum(bool(pair.kind) for pair in self.pairs)

    @property
    def kinds(self) -> list[tuple[str, int]]:
        counts = Counter(pair.kind for pair in self.pairs)
        return [(str(kind.label), counts[kind.value]) for kind in Kind]

    @property
    def refusals(self) -> tuple[int, int, int]:
        """How many only the active version refused, only the silent one, and both."""
        refused = Counter((pair.active_status == "refused", pair.status == "refused") for pair in self.pairs)
        return refused[True, False], refused[False, True], refused[True, True]

    @property
    def table(self) -> list[tuple[str, list[int]]]:
        """By the active version's label, then by the silent one's, how many there are."""
        counts = Counter((pair.active_label, pair.label) for pair in self.both)
        return [(row, [counts[row, column] for column in LABELS]) for row in LABELS]

    @property
    def same_label(self) -> float | None:
        return statistics.mean(pair.active_label == pair.label for pair in self.both) if self.both else None

    @cached_property
    def p(self) -> float:
        """Of McNemar's test: whether one of them says PNEUMONIA more often than by chance."""
        return mcnemar([(pair.label == LABELS[1]) - (pair.active_label == LABELS[1]) for pair in self.both])

    @cached_property
    def chances(self) -> list[tuple[float, float]]:
        return [(pair.active_probability or 0.0, pair.probability or 0.0) for pair in self.both]

    @property
    def mean_difference(self) -> float | None:
        """How much higher the silent version's probability is, in the mean."""
        return statistics.fmean(silent - active for active, silent in self.chances) if self.chances else None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Between which 95 % of the differences lie, if they scatter normally (Bland and Altman)."""
        differences = [silent - active for active, silent in self.chances]
        if len(differences) < 2:
            return None
        mean, spread = statistics.fmean(differences), 1.96 * statistics.stdev(differences)
        return mean - spread, mean + spread

    @cached_property
    def readers(self) -> ReaderAgreement | None:
        said = {pair.radiograph: (pair.active_label, pair.label) for pair in self.both}
        return against_readers(said)


def compare_silently(version: ModelVersion, active: ModelVersion, most: int = MOST) -> SilentComparison:
    rows = ShadowPrediction.objects.of(version, active)
    newest = rows.filter(finished_at__isnull=False).order_by("-pk").values_list(
        "radiograph",
        "beside__status", "beside__label", "beside__probability", "status", "label", "probability", "kind",
    )[:most]  # fmt: skip
    final = [Pair(*row) for row in newest]
    answered = [pair for pair in final if pair.status in ShadowPrediction.ANSWERED]
    waiting = ShadowPrediction.objects.unfinished().filter(model_version=version).count()
    return SilentComparison(version, active, answered, waiting, len(final) - len(answered))
