"""The history: pages, states, and rows that bring themselves up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from diagnosis import worker
from diagnosis.history.paging import Mark
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.pages.history import PAGE_SIZE
from tests.diagnosis.pages import HTMX, browser_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


def test_an_empty_history_leads_to_the_upload(alice: User) -> None:
    page = words(browser_of(alice).get("/radiographs/"))
    assert "No X-rays yet" in page
    assert "Upload the first one" in page


def test_the_history_is_paged_newest_first_and_only_ones_own(alice: User, bob: User) -> None:
    make_radiograph(bob, filename="of-bob.jpg")
    now = timezone.now()
    for age in range(PAGE_SIZE + 2):
        radiograph = make_radiograph(alice, filename=f"chest-{age:02}.jpg")
        Radiograph.objects.filter(pk=radiograph.pk).update(created=now - timedelta(minutes=age))
    client = browser_of(alice)
    first = client.get("/radiographs/")
    names = [radiograph.filename for radiograph in first.context["page"].radiographs]
    assert names == [f"chest-{age:02}.jpg" for age in range(PAGE_SIZE)]
    assert "of-bob.jpg" not in words(first)
    older = client.get("/radiographs/", {"cursor": str(first.context["page"].after)})
    assert [radiograph.filename for radiograph in older.context["page"].radiographs] == [
        "chest-24.jpg",
        "chest-25.jpg",
    ]
    assert older.context["page"].after is None
    assert "Back to the first" in words(older)
    newer = client.get("/radiographs/", {"cursor": str(older.context["page"].before)})
    assert [radiograph.filename for radiograph in newer.context["page"].radiographs] == names


def test_behind_the_end_of_the_history_there_is_nothing_further(alice: User) -> None:
    radiograph = make_radiograph(alice)
    mark = Mark(radiograph.created - timedelta(days=1), radiograph.pk)
    assert "Nothing further" in words(browser_of(alice).get("/radiographs/", {"cursor": str(mark)}))


@pytest.mark.parametrize("mark", ["nonsense", "WyIyMDI0LTAxLTAxIiwieCIsMF0", "\0", "9" * 5000])
def test_a_mark_that_cannot_be_read_gives_the_first_page(alice: User, mark: str) -> None:
    make_radiograph(alice, filename="first.jpg")
    assert "first.jpg" in words(browser_of(alice).get("/radiographs/", {"cursor": mark}))


def test_the_history_takes_as_many_queries_for_twenty_rows_as_for_one(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    client.get("/help/")  # the first page of a session writes down that there is one
    with django_assert_max_num_queries(10):
        client.get("/radiographs/")


@pytest.mark.parametrize(
    ("facts", "badge"),
    [
        ({"status": "pending"}, "Waiting, next in turn"),
        ({"status": "running"}, "Being read"),
        ({"status": "refused"}, "Refused"),
        ({"status": "failed"}, "Could not be read"),
    ],
)
def test_each_state_has_its_words_in_the_history(alice: User, facts: dict[str, Any], badge: str) -> None:
    worker.report_alive()
    make_radiograph(alice, **facts)
    assert f">{badge}</span>" in words(browser_of(alice).get("/radiographs/"))


def test_an_outcome_has_its_words_in_the_history(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    assert "Pneumonia likely, 94 %" in words(browser_of(alice).get("/radiographs/"))


def test_rows_that_wait_bring_themselves_up_to_date(alice: User, bob: User, version: ModelVersion) -> None:
    waiting, soon_done, of_bob = make_radiograph(alice), make_radiograph(alice), make_radiograph(bob)
    client = browser_of(alice)
    page = client.get("/radiographs/")
    seen = page.context["seen"]
    assert f"outcomes/?seen={seen}&amp;pk={soon_done.pk}&amp;pk={waiting.pk}" in words(page)
    asked: dict[str, Any] = {"seen": seen, "pk": [waiting.pk, soon_done.pk]}
    assert client.get("/radiographs/outcomes/", asked, headers=HTMX).status_code == 204
    soon_done.predictions.update(**succeeded(version))
    asked["pk"] = [waiting.pk, soon_done.pk, of_bob.pk, "no-id"]
    fragment = words(client.get("/radiographs/outcomes/", asked, headers=HTMX))
    assert f'id="outcome-{soon_done.pk}" hx-swap-oob="true"> <span class="badge badge-likely">' in fragment
    assert f"pk={waiting.pk}" in fragment
    assert f"pk={soon_done.pk}" not in fragment
    assert str(of_bob.pk) not in fragment


def test_rows_that_move_up_in_the_queue_say_so(alice: User, bob: User) -> None:
    worker.report_alive()
    before, own = make_radiograph(bob), make_radiograph(alice)
    client = browser_of(alice)
    page = client.get("/radiographs/")
    assert "Waiting, 1 ahead" in words(page)
    before.delete()
    cache.clear()
    worker.report_alive()
    asked = {"seen": page.context["seen"], "pk": [own.pk]}
    assert "Waiting, next in turn" in words(client.get("/radiographs/outcomes/", asked, headers=HTMX))


def test_a_history_in_which_all_is_final_does_not_ask(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    assert "hx-trigger" not in words(browser_of(alice).get("/radiographs/"))
