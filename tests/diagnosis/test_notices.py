"""What every page says when a part of the platform is away."""

from __future__ import annotations

import shutil
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis import notices, worker
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")

PAGES = ["/", "/radiographs/", "/help/", "/accounts/email/", "/accounts/password/change/", "/nowhere/"]


@pytest.fixture(autouse=True)
def _worker_answers() -> None:
    worker.report_alive()


@pytest.mark.parametrize("path", PAGES)
def test_where_all_is_well_no_page_says_anything(alice: User, path: str) -> None:
    assert "notices" not in words(browser_of(alice).get(path))


@pytest.mark.parametrize("path", PAGES)
def test_without_a_worker_every_page_says_what_that_means(alice: User, path: str) -> None:
    cache.delete(worker.ALIVE_KEY)
    page = words(browser_of(alice).get(path))
    assert '<div class="bar notices" role="status">' in page
    assert notices.WORKER_AWAY in page


def test_the_result_page_says_it_too(alice: User) -> None:
    cache.delete(worker.ALIVE_KEY)
    assert notices.WORKER_AWAY in words(browser_of(alice).get(page_of(make_radiograph(alice))))


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_the_queue_is_named_and_not_the_workers(alice: User) -> None:
    page = words(browser_of(alice).get("/"))
    assert notices.REDIS_AWAY in page
    assert notices.WORKER_AWAY not in page


def test_a_disk_with_less_room_than_the_limit_is_nearly_full(alice: User, settings: Settings) -> None:
    settings.DISK_LOW_BYTES = shutil.disk_usage(settings.DATA_DIR).total + 1
    assert notices.DISK_LOW in words(browser_of(alice).get("/"))


def test_a_visitor_is_told_nothing_of_the_platform(db: Any) -> None:
    cache.delete(worker.ALIVE_KEY)
    assert "notices" not in words(Client().get("/accounts/login/"))


def test_a_redis_that_hangs_holds_up_no_page_and_is_asked_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, goes_on = [], threading.Event()

    def hangs() -> bool:
        asked.append(1)
        return not goes_on.wait(10)

    monkeypatch.setattr("diagnosis.health.redis_answers", hangs)
    notices.forget()
    assert notices.platform() == notices.Platform()  # nothing is known yet, and nobody waits for it
    assert notices.platform() == notices.Platform()
    assert len(asked) == 1
    threads = [thread for thread in threading.enumerate() if thread.name == notices.THREAD]
    goes_on.set()
    for thread in threads:
        thread.join()
    assert notices.platform() == notices.Platform(redis_answers=False, worker_answers=False)


def test_what_was_found_holds_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def answers() -> bool:
        asked.append(1)
        return True

    monkeypatch.setattr("diagnosis.health.redis_answers", answers)
    notices.forget()
    for _ in range(5):
        notices.platform()
    assert len(asked) == 1
    monkeypatch.setattr(notices, "KEEP", 0.0)
    notices.forget()
    notices.platform()
    notices.platform()
    assert len(asked) == 3
