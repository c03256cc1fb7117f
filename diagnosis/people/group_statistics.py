"""What came of the radiographs that a group shares, for those who supervise it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.cache import cache
from django.db.models import Count

from diagnosis.history.daily import KEEP, KINDS, MANY, Chart, chart_of_group, kind_of, last_days
from diagnosis.history.filters import starts_of
from diagnosis.models import Radiograph, ReadingGroup
from diagnosis.people.profile import shown_name


@dataclass
class Counts:
    """How many of each kind one member has shared, or the group as a whole."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def row(self) -> list[int]:
        """The counts of all kinds, in their order."""
        return [self.counts.get(kind, 0) for kind in KINDS]

    def add(self, kind: str, number: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + number


@dataclass(frozen=True)
class GroupStatistics:
    chart: Chart
    #: By the names of the members, those with the most first.
    members: list[tuple[str, Counts]]
    whole: Counts


def statistics_of(group: ReadingGroup) -> GroupStatistics | None:
    """Count the last days; None where nothing that is shared came in them."""
    chart = chart_of_group(group)
    if chart is None:
        return None
    members, whole = _by_member(group), Counts()
    for counts in members.values():
        for kind, number in counts.counts.items():
            whole.add(kind, number)
    return GroupStatistics(chart, sorted(members.items(), key=lambda each: (-each[1].total, each[0])), whole)


def _by_member(group: ReadingGroup) -> dict[str, Counts]:
    key = f"diagnosis.people.group_statistics.{group.pk}"
    members: dict[str, Counts] = cache.get(key) or _counted(group)
    if sum(counts.total for counts in members.values()) > MANY:
        cache.add(key, members, KEEP)
    return members


def _counted(group: ReadingGroup) -> dict[str, Counts]:
    days = last_days()
    begin, end = starts_of(days[0])[0], starts_of(days[-1])[1]
    lately = Radiograph.objects.in_group(group).filter(created__gte=begin, created__lt=end).order_by()
    members: dict[str, Counts] = {}
    facts = ("owner__username", "owner__profile__display_name", "outcome", "band")
    for name, display_name, outcome, band, number in lately.values_list(*facts).annotate(Count("pk")):
        members.setdefault(shown_name(name, display_name), Counts()).add(kind_of(outcome, band), number)
    return members
