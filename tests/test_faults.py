"""Processes are killed in the middle of the work: nothing is lost, doubled or changed."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
from django.conf import settings

from diagnosis.engine.classifier import Classifier
from tests.calls import Caller
from tests.conftest import BUNDLED_MODEL
from tests.drawings import jpeg_bytes
from tests.live import LivePlatform

UPLOADS = 200
WORKER_KILLS = 10
FINAL_WITHIN = 30.0


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    platform = LivePlatform(tmp_path_factory.mktemp("faults")).wait_until_ready()
    yield platform
    platform.stop()


def kill(pid: int | None) -> bool:
    with suppress(ProcessLookupError, TypeError):
        os.kill(pid, signal.SIGKILL)  # type: ignore[arg-type]
        return True
    return False


def kill_a_worker_at_work(platform: LivePlatform, number: int) -> None:
    """Kill a process of the pool while it holds a claim; every fifth time the worker's main process instead."""
    with closing(sqlite3.connect(platform.data_dir / "db.sqlite3", timeout=20)) as database:
        while True:
            query = "SELECT worker, attempts FROM diagnosis_prediction WHERE status = 'running' AND worker != ''"
            claims = list(database.execute(query))
            held = {int(worker.rpartition(":")[2]) for worker, _ in claims}
            pids = platform.worker_pids()
            at_work = held & set(pids[1:])
            # Whoever dies at its last attempt has failed by design, and is not lost.
            is_last = any(attempts >= settings.MAX_ATTEMPTS for _, attempts in claims)
            if at_work and not is_last and kill(pids[0] if number % 5 == 4 else at_work.pop()):
                return
            time.sleep(0.002)


def attempts_of(platform: LivePlatform) -> list[int]:
    with closing(sqlite3.connect(platform.data_dir / "db.sqlite3", timeout=20)) as database:
        return [attempts for (attempts,) in database.execute("SELECT attempts FROM diagnosis_prediction")]


def test_nothing_is_lost_doubled_or_changed_when_workers_and_redis_are_killed(platform: LivePlatform) -> None:
    caller = Caller(platform.url, platform.username, platform.password)
    images = {
        hashlib.sha256(data).hexdigest(): data for data in (jpeg_bytes(1400, 1100, seed) for seed in range(UPLOADS))
    }
    kills = 0
    with ThreadPoolExecutor(3) as senders:
        answers = []
        for number, data in enumerate(images.values()):
            answers.append(senders.submit(caller.upload, data))
            if number % (UPLOADS // WORKER_KILLS) == 10:
                answers[-5].result()  # keep the faults among the uploads, not ahead of them
                kill_a_worker_at_work(platform, kills)
                kills += 1
            if number == UPLOADS // 2:
                assert kill(platform.redis_pid())
        statuses = [answer.result()[0] for answer in answers]
    last_fault = time.monotonic()
    assert kills == WORKER_KILLS
    assert statuses == [201] * UPLOADS, "an upload is accepted whatever is dead"

    rows = caller.radiographs()
    while any(row["status"] in ("pending", "running") for row in rows):
        assert time.monotonic() - last_fault < FINAL_WITHIN, [r["status"] for r in rows if r["status"] != "succeeded"]
        time.sleep(1)
        rows = caller.radiographs()

    print(f"all final {time.monotonic() - last_fault:.1f} s after the last fault")
    assert max(attempts_of(platform)) > 1, "no fault hit a worker at its work"
    assert sorted(row["sha256"] for row in rows) == sorted(images), "none lost, none doubled"
    assert {row["status"] for row in rows} == {"succeeded"}
    classifier = Classifier.load(BUNDLED_MODEL)
    for row in rows:
        expected = classifier.classify(images[row["sha256"]]).probability
        assert row["prediction"]["probability"] == pytest.approx(expected), "none changed"
