"""The one way in which entries end: after so many days, since they name people who may be long gone."""

from __future__ import annotations

from datetime import datetime

from diagnosis.audit.guard import lifted
from diagnosis.audit.models import AuditEntry, Kind, Verb
from diagnosis.audit.recording import record

#: Entries that are removed in one transaction, for which others wait with theirs.
CHUNK = 5000


def count_before(moment: datetime) -> int:
    return AuditEntry.objects.filter(moment__lt=moment).count()


def shorten(before: datetime) -> int:
    """Remove the entries before this moment, and return how many; that it was begun is an entry as well."""
    removed = count_before(before)
    record(Verb.DELETED, Kind.AUDIT_LOG, details=f"{removed} entries before {before.isoformat()}")
    oldest = AuditEntry.objects.filter(moment__lt=before).order_by("moment", "pk").values_list("pk", flat=True)
    while chunk := list(oldest[:CHUNK]):
        with lifted():
            AuditEntry.objects.filter(pk__in=chunk)._raw_delete("default")
    return removed
