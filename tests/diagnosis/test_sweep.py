"""What died is put right within seconds, and what nobody took is rung for again."""

from __future__ import annotations

import datetime
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from celery.signals import task_received
from celery.worker import state
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from diagnosis import tasks
from diagnosis.models import Prediction
from diagnosis.sweep import DEAF_AFTER, SweepStep, sweep
from diagnosis.worker import host_name, process_name
from tests.factories import make_radiograph

LONG_AGO = timezone.now() - datetime.timedelta(minutes=1)


def running(owner: User, worker: str, **facts: Any) -> Prediction:
    lease = timezone.now() + datetime.timedelta(seconds=10)
    usual: dict[str, Any] = {
        "status": "running",
        "worker": worker,
        "attempts": 1,
        "lease_until": lease,
        "queued_at": LONG_AGO,
    }
    return make_radiograph(owner, **(usual | facts)).prediction


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_a_dead_process_of_this_host_held_is_given_back_at_once(alice: User) -> None:
    prediction = running(alice, f"{host_name()}:{dead_process()}")
    assert sweep() == [prediction.pk]
    prediction.refresh_from_db()
    assert prediction.status == "pending"


def test_a_process_that_is_dead_and_not_yet_buried_counts_as_dead(alice: User) -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    prediction = running(alice, f"{host_name()}:{zombie.pid}")
    assert sweep() == [prediction.pk]
    zombie.wait()


def test_what_a_living_process_or_another_host_holds_is_left(alice: User) -> None:
    running(alice, process_name())
    running(alice, f"elsewhere/pid:[1]:{dead_process()}")
    assert sweep() == []
    assert set(Prediction.objects.values_list("status", flat=True)) == {"running"}


def test_what_was_given_back_is_left_until_its_pause_is_over(alice: User) -> None:
    prediction = make_radiograph(alice, queued_at=LONG_AGO).prediction
    claimed = Prediction.objects.claim(prediction.pk, f"{host_name()}:{dead_process()}")
    assert claimed
    claimed.give_back()
    assert sweep() == []
    Prediction.objects.update(lease_until=LONG_AGO)
    assert sweep() == [prediction.pk]


def test_an_expired_lease_of_another_host_is_rung_for(alice: User) -> None:
    prediction = running(alice, "elsewhere/pid:[1]:5", lease_until=LONG_AGO)
    assert sweep() == [prediction.pk]


def test_what_nobody_was_rung_for_is_found_oldest_first_and_the_fresh_left_alone(alice: User) -> None:
    second = make_radiograph(alice, queued_at=LONG_AGO).prediction
    first = make_radiograph(alice, queued_at=LONG_AGO - datetime.timedelta(hours=1)).prediction
    make_radiograph(alice)
    assert sweep() == [first.pk, second.pk]


def test_what_was_tried_too_often_is_failed_and_not_rung_for(alice: User) -> None:
    prediction = running(alice, f"{host_name()}:{dead_process()}", attempts=3)
    assert sweep() == []
    prediction.refresh_from_db()
    assert (prediction.status, prediction.reason_code) == ("failed", "gave_up")


def test_what_a_killed_web_process_left_half_uploaded_is_removed(db: Any, settings: Settings) -> None:
    names = ("fresh.upload", "stale.upload", "artifact-stale")
    fresh, stale, folder = (settings.FILE_UPLOAD_TEMP_DIR / name for name in names)
    folder.mkdir()
    for file in (fresh, stale, folder / "network.tflite"):
        file.touch()
    for path in (stale, folder):
        os.utime(path, (0, 0))
    sweep()
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == [fresh]


@pytest.fixture
def step(db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepStep]:
    """The sweep of a worker whose last message came long ago, with a Redis that answers."""
    monkeypatch.setattr("diagnosis.sweep.tasks.ring", lambda *_, **__: True)
    # Within a test's transaction the connection stays open.
    monkeypatch.setattr("diagnosis.sweep.connection", SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(state, "should_terminate", None)
    step = SweepStep(SimpleNamespace())
    step._heard = time.monotonic() - DEAF_AFTER - 1
    yield step
    task_received.disconnect(step._hear)


CONSUMER = SimpleNamespace(hostname="worker@host", pool=SimpleNamespace(info={"processes": [], "max-concurrency": 1}))


def test_a_worker_that_no_longer_hears_its_own_doorbell_ends(step: SweepStep) -> None:
    step._sweep(CONSUMER)
    assert state.should_terminate


def test_a_worker_that_hears_goes_on(step: SweepStep) -> None:
    task_received.send(sender=None)
    step._sweep(CONSUMER)
    assert not state.should_terminate


def test_a_silent_redis_is_not_a_deaf_worker(step: SweepStep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnosis.sweep.tasks.ring", lambda *_, **__: False)
    step._sweep(CONSUMER)
    assert not state.should_terminate


@pytest.mark.parametrize("fault", [DatabaseError("locked"), FileNotFoundError("no such folder")])
def test_a_database_or_disk_that_is_away_does_not_end_the_sweep(
    step: SweepStep, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def away() -> None:
        raise fault

    monkeypatch.setattr("diagnosis.sweep.sweep", away)
    step._sweep(CONSUMER)
    assert not state.should_terminate


def test_no_more_is_rung_for_than_no_message_stands_for_yet(
    step: SweepStep, monkeypatch: pytest.MonkeyPatch, real_redis: Redis
) -> None:
    rung: list[int | None] = []

    def ring(pk: int | None, **_: Any) -> bool:
        rung.append(pk)
        return True

    monkeypatch.setattr("diagnosis.sweep.tasks.ring", ring)
    monkeypatch.setattr("diagnosis.sweep.sweep", lambda: [7, 8, 9])
    real_redis.rpush("celery", "a message", "another")
    step._sweep(CONSUMER)
    assert rung == [None, 9], "its own doorbell, and the one that two messages leave over"
    real_redis.delete("celery")
    step._sweep(CONSUMER)
    assert rung[2:] == [None, 7, 8, 9]


def test_ringing_a_redis_that_is_away_says_so_quickly_and_raises_nothing(alice: User) -> None:
    started = timezone.now()
    assert tasks.ring(1) is False
    assert (timezone.now() - started).total_seconds() < 2


def test_ringing_a_redis_that_says_nothing_gives_up_within_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(current_app.conf, "broker_url", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        assert tasks.ring(1) is False
        assert time.monotonic() - started < 2


@pytest.mark.usefixtures("db")
def test_what_cannot_be_removed_does_not_keep_the_sweep_from_the_jobs(alice: User, settings: Settings) -> None:
    prediction = running(alice, f"{host_name()}:{dead_process()}")
    for name in ("a", "b"):
        folder = settings.FILE_UPLOAD_TEMP_DIR / name  # which nothing makes here, and nothing here can unlink
        folder.mkdir()
        os.utime(folder, (0, 0))
    assert sweep() == [prediction.pk]
