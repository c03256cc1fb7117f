"""The results of the last days, counted, for a small chart and its table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, Value, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.engine.bars import stacked
from diagnosis.history.filters import starts_of
from diagnosis.meaning import BANDS
from diagnosis.models import Radiograph, ReadingGroup
from diagnosis.querysets import RadiographQuerySet

DAYS = 30
#: Counting more than so many takes its time, and one a minute earlier or later is not seen in the chart.
MANY, KEEP = 2000, 60
#: What is told apart, from the bottom of a bar to its top.
KINDS = {
    **BANDS,
    "refused": gettext_lazy("Refused or not readable"),
    "waiting": gettext_lazy("Waiting"),
}


@dataclass(frozen=True)
class Day:
    day: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def written(self) -> str:
        """The day as an address holds it."""
        return self.day.isoformat()

    @property
    def row(self) -> list[int]:
        """The counts of all kinds, in their order."""
        return [self.counts.get(kind, 0) for kind in KINDS]


@dataclass(frozen=True)
class Chart:
    days: list[Day]
    #: Of each kind, in their order.
    paths: list[str]
    most: int

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Those that there are, with their words."""
        return [(kind, str(words)) for kind, words in KINDS.items() if any(day.counts.get(kind) for day in self.days)]

    @property
    def all_kinds(self) -> list[str]:
        return list(map(str, KINDS.values()))

    @property
    def summary(self) -> str:
        """Say in words what is drawn."""
        total = sum(day.total for day in self.days)
        busiest = max(self.days, key=lambda day: day.total)
        return _("X-rays a day over the last {days} days: {total} in all, the most being {most} on {day}.").format(
            days=DAYS, total=total, most=busiest.total, day=date_format(busiest.day, "DATE_FORMAT")
        )


def chart_of(owner: Any) -> Chart | None:
    """Return the chart of the owner's last days; None where nothing came in them."""
    return _chart(f"diagnosis.history.daily.{owner.pk}", Radiograph.objects.owned_by(owner))


def chart_of_group(group: ReadingGroup) -> Chart | None:
    """Return the chart of what is shared with a group, in the same way."""
    return _chart(f"diagnosis.history.daily.group.{group.pk}", Radiograph.objects.in_group(group))


def chart_of_all() -> Chart | None:
    """Return that of the whole platform, for its administrators."""
    return _chart("diagnosis.history.daily.all", Radiograph.objects.all())


def _chart(key: str, rows: RadiographQuerySet) -> Chart | None:
    days: list[Day] = cache.get(key) or _days(rows)
    if sum(day.total for day in days) > MANY:
        cache.add(key, days, KEEP)
    most = max(day.total for day in days)
    return Chart(days, stacked([day.row for day in days]), most) if most else None


def _days(rows: RadiographQuerySet) -> list[Day]:
    dates = last_days()
    counts: list[dict[str, int]] = [{} for _ in dates]
    for day, outcome, band, number in _counted(rows, dates):
        kind = kind_of(outcome, band)
        counts[day][kind] = counts[day].get(kind, 0) + number
    return [Day(day, of_day) for day, of_day in zip(dates, counts, strict=True)]


def last_days() -> list[date]:
    today = timezone.localdate()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def kind_of(outcome: str, band: str) -> str:
    """Return which of KINDS a radiograph counts to."""
    return band or ("refused" if outcome else "waiting")


def _counted(rows: RadiographQuerySet, dates: list[date]) -> Any:
    """Count in the database, by the days of the users' time zone: which of them a moment is in, comparing tells."""
    starts = [starts_of(day) for day in dates]
    in_day = Case(*(When(created__lt=end, then=Value(number)) for number, (_, end) in enumerate(starts[:-1])))
    in_day.default = Value(len(dates) - 1)
    lately = rows.filter(created__gte=starts[0][0], created__lt=starts[-1][1])
    counted = lately.order_by().annotate(day=in_day).values("day", "outcome", "band").annotate(number=Count("pk"))
    return counted.values_list("day", "outcome", "band", "number")
