"""Pages of a list that stay fast however long the list is: no count and no offset. For page and API alike."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from diagnosis.models import Radiograph
from diagnosis.querysets import RadiographQuerySet

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Order:
    """Rows by ``key``, and where that is alike by primary key. ``read`` takes a key as a mark holds it."""

    words: str | _StrPromise
    key: Combinable
    read: Callable[[Any], Any]
    descending: bool = False
    #: Rows without a key are not in the list.
    is_partial: bool = False


@dataclass(frozen=True)
class Mark:
    """A place in a list: behind the row with this key, or before it."""

    key: Any
    pk: uuid.UUID
    backwards: bool = False

    def __str__(self) -> str:
        key = self.key.isoformat() if isinstance(self.key, datetime) else self.key
        text = json.dumps([key, self.pk.hex, int(self.backwards)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Found:
    """The radiographs that any of ``parts`` holds, in an order."""

    parts: tuple[RadiographQuerySet, ...]
    order: Order


@dataclass(frozen=True)
class Page:
    """``after`` and ``before`` are the marks of the pages around it, None where there is none."""

    radiographs: list[Radiograph]
    after: Mark | None = None
    before: Mark | None = None


def moment_of(text: Any) -> datetime:
    """Read a date and time with its offset. Raises ValueError, OverflowError or TypeError."""
    moment = datetime.fromisoformat(text)
    if not moment.tzinfo:
        raise ValueError("a moment without an offset")
    return moment.astimezone(UTC)


def _text_of(text: Any) -> str:
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("no text that a database holds")
    text.encode()  # fails for halves of characters
    return text


ORDERS = {
    "-created": Order(_("Newest first"), F("created"), moment_of, descending=True),
    "created": Order(_("Oldest first"), F("created"), moment_of),
    "filename": Order(_("Name, A to Z"), Lower("filename"), _text_of),
    "-filename": Order(_("Name, Z to A"), Lower("filename"), _text_of, descending=True),
    "-probability": Order(_("Highest probability first"), F("probability"), float, descending=True, is_partial=True),
    "probability": Order(_("Lowest probability first"), F("probability"), float, is_partial=True),
}
NEWEST_FIRST = "-created"


def read_mark(text: str, order: Order) -> Mark | None:
    """Read what ``str(mark)`` gave; None where no mark of a list in this order looks like that."""
    try:
        key, pk, backwards = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Mark(order.read(key), uuid.UUID(pk), bool(backwards))
    except (ValueError, TypeError, OverflowError, AttributeError, RecursionError):
        return None


def page_of(found: Found, mark: Mark | None, size: int) -> Page:
    """Return the ``size`` radiographs at the mark, with all that a list shows of them; without a mark the first.

    Those that are deleted in this moment are missing. The marks go by the keys, so that the list goes on behind them.
    """
    keys = _keys(found, mark, size + 1)
    is_cut, keys = len(keys) > size, keys[:size]
    if mark and mark.backwards:
        if not is_cut:  # the first page, however many rows were added to it since
            return page_of(found, None, size)
        keys.reverse()
    return Page(
        _with_all_shown(keys),
        after=Mark(keys[-1][1], keys[-1][0]) if is_cut else None,
        before=Mark(keys[0][1], keys[0][0], backwards=True) if mark and keys else None,
    )


def count_of(found: Found, most: int) -> int | None:
    """Return how many there are; None where they are more than ``most``, which are not counted to the end."""
    cut = [part.order_by()[: most + 1] for part in found.parts]
    count: int = union_of(cut)[: most + 1].count() if len(cut) > 1 else cut[0].count()
    return count if count <= most else None


def neighbours_of(
    radiograph: Radiograph, among: RadiographQuerySet | None = None
) -> tuple[Radiograph | None, Radiograph | None]:
    """Return the next newer and the next older radiograph, of its owner's where nothing else is said."""
    others = Radiograph.objects.owned_by(radiograph.owner_id) if among is None else among
    rows, order = others.only("filename"), ORDERS[NEWEST_FIRST]
    created, pk = radiograph.created, radiograph.pk
    newer, older = (_cut(rows, order, Mark(created, pk, backwards), 1) for backwards in (True, False))
    return newer.first(), older.first()


def _keys(found: Found, mark: Mark | None, count: int) -> list[tuple[uuid.UUID, Any]]:
    """Return primary and sorting keys of the next rows from the mark on, in the direction in which it looks."""
    parts = found.parts
    if len(parts) > 1:
        # Each part by an index of its own; a condition that joins them with OR would be checked row by row.
        either = union_of(_cut(part, found.order, mark, count) for part in parts)
        parts = (Radiograph.objects.filter(pk__in=list(either)),)
    rows: Any = _cut(parts[0], found.order, mark, count)
    return list(rows.values_list("pk", "sort_key"))


def union_of(parts: Iterable[RadiographQuerySet]) -> Any:
    """Return the primary keys of parts that may be cut short, each once, as one query."""
    # Nested, since SQLite cuts no member of a union short.
    first, *others = (Radiograph.objects.filter(pk__in=part.values("pk")).order_by() for part in parts)
    return first.values_list("pk", flat=True).union(*(each.values_list("pk", flat=True) for each in others))


def _with_all_shown(keys: list[tuple[uuid.UUID, Any]]) -> list[Any]:
    """Look the rows up by themselves: with what is joined to them, SQLite would sort the whole list anew."""
    rows: dict[uuid.UUID, Any] = Radiograph.objects.listed().in_bulk([pk for pk, _key in keys])
    for pk, key in keys:
        if pk in rows:  # else it was deleted just now
            rows[pk].sort_key = key
    return [rows[pk] for pk, _key in keys if pk in rows]


def _cut(part: RadiographQuerySet, order: Order, mark: Mark | None, count: int) -> RadiographQuerySet:
    descending = order.descending != bool(mark and mark.backwards)
    rows = part.annotate(sort_key=order.key)
    if order.is_partial:
        rows = rows.filter(sort_key__isnull=False)
    if mark:
        # The condition on the key alone is one that an index is entered by.
        further = "lt" if descending else "gt"
        beyond = Q(**{f"sort_key__{further}": mark.key}) | Q(**{f"pk__{further}": mark.pk})
        rows = rows.filter(beyond, **{f"sort_key__{further}e": mark.key})
    sign = "-" if descending else ""
    return rows.order_by(f"{sign}sort_key", f"{sign}pk")[:count]


def mark_at(row: Any, backwards: bool = False) -> Mark:
    """Return the place behind a row of a page, or before it."""
    return Mark(row.sort_key, row.pk, backwards)
