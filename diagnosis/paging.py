"""Pages of a list, newest first, that stay fast however long the list is: no count and no offset."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q

from diagnosis.models import Radiograph
from diagnosis.querysets import RadiographQuerySet


@dataclass(frozen=True)
class Page:
    """``older`` is what to ask for to see the next page, empty on the last one."""

    radiographs: list[Radiograph]
    older: str


def page_of(radiographs: RadiographQuerySet, before: str, size: int) -> Page:
    """Return ``size`` radiographs older than the mark ``before`` (as :attr:`Page.older` gives it; empty: newest).

    A mark that cannot be read gives the first page.
    """
    if mark := _parse(before):
        created, pk = mark
        radiographs = radiographs.filter(Q(created__lt=created) | Q(created=created, pk__lt=pk))
    rows = list(radiographs.order_by("-created", "-pk")[: size + 1])
    older = f"{rows[size - 1].created.isoformat()}_{rows[size - 1].pk}" if len(rows) > size else ""
    return Page(rows[:size], older)


def _parse(before: str) -> tuple[datetime, uuid.UUID] | None:
    text, _, pk = before.partition("_")
    created = moment_of(text)
    try:
        return (created, uuid.UUID(pk)) if created else None
    except ValueError:
        return None


def moment_of(text: str) -> datetime | None:
    """Read a date and time with its offset; None where it is none, or lies outside of the calendar in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
