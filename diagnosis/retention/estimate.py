"""The dry run: what a rule would remove now, and nothing is removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from diagnosis.models import Radiograph
from diagnosis.querysets import RadiographQuerySet
from diagnosis.retention.applying import sizes_of
from diagnosis.retention.models import RetentionRule

CHUNK = 500
#: A page measures the files of so many, the oldest; the command measures all.
ON_A_PAGE = 1000


@dataclass(frozen=True)
class Estimate:
    """Of how many radiographs something would go, and how much. ``is_rough`` where not all files were measured."""

    rule: RetentionRule
    radiographs: int
    oldest: datetime | None
    newest: datetime | None
    files: int = 0
    bytes: int = 0
    is_rough: bool = False


def estimate(rule: RetentionRule, most_measured: int | None = None) -> Estimate:
    """Count what is due, and measure its files; where there are more than ``most_measured``, reckon from these."""
    due = rule.due(timezone.now())
    facts = due.order_by().aggregate(radiographs=Count("pk"), oldest=Min("created"), newest=Max("created"))
    if not rule.has_files:
        return Estimate(rule, **facts)
    measured, files, size = 0, 0, 0
    for radiograph in islice(_each(due), most_measured):
        sizes = sizes_of(radiograph)
        measured, files, size = measured + 1, files + len(sizes), size + sum(sizes)
    is_rough = measured == most_measured and measured < facts["radiographs"]
    share = facts["radiographs"] / measured if is_rough else 1
    return Estimate(rule, **facts, files=round(files * share), bytes=round(size * share), is_rough=is_rough)


def _each(due: RadiographQuerySet) -> Iterator[Radiograph]:
    """Read some at a time, by keys: a database may give a cursor all rows at once."""
    rest = due
    while chunk := list(rest[:CHUNK]):
        yield from chunk
        last = chunk[-1]
        beyond = Q(created__gt=last.created) | Q(pk__gt=last.pk)
        rest = due.filter(beyond, created__gte=last.created)
