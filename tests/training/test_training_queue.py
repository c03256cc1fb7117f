"""Training has a queue and workers of its own, which train for real with the real command."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import psutil
import pytest

from diagnosis.tasks import classify
from pneumodetect.celery import add_worker_steps, app
from pneumodetect.run import worker_command
from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import ROOT, LivePlatform
from tests.training.conftest import draw_chest, png
from training import tasks


def queue_of(task: Any) -> str:
    return str(app.amqp.router.route({}, task.name)["queue"].name)


def test_each_kind_of_work_has_its_queue_and_the_workers_of_make_run_hear_their_own() -> None:
    queues = {classify.name: queue_of(classify), tasks.run.name: queue_of(tasks.run)}
    assert queues == {"diagnosis.classify": "celery", "training.run": "training"}
    command = worker_command(8000, 1)
    assert command[command.index("--queues") + 1] == queue_of(classify)


def test_no_limit_of_time_ends_a_training() -> None:
    a_month = 30 * 24 * 3600
    assert tasks.run.time_limit > tasks.run.soft_time_limit - 1 > a_month
    assert not tasks.run.acks_late, "it would be delivered anew after the visibility timeout"


def test_a_worker_that_should_do_both_is_refused() -> None:
    heard = SimpleNamespace(consume_from={"celery": None, "training": None, "both@here.dq2": None})
    worker = SimpleNamespace(hostname="both@here", app=SimpleNamespace(amqp=SimpleNamespace(queues=heard)))
    with pytest.raises(SystemExit, match="trains or classifies, not both"):
        add_worker_steps(sender=worker)


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """A folder with a few drawn chests, and weights that are as good as none."""
    folder = tmp_path / "data"
    for label, name, count in ((0, "NORMAL", 16), (1, "PNEUMONIA", 24)):
        (folder / "drawn" / name).mkdir(parents=True)
        for number in range(count):
            file = f"person{number}_virus_{number}.png" if label else f"IM-{number:04}-0001.png"
            (folder / "drawn" / name / file).write_bytes(png(draw_chest(label, number)))
    mobilenet = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(224, 224, 3))
    arrays = {f"{layer.name}/{each.name}": np.asarray(each) for layer in mobilenet.layers for each in layer.weights}
    np.savez(folder / "imagenet.npz", allow_pickle=False, **arrays)
    return folder


@pytest.fixture
def platform(tmp_path: Path, training_data: Path) -> Iterator[LivePlatform]:
    offered = {"PNEUMODETECT_TRAINING_DATA_DIR": str(training_data), "PNEUMODETECT_WORKERS": "1"}
    platform = LivePlatform(tmp_path / "live", **offered).wait_until_ready()
    yield platform
    platform.stop()


@pytest.fixture
def start_worker(platform: LivePlatform, tmp_path: Path) -> Iterator[Callable[[], psutil.Popen]]:
    """Return a function that starts a training worker as README says."""
    started = []

    def start() -> psutil.Popen:
        words = "-A pneumodetect worker -Q training --concurrency 1 --hostname training@%h"
        environment = {**platform.environment, "REDIS_URL": platform.redis_url()}
        with (tmp_path / "training.log").open("ab") as log:
            command = [sys.executable, "-m", "celery", *words.split()]
            started.append(psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for worker in started:
        if worker.poll() is None:
            worker.terminate()
            worker.wait(30)


def row(platform: LivePlatform) -> dict[str, Any]:
    with sqlite3.connect(platform.data_dir / "db.sqlite3", timeout=20) as database:
        database.row_factory = sqlite3.Row
        return dict(database.execute("SELECT * FROM training_trainingrun").fetchone())


def wait_for(what: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.3)
    return found


def trainers_of(worker: psutil.Popen) -> list[psutil.Process]:
    found = []
    for process in worker.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if {"manage.py", "train"} <= set(process.cmdline()):
                found.append(process)
    return found


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def manage(platform: LivePlatform, code: str) -> str:
    environment = {**platform.environment, "REDIS_URL": platform.redis_url()}
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_a_run_is_trained_given_back_by_a_worker_that_is_stopped_finished_by_the_next_and_published(
    platform: LivePlatform, start_worker: Callable[[], psutil.Popen]
) -> None:
    manage(
        platform,
        "from training import runs; from training.models import TrainingRun\n"
        "runs.start(TrainingRun(data='drawn', epochs=1, accelerator='cpu', imagenet_weights='imagenet.npz'))",
    )
    first = start_worker()
    trainers = wait_for(lambda: trainers_of(first), 60)
    assert row(platform)["status"] == "running"
    first.send_signal(signal.SIGTERM)
    first.wait(30)
    assert not any(map(lives, trainers))
    given_back = row(platform)
    assert (given_back["status"], given_back["attempts"]) == ("pending", 0)

    start_worker()
    wait_for(lambda: row(platform)["status"] == "running", 60)
    status, answer = Caller(platform.url, platform.username, platform.password).upload(jpeg_bytes(), wait=20)
    assert (status, answer["status"]) == (201, "succeeded"), "it is classified meanwhile"
    wait_for(lambda: row(platform)["status"] in ("succeeded", "failed"), 600)
    ended = row(platform)
    assert (ended["status"], ended["reason"]) == ("succeeded", "")
    assert [epoch["epoch"] for epoch in json.loads(ended["history"])] == [1]
    assert "validation" in json.loads(ended["metrics"])
    assert "images to train on" in ended["log"]
    published = manage(
        platform,
        "from training import runs; from training.models import TrainingRun\n"
        "print(runs.publish(TrainingRun.objects.get(), activate=True).active)",
    )
    assert published.strip() == "True"
