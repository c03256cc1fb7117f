"""Pages of a list: complete, without doubles, in both directions, whatever the order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from diagnosis.history import paging
from diagnosis.history.paging import ORDERS, Found, Mark, Page, neighbours_of, page_of, read_mark
from diagnosis.models import ModelVersion, Radiograph
from tests.factories import make_radiograph, succeeded

#: Alike, in other case, beyond ASCII, and with what SQL takes for a pattern.
NAMES = ["b.jpg", "B.jpg", "b.jpg", "Ä.jpg", "ä.jpg", "100%.jpg", "_.jpg", "", "ß", "胸部.dcm", "c.jpg"]


@pytest.fixture
def rows(alice: User, version: ModelVersion) -> list[Radiograph]:
    """Several of them came at the same moment, or have the same probability."""
    made, now = [], timezone.now()
    for number, name in enumerate(NAMES):
        facts = succeeded(version, [0.2, 0.9, 0.2][number % 3]) if number % 4 else {}
        made.append(make_radiograph(alice, filename=name, **facts))
        created = now - timedelta(minutes=number // 3)
        Radiograph.objects.filter(pk=made[-1].pk).update(created=created)
    return made


def found(order: str, parts: int = 1) -> Found:
    return Found((Radiograph.objects.all(),) * parts, ORDERS[order])


def through_text(mark: Mark | None, order: str) -> Mark | None:
    return mark and read_mark(str(mark), ORDERS[order])


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 4, 20])
@pytest.mark.parametrize("order", ORDERS)
def test_the_pages_of_a_list_hold_each_row_once_there_and_back(
    rows: list[Radiograph], order: str, size: int, parts: int
) -> None:
    whole = [row.pk for row in page_of(found(order), None, 100).radiographs]
    expected = {row.pk for row in rows if "probability" not in order or row.probability is not None}
    assert set(whole) == expected
    pages: list[Page] = [page_of(found(order, parts), None, size)]
    while mark := through_text(pages[-1].after, order):
        pages.append(page_of(found(order, parts), mark, size))
    assert [row.pk for page in pages for row in page.radiographs] == whole
    for page, following in zip(pages[-2::-1], pages[:0:-1], strict=True):
        back = page_of(found(order, parts), through_text(following.before, order), size)
        assert [row.pk for row in back.radiographs] == [row.pk for row in page.radiographs]
        assert (back.before is None) == (page is pages[0])
    assert pages[0].before is None


def test_names_are_sorted_whatever_their_case(rows: list[Radiograph]) -> None:
    names = [row.filename for row in page_of(found("filename"), None, 100).radiographs]
    assert sorted(name.lower() for name in names if name.isascii()) == [n.lower() for n in names if n.isascii()]


def test_what_comes_in_while_somebody_reads_shifts_nothing(alice: User, rows: list[Radiograph]) -> None:
    first = page_of(found("-created"), None, 4)
    second = [row.pk for row in page_of(found("-created"), first.after, 4).radiographs]
    make_radiograph(alice)
    first.radiographs[0].delete()
    assert [row.pk for row in page_of(found("-created"), first.after, 4).radiographs] == second


def test_back_at_the_start_the_page_is_full_whatever_was_deleted(rows: list[Radiograph]) -> None:
    first = page_of(found("-created"), None, 4)
    second = page_of(found("-created"), first.after, 4)
    first.radiographs[0].delete()
    back = page_of(found("-created"), second.before, 4)
    assert len(back.radiographs) == 4
    assert back.before is None


def test_no_page_is_found_by_counting(rows: list[Radiograph]) -> None:
    first = page_of(found("-created"), None, 4)
    with CaptureQueriesContext(connection) as captured:
        page_of(found("-created"), first.after, 4)
        page_of(found("filename"), None, 4)
    said = " ".join(query["sql"] for query in captured.captured_queries)
    assert "COUNT(" not in said
    assert "OFFSET" not in said


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "radiograph_by_owner"),
        ({"outcome": "failed"}, "radiograph_outcome"),
        ({"label": "NORMAL"}, "radiograph_label"),
        ({"band": "likely"}, "radiograph_band"),
        ({"source": "api"}, "radiograph_source"),
        ({"model_version": 1}, "radiograph_model_version"),
    ],
)
@pytest.mark.parametrize("is_further", [False, True])
def test_each_filter_has_an_index_in_the_order_of_the_list(
    alice: User, query: dict[str, Any], index: str, is_further: bool
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("how PostgreSQL reads a table depends on what is in it")
    mark = Mark(timezone.now(), make_radiograph(alice).pk) if is_further else None
    with CaptureQueriesContext(connection) as captured:
        page_of(Found((Radiograph.objects.filter(owner=alice, **query),), ORDERS["-created"]), mark, 24)
    keys = captured.captured_queries[0]["sql"]
    assert "JOIN" not in keys, "SQLite may begin with what is joined, where that is a small table, and sort all rows"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {keys}")
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert f"INDEX {index} " in plan
    assert ("created<?" in plan) == is_further
    assert "TEMP B-TREE" not in plan


def test_neighbours_are_the_owners_next(alice: User, bob: User) -> None:
    oldest, middle, newest = (make_radiograph(alice) for _ in range(3))
    make_radiograph(bob)
    assert neighbours_of(middle) == (newest, oldest)
    assert neighbours_of(newest) == (None, middle)
    assert neighbours_of(oldest) == (middle, None)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_row_that_is_deleted_between_two_looks_does_not_end_the_list(
    alice: User, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    made = [make_radiograph(alice) for _ in range(3)][::-1]
    newest_first = found(paging.NEWEST_FIRST)
    keys = paging._keys

    def look_and_delete(*args: Any) -> Any:
        looked = keys(*args)
        made[gone].delete()
        return looked

    monkeypatch.setattr(paging, "_keys", look_and_delete)
    page = page_of(newest_first, None, 2)
    assert page.after
    assert len(page.radiographs) == (2 if gone == 2 else 1)
    monkeypatch.setattr(paging, "_keys", keys)
    assert len(page_of(newest_first, page.after, 2).radiographs) == (0 if gone == 2 else 1)
