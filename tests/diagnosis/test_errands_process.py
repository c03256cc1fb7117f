"""Errands are done by a process that is there when it is needed, and none of them holds up the others."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User

from diagnosis import errands
from diagnosis.errands import THREADS, Errands
from diagnosis.errands_process import ErrandsProcess
from diagnosis.models import Webhook


@pytest.mark.django_db
def test_the_process_is_started_when_something_is_due_once_and_again_when_it_has_ended(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr("diagnosis.errands_process.COMMAND", sleeping)
    holder = ErrandsProcess()
    holder.look()
    assert holder._process is None
    Webhook.objects.create(owner=alice, url="https://hook.example/").ping()
    holder.look()
    first = holder._process
    assert first
    holder.look()
    assert holder._process is first
    first.kill()
    first.wait()
    holder.look()
    assert holder._process
    assert holder._process is not first
    holder._process.kill()
    holder._process.wait()


def test_a_slow_errand_holds_up_no_other_and_whoever_waited_longest_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    released, done = threading.Event(), []

    def slow(name: int) -> None:
        done.append(name)
        released.wait(30)

    due = {number: lambda number=number: slow(number) for number in range(THREADS + 2)}
    monkeypatch.setattr(errands, "_due", lambda: dict(due))
    monkeypatch.setattr(errands, "_do", lambda errand: errand())
    loop = Errands()
    loop._forgotten = float("inf")
    with ThreadPoolExecutor(THREADS) as pool:
        assert loop._look(pool) == THREADS
        assert loop._look(pool) == THREADS, "none is done twice at once"
        first = set(loop._jobs)
        released.set()
        for job in loop._jobs.values():
            job.result(30)
        loop._look(pool)
        assert set(due) - first <= set(loop._jobs), "those that had no turn yet"


def test_an_errand_that_fails_is_logged_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(errands, "PAUSE_AFTER_FAULT", 0)
    monkeypatch.setattr("diagnosis.errands.connection.close", lambda: None)
    errands._do(lambda: 1 / 0)
    assert "An errand failed" in caplog.text
