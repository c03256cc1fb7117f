"""What the lists cost the server where there are many radiographs: its time for each, and how many queries it takes.

``manage.py fill_database N`` writes the rows; then ``python -m bench.history [--explain]``, with the same
``DATABASE_URL`` and ``PNEUMODETECT_DATA_DIR``.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from diagnosis.history.paging import NEWEST_FIRST, ORDERS, Mark  # noqa: E402
from diagnosis.management.commands.fill_database import OWNER  # noqa: E402
from diagnosis.models import ModelVersion, Radiograph, ReadingGroup  # noqa: E402

#: More than this, and the line is marked.
MOST_MILLISECONDS, MOST_QUERIES = 50, 12


def queries_to_measure(owner: User) -> list[dict[str, str]]:
    """Return the queries of the lists: each way to filter and to sort, near the start and far behind it."""
    own = Radiograph.objects.owned_by(owner).order_by("-created")
    days = [f"{own[place].created:%Y-%m-%d}" for place in (0, min(20_000, own.count() // 2))]
    name, middle = own[len(days)].filename, own[own.count() // 2]
    version = ModelVersion.objects.values_list("version", flat=True)[:1].get()
    lists = [
        {},
        {"cursor": str(Mark(middle.created, middle.pk))},
        {"cursor": str(Mark(middle.created, middle.pk, backwards=True))},
        *({"status": status} for status in ("succeeded", "refused", "failed", "pending")),
        {"label": "PNEUMONIA"},
        {"band": "uncertain"},
        {"model_version": version},
        {"source": "api"},
        {"tag": "follow-up"},
        {"tag": "ask a colleague"},
        {"created_after": days[1], "created_before": days[0]},
        {"status": "failed", "label": "NORMAL"},
        {"status": "failed", "source": "api", "created_before": days[1]},
        {"search": "thorax"},
        {"search": name[-9:-4]},
        {"search": "nothing is called so"},
        {"search": "follow"},
    ]
    orders = [{"ordering": order} for order in ORDERS if order != NEWEST_FIRST]
    filtered = [{"ordering": order, "status": "succeeded"} for order in ("filename", "-probability")]
    rare = [{"ordering": order, "status": "failed"} for order in ("created", "filename")]
    deep = [{"ordering": "filename", "cursor": str(Mark("cxr 9", middle.pk))}]
    every = [*lists, *orders, *filtered, *rare, *deep]
    groups = ReadingGroup.objects.of(owner).values_list("pk", flat=True)[:1]
    return every + [{"group": str(group), **query} for group in groups for query in every]


@dataclass(frozen=True)
class Cost:
    """In milliseconds the median by the clock and, for a machine that does other work as well, the fastest answer and
    the median of the processor's time in this process, in which a database server has no part."""

    clock: float
    fastest: float
    processor: float
    queries: int

    @property
    def is_too_much(self) -> bool:
        return self.clock > MOST_MILLISECONDS or self.queries > MOST_QUERIES


def measure(client: Client, address: str, repeats: int = 11) -> Cost:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
        queries = list(captured.captured_queries)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    clock, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        client.get(address)
        clock.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    if "--explain" in sys.argv:
        explain([each["sql"] for each in queries if "sort_key" in each["sql"]])
    median, fastest, used_median = statistics.median(clock), min(clock), statistics.median(processor)
    return Cost(1000 * median, 1000 * fastest, 1000 * used_median, len(queries))


def explain(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            kind = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
            cursor.execute(f"{kind} {statement}")
            print(*(f"      {row[-1]}" for row in cursor.fetchall()), sep="\n")


def main() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["*"]
    owner = User.objects.get(username=OWNER)
    client = Client()
    client.force_login(owner)
    print(f"{connection.vendor}, {Radiograph.objects.count()} radiographs")
    print("   clock  fastest  processor  queries")
    lists = queries_to_measure(owner)
    for place in ("/radiographs/", "/api/v1/radiographs/"):
        for query in lists if place == "/radiographs/" else lists[:3]:
            address = f"{place}?{urlencode(query)}"
            cost = measure(client, address)
            shown = {key: text[:28] for key, text in query.items()} or ""
            mark = "  <--" if cost.is_too_much else ""
            times = f"{cost.clock:8.1f} {cost.fastest:8.1f} {cost.processor:10.1f}"
            print(f"{times} {cost.queries:8}  {place} {shown}{mark}", flush=True)
    for query in ({}, {"kind": "refused"}, {"kind": "band"}):
        cost = measure(client, f"/radiographs/disagreements/?{urlencode(query)}")
        times = f"{cost.clock:8.1f} {cost.fastest:8.1f} {cost.processor:10.1f}"
        print(
            f"{times} {cost.queries:8}  /radiographs/disagreements/ {query or ''}{'  <--' if cost.is_too_much else ''}"
        )


if __name__ == "__main__":
    main()
