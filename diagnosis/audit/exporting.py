"""The audit log, or what filters leave of it, as a file that is sent while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.http import StreamingHttpResponse

from diagnosis.audit.models import AuditEntryQuerySet
from diagnosis.history.exporting import file_response

CHUNK = 1000
#: The columns, and the fields that they are.
COLUMNS = {
    "id": "id",
    "moment": "moment",
    "account": "actor_id",
    "who": "actor_name",
    "did": "verb",
    "kind": "kind",
    "object": "object_id",
    "called": "label",
    "details": "details",
    "how": "door",
    "request": "request_id",
    "address": "address",
}


def export_entries(entries: AuditEntryQuerySet, kind: str) -> StreamingHttpResponse:
    return file_response(COLUMNS, _rows(entries), kind, "PneumoDetect audit log")


def _rows(entries: AuditEntryQuerySet) -> Iterator[dict[str, Any]]:
    """Read some at a time, the newest first: nothing is held open or in memory for long."""
    ordered = entries.order_by("-moment", "-pk").values_list(*COLUMNS.values())
    chunk = list(ordered[:CHUNK])
    while chunk:
        yield from (dict(zip(COLUMNS, row, strict=True)) for row in chunk)
        pk, moment, *_ = chunk[-1]
        later = Q(moment=moment, pk__gte=pk)
        chunk = list(ordered.filter(moment__lte=moment).exclude(later)[:CHUNK])
