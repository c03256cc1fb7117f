"""Counts the verdicts on radiographs in the database, for :mod:`.agreement` to make figures of."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Trunc

from diagnosis.people.profile import shown_name
from diagnosis.reviewing.agreement import Agreement
from diagnosis.reviewing.following import majority, votes
from diagnosis.reviewing.models import Review

if TYPE_CHECKING:
    from diagnosis.querysets import RadiographQuerySet

PNEUMONIA, NORMAL = Review.Label.PNEUMONIA.value, Review.Label.NORMAL.value
#: Of what is answered, no more are counted than it takes to say how few are reviewed.
MOST_COUNTED = 10_000
#: Counting the verdicts on more than so many takes its time, and a minute later or earlier changes little.
MANY, KEEP = 200, 60


@dataclass(frozen=True)
class Row:
    """One version against the readers' majority, over all or in one period, which begins on ``begin``."""

    version: str
    begin: date | None
    agreement: Agreement
    open: int = 0


@dataclass
class ReaderRow:
    name: str
    agreement: Agreement = field(default_factory=Agreement)
    unclear: int = 0


@dataclass(frozen=True)
class Counts:
    by_version: list[Row]
    by_period: list[Row]
    patterns: dict[tuple[int, int], int]
    readers: list[ReaderRow]
    reviewed: dict[str, int]
    answered: int
    seen_first: int

    @property
    def is_empty(self) -> bool:
        return not self.reviewed


def count_reviews(radiographs: RadiographQuerySet, unit: str = "month", blinded: bool = False) -> Counts:
    """Count over the given radiographs, of which only the reviewed ones are read.

    ``unit`` (month or quarter) parts them by the day of their upload. With ``blinded``, only verdicts that were given
    before the network's answer was shown have a vote.
    """
    asked = f"{radiographs.order_by().query} {unit} {blinded}"
    key = f"diagnosis.reviewing.counting.{hashlib.sha256(asked.encode()).hexdigest()}"
    counts: Counts = cache.get(key) or _count(radiographs, unit, blinded)
    if sum(counts.reviewed.values()) > MANY:
        cache.add(key, counts, KEEP)
    return counts


def _count(radiographs: RadiographQuerySet, unit: str, blinded: bool) -> Counts:
    reviewed = radiographs.filter(reviewed__isnull=False).order_by()
    rows = list(_rows(reviewed, unit, blinded))
    reviews = _counted(blinded).filter(radiograph__in=reviewed.values("pk"))
    return Counts(
        by_version=_summed(rows, by_period=False),
        by_period=_summed(rows, by_period=True),
        patterns=_patterns(reviewed, blinded),
        readers=_readers(reviews),
        reviewed=dict(reviewed.values_list("outcome").annotate(Count("pk"))),
        answered=radiographs.filter(outcome="succeeded").order_by()[:MOST_COUNTED].count(),
        seen_first=reviews.filter(blinded=False).count(),
    )


def _counted(blinded: bool) -> Any:
    return Review.objects.blinded() if blinded else Review.objects.current()


def _rows(reviewed: RadiographQuerySet, unit: str, blinded: bool) -> Iterable[Row]:
    """Yield how often the labels of each version and the majority met in each period.

    A version that has answered a radiograph twice counts once: it answers the same image alike.
    """
    from diagnosis.models import Prediction

    reviews = _counted(blinded)
    said = majority(votes(PNEUMONIA, reviews, "radiograph"), votes(NORMAL, reviews, "radiograph"))
    answers = Prediction.objects.filter(probability__isnull=False, radiograph__in=reviewed.values("pk"))
    grouped = (
        answers.order_by()
        .annotate(begin=Trunc("radiograph__created", unit), majority=said)
        .values_list("model_version__version", "begin", "label", "majority")
        .annotate(Count("radiograph", distinct=True))
    )
    for version, begin, label, majority_label, count in grouped:
        yield Row(version, _day(begin), *_met(label, majority_label, count))


def _met(label: str, majority_label: str, count: int) -> tuple[Agreement, int]:
    if not majority_label:
        return Agreement(), count
    return _agreement(label, majority_label, count), 0


def _agreement(network: str, reader: str, count: int) -> Agreement:
    kinds = {(PNEUMONIA, PNEUMONIA): "hits", (NORMAL, PNEUMONIA): "misses", (PNEUMONIA, NORMAL): "alarms"}
    return Agreement(**{kinds.get((network, reader), "rejections"): count})


def _day(begin: datetime | date) -> date:
    return begin.date() if isinstance(begin, datetime) else begin


def _summed(rows: Iterable[Row], by_period: bool) -> list[Row]:
    """Add up what is of one version, or of one version and period; the newest period and version first."""
    sums: dict[tuple[str, date | None], tuple[Agreement, int]] = defaultdict(lambda: (Agreement(), 0))
    for row in rows:
        key = row.version, row.begin if by_period else None
        agreement, without = sums[key]
        sums[key] = agreement + row.agreement, without + row.open
    found = [Row(*key, *total) for key, total in sums.items()]
    return sorted(found, key=lambda row: (str(row.begin), row.version), reverse=True)


def _patterns(reviewed: RadiographQuerySet, blinded: bool) -> dict[tuple[int, int], int]:
    """Count radiographs by how many readers called them sick and how many healthy."""
    reviews = _counted(blinded)
    with_votes = reviewed.annotate(sick=votes(PNEUMONIA, reviews), healthy=votes(NORMAL, reviews))
    grouped = with_votes.values_list("sick", "healthy").annotate(Count("pk"))
    return {(sick, healthy): count for sick, healthy, count in grouped if sick + healthy > 1}


def _readers(reviews: Any) -> list[ReaderRow]:
    """Return each reader's verdicts against what the network said at the time; the busiest first."""
    rows: dict[int | None, ReaderRow] = {}
    facts = ("reader", "reader__username", "reader__profile__display_name", "label", "prediction__label")
    for pk, name, display_name, label, network, count in reviews.order_by().values_list(*facts).annotate(Count("pk")):
        row = rows.setdefault(pk, ReaderRow(shown_name(name or "", display_name)))
        if label == Review.Label.UNCLEAR:
            row.unclear += count
        elif network:
            row.agreement += _agreement(network, label, count)
    return sorted(rows.values(), key=lambda row: row.agreement.count, reverse=True)
