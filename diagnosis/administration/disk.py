"""How much room there is, and about how much of it uploads take."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from diagnosis.models import Radiograph

#: The mean size of an upload is that of so many, drawn by lot.
SAMPLE = 200


@dataclass(frozen=True)
class Disk:
    """All in bytes but ``radiographs``; ``uploads`` is about right, and None where no size is known."""

    free: int
    total: int
    radiographs: int
    uploads: int | None

    @property
    def is_low(self) -> bool:
        return self.free < settings.DISK_LOW_BYTES


def disk() -> Disk:
    usage = shutil.disk_usage(settings.DATA_DIR)
    number, mean = _about_how_many(), _mean_size()
    return Disk(usage.free, usage.total, number, None if mean is None else int(number * mean))


def _about_how_many() -> int:
    """PostgreSQL keeps an estimate, by which it plans; SQLite counts an index in some milliseconds."""
    table = Radiograph._meta.db_table
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            if (estimate := cursor.fetchone()[0]) > SAMPLE:
                return int(estimate)
    return Radiograph.objects.order_by().count()


def _mean_size() -> float | None:
    """Primary keys are random, so what follows on any of them is as good as drawn by lot."""
    rows = Radiograph.objects.order_by("pk").values_list("size", flat=True)
    drawn = list(rows.filter(pk__gte=uuid.uuid4())[:SAMPLE])
    drawn += list(rows[: SAMPLE - len(drawn)])
    sizes = [size for size in drawn if size is not None]
    return sum(sizes) / len(sizes) if sizes else None
