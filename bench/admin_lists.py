"""What the lists of the admin cost where there are many rows: by themselves, filtered, sorted, searched, at their end.

``manage.py fill_database N`` writes the rows; then ``python -m bench.admin_lists [WORD]``, with the same
``DATABASE_URL`` and ``PNEUMODETECT_DATA_DIR``. With a word, only addresses that hold it are asked.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402

from diagnosis.management.commands.fill_database import OWNER  # noqa: E402
from diagnosis.models import Radiograph  # noqa: E402

NAME = "bench-administrator"
#: More than this, and the line is marked.
MOST_MILLISECONDS, MOST_QUERIES = 100, 12


def queries_of(model_admin: admin.ModelAdmin, user: User) -> Iterator[str]:
    """Yield the queries of one list: none, filters, sorts, searches, the last page that can be reached."""
    request = RequestFactory().get("/")
    request.user = user
    changelist = model_admin.get_changelist_instance(request)
    yield ""
    for spec in changelist.filter_specs:
        yield from sorted({str(choice["query_string"]) for choice in spec.choices(changelist)} - {"?"})[:12]
    for number, name in enumerate(changelist.list_display):
        if changelist.get_ordering_field(name) and (changelist.sortable_by is None or name in changelist.sortable_by):
            yield from (f"?o={number}", f"?o=-{number}")
    if changelist.search_fields:
        for word in (OWNER, "thorax", "nothing is called so"):
            yield f"?q={word.replace(' ', '+')}"
        newest = changelist.result_list[:1]
        yield from (f"?q={row.pk}" for row in newest)
    if changelist.paginator.num_pages > 1:
        yield f"?p={changelist.paginator.num_pages}"


def addresses(user: User) -> Iterator[str]:
    yield reverse("admin:index")
    for model, model_admin in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield from (address + query for query in queries_of(model_admin, user))


def measure(client: Client, address: str, repeats: int = 5) -> tuple[float, float, float, int]:
    """Return in milliseconds the first answer, the median by the clock and, for a machine that does other work as
    well, that of this process' own time, in which a database server has no part; and the number of queries."""
    with CaptureQueriesContext(connection) as captured:
        started = time.perf_counter()
        answer = client.get(address)
        first, queries = time.perf_counter() - started, len(captured.captured_queries)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    clock, own = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        client.get(address)
        clock.append(time.perf_counter() - started)
        own.append(time.process_time() - used)
    return 1000 * first, 1000 * statistics.median(clock), 1000 * statistics.median(own), queries


def main() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["*"]
    user, _ = User.objects.get_or_create(username=NAME, defaults={"is_staff": True, "is_superuser": True})
    client = Client()
    client.force_login(user)
    client.get("/help/")
    print(f"{connection.vendor}, {Radiograph.objects.count()} radiographs")
    print("   first   median processor  queries")
    for address in addresses(user):
        if all(word in address for word in sys.argv[1:]):
            first, median, own, queries = measure(client, address)
            mark = "  <--" if median > MOST_MILLISECONDS or queries > MOST_QUERIES else ""
            print(f"{first:8.1f} {median:8.1f} {own:9.1f} {queries:8}  {address}{mark}", flush=True)
    user.delete()


if __name__ == "__main__":
    main()
