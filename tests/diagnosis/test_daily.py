"""The small chart of results a day, and its table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.history.daily import DAYS, chart_of
from diagnosis.models import ModelVersion, Radiograph
from tests.diagnosis.pages import browser_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


def made(owner: User, days_ago: int, at: str = "12:00", **facts: Any) -> Radiograph:
    radiograph = make_radiograph(owner, **facts)
    day = timezone.localdate() - timedelta(days=days_ago)
    moment = timezone.make_aware(datetime.fromisoformat(f"{day} {at}"))
    Radiograph.objects.filter(pk=radiograph.pk).update(created=moment)
    return radiograph


def test_each_day_is_counted_by_what_was_answered(alice: User, bob: User, version: ModelVersion) -> None:
    for days_ago, facts in [
        (0, succeeded(version)),
        (0, {"status": "failed"}),
        (0, {"status": "refused"}),
        (0, {}),
        (2, succeeded(version, 0.1)),
        (2, succeeded(version, 0.2)),
        (DAYS - 1, succeeded(version)),
        (DAYS, succeeded(version)),
    ]:
        made(alice, days_ago, **facts)
    made(bob, 0)
    chart = chart_of(alice)
    assert chart
    rows = {(timezone.localdate() - day.day).days: day.row for day in chart.days if day.total}
    assert rows == {0: [1, 0, 0, 2, 1], 2: [0, 0, 2, 0, 0], DAYS - 1: [1, 0, 0, 0, 0]}
    assert "7 in all, the most being 4 on" in chart.summary


def test_a_day_is_one_of_the_zone_of_the_pages(alice: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    for at in ("00:00:00", "23:59:59"):
        made(alice, 1, at)
    chart = chart_of(alice)
    assert chart
    assert [day.total for day in chart.days[-3:]] == [0, 2, 0]


def test_the_page_draws_it_and_has_it_as_a_table_that_leads_to_each_day(alice: User, version: ModelVersion) -> None:
    made(alice, 1, **succeeded(version))
    page = words(browser_of(alice).get("/radiographs/"))
    day = timezone.localdate() - timedelta(days=1)
    assert 'role="img" aria-label="X-rays a day over the last 30 days: 1 in all' in page
    assert page.count('<path class="days-kind-0"') == page.count('<path class="days-') == 1
    assert f'href="?created_after={day}&amp;created_before={day}"' in page
    assert "<td" in page


def test_there_is_no_chart_of_nothing_or_beside_a_filtered_list(alice: User) -> None:
    assert chart_of(alice) is None
    made(alice, DAYS + 5)
    assert "X-rays a day" not in words(browser_of(alice).get("/radiographs/"))
    made(alice, 0)
    assert "X-rays a day" in words(browser_of(alice).get("/radiographs/"))
    assert "X-rays a day" not in words(browser_of(alice).get("/radiographs/?status=pending"))


def test_many_are_counted_once_a_minute_and_few_each_time(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    made(alice, 0)
    for queries in (1, 1):
        with django_assert_num_queries(queries):
            chart_of(alice)
    monkeypatch.setattr("diagnosis.history.daily.MANY", 0)
    for queries in (1, 0):
        with django_assert_num_queries(queries):
            assert chart_of(alice)
