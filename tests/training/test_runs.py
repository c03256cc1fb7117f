"""A training run is a row, its training a process of its own, and neither is lost, doubled or left behind."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests.training import stand_in
from training import runs
from training.accelerator import KINDS
from training.errors import TrainingError
from training.management.commands.train import Command
from training.models import TrainingRun

Status = TrainingRun.Status
Pretend = Callable[..., None]


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "var"
    settings.TRAINING_DATA_DIR = tmp_path


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Return a function that lets a program stand in for the trainer."""
    monkeypatch.setattr(runs, "LOOK_EVERY", 0.05)

    def pretend(epochs: int = 2, seconds: float = 0.1, crash_at: str = "0") -> None:
        words = [sys.executable, stand_in.__file__]
        options = [str(epochs), str(seconds), crash_at]
        monkeypatch.setattr(runs, "command", lambda run: [*words, str(run.folder), *options])

    return pretend


@pytest.fixture
def run(db: None) -> TrainingRun:
    return TrainingRun.objects.create(data="drawn")


def let_lease_run_out(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def in_background(run: TrainingRun) -> threading.Thread:
    """Carry the run out as a worker does, beside the test."""

    def work() -> None:
        runs.carry_out_next(run.pk, "training@elsewhere")
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def has_epochs(run: TrainingRun, count: int = 1) -> Callable[[], bool]:
    return lambda: len(TrainingRun.objects.get(pk=run.pk).history) >= count


def processes_of(run: TrainingRun) -> list[int]:
    """Those that the stand-in has started up to now and that still live."""
    pids = map(int, (run.partial / "pids.txt").read_text().split())
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_run_becomes_an_artifact_whose_facts_are_in_its_row(run: TrainingRun, pretend: Pretend) -> None:
    pretend()
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert (run.status, run.reason, run.token, run.lease_until) == (Status.SUCCEEDED, "", None, None)
    assert (run.folder / "network.tflite").exists()
    card = json.loads((run.folder / "card.json").read_text())
    assert run.metrics == card["metrics"]
    assert run.fingerprint == card["data"]["fingerprint"]
    assert run.history == card["training"]["epochs"]
    assert run.auroc == card["metrics"]["validation"]["auroc"]["value"]
    assert run.log == "epoch 1\nepoch 2"
    assert run.started_at
    assert run.finished_at
    assert processes_of(run) == []


@pytest.mark.django_db(transaction=True)
def test_progress_and_curves_are_in_the_row_while_it_trains(pretend: Pretend) -> None:
    run = TrainingRun.objects.create(data="drawn")
    pretend(epochs=500)
    worker = in_background(run)
    wait_for(has_epochs(run, 2))
    seen = TrainingRun.objects.get(pk=run.pk)
    assert seen.status == Status.RUNNING
    assert seen.lease_until
    assert seen.lease_until > timezone.now()
    assert seen.progress["epochs"] == 500
    assert seen.progress["loss"] is None, "NaN is no JSON"
    assert seen.history[0]["clean_auroc"] == 0.9
    seen.stop("Enough.")
    worker.join()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_stopped_ends_with_all_its_processes_and_can_go_on_where_it_was(pretend: Pretend) -> None:
    run = TrainingRun.objects.create(data="drawn")
    pretend(epochs=500)
    worker = in_background(run)
    wait_for(has_epochs(run))
    assert run.stop("Stopped by charlie.")
    worker.join(10)
    assert not worker.is_alive()
    assert processes_of(run) == []
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.FAILED, "Stopped by charlie.")
    assert not run.folder.exists()
    done = len(json.loads((run.partial / "history.json").read_text()))

    runs.start(run)
    assert TrainingRun.objects.claim(run.pk, "training@other") is None, "its process may not have ended yet"
    let_lease_run_out(run)
    pretend(epochs=done + 1)
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    writers = [row["by"] for row in json.loads((run.partial / "history.json").read_text())]
    assert (len(writers), len(set(writers))) == (done + 1, 2), "the first epochs were not trained again"


@pytest.mark.django_db(transaction=True)
def test_the_worker_of_another_host_takes_over_when_the_lease_is_over_and_the_first_one_ends(pretend: Pretend) -> None:
    run = TrainingRun.objects.create(data="drawn")
    pretend(epochs=500)
    worker = in_background(run)
    wait_for(has_epochs(run))
    assert TrainingRun.objects.claim(None, "training@second") is None
    let_lease_run_out(run)
    second = None
    while not second:  # the first renews it meanwhile
        let_lease_run_out(run)
        second = TrainingRun.objects.claim(run.pk, "training@second")
    worker.join(10)
    assert not worker.is_alive()
    assert processes_of(run) == []
    run.refresh_from_db()
    assert (run.status, run.worker, run.token) == (Status.RUNNING, "training@second", second.token)


def test_a_training_process_that_is_killed_is_started_again_and_goes_on(run: TrainingRun, pretend: Pretend) -> None:
    pretend(epochs=3, crash_at="2")
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert (run.status, len(run.history)) == (Status.PENDING, 1)
    runs.carry_out_next(None, "training@here")
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert run.log == "epoch 1\nepoch 2\nepoch 3"


def test_who_finishes_no_epoch_in_three_attempts_fails_with_a_sentence(run: TrainingRun, settings: Settings) -> None:
    for _ in range(settings.MAX_ATTEMPTS):
        claimed = TrainingRun.objects.claim(None, "training@here")
        assert claimed
        assert TrainingRun.objects.all().fail_exhausted() == 0
        let_lease_run_out(run)
    assert TrainingRun.objects.claim(None, "training@here") is None
    assert TrainingRun.objects.all().fail_exhausted() == 1
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "3 times without finishing another epoch" in run.reason
    assert claimed
    assert not claimed.succeed()


def test_an_epoch_that_is_finished_makes_the_attempts_count_anew(run: TrainingRun, pretend: Pretend) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(attempts=2)
    pretend(epochs=3, crash_at="2")
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.PENDING, 1)


def test_the_sentence_with_which_the_command_ended_is_the_reason(run: TrainingRun, pretend: Pretend) -> None:
    pretend(crash_at="refuse")
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.FAILED, "NORMAL/ holds no images.")
    assert run.log == "Reading images: 10 of 10\nCommandError: NORMAL/ holds no images."


def test_a_worker_that_died_after_the_training_lets_the_next_one_store_the_result(
    run: TrainingRun, pretend: Pretend
) -> None:
    pretend()
    runs.carry_out_next(run.pk, "training@here")
    TrainingRun.objects.update(status=Status.RUNNING, metrics={}, lease_until=timezone.now() - timedelta(seconds=1))
    (run.partial / "pids.txt").unlink()
    runs.carry_out_next(None, "training@other")
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert run.metrics
    assert not (run.partial / "pids.txt").exists(), "nothing was trained again"


def test_a_database_that_is_away_for_half_a_lease_ends_the_training_before_another_can_claim_it(
    run: TrainingRun, pretend: Pretend, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: TrainingRun, **facts: object) -> bool:
        raise DatabaseError("away")

    settings.TRAINING_LEASE = timedelta(seconds=1)
    monkeypatch.setattr(TrainingRun, "keep", fail)
    pretend(epochs=500)
    runs.carry_out_next(run.pk, "training@here")
    assert processes_of(run) == []


def test_a_worker_that_is_killed_takes_its_training_along(run: TrainingRun, pretend: Pretend, tmp_path: Path) -> None:
    pretend(epochs=500)
    code = (
        "import sys, time; from pathlib import Path; from training.child import Child\n"
        "with Child(sys.argv[2:], Path(sys.argv[1]), Path('.')): time.sleep(600)"
    )
    worker = psutil.Popen([sys.executable, "-c", code, str(tmp_path / "child.log"), *runs.command(run)])
    wait_for(lambda: (run.partial / "history.json").exists())
    assert len(processes_of(run)) == 2
    worker.kill()
    worker.wait()
    wait_for(lambda: processes_of(run) == [])


def test_what_a_worker_holds_when_it_is_asked_to_stop_waits_for_the_next_one(run: TrainingRun) -> None:
    held = TrainingRun.objects.claim(run.pk, "training@here")
    assert held
    assert TrainingRun.objects.all().release("training@other") == 0
    assert TrainingRun.objects.all().release("training@here") == 1
    assert not held.keep(), "whoever trains notices it"
    assert TrainingRun.objects.claim(None, "training@other") is None, "the process may not have ended yet"
    let_lease_run_out(run)
    again = TrainingRun.objects.claim(None, "training@other")
    assert again
    assert again.attempts == 1, "that was no failed attempt"


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_who_race_for_a_run_one_gets_it() -> None:
    run = TrainingRun.objects.create(data="drawn")
    start, wins = threading.Barrier(8), []

    def race(number: int) -> None:
        start.wait()
        wins.append(TrainingRun.objects.claim(run.pk, f"training@{number}"))
        connection.close()

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len([win for win in wins if win]) == 1


def test_only_a_failed_run_goes_on(run: TrainingRun) -> None:
    with pytest.raises(TrainingError, match=f"run {run.pk} is pending"):
        runs.start(run)


def test_the_command_says_all_that_was_chosen(run: TrainingRun, tmp_path: Path) -> None:
    for name in ("drawn", "weights.npz"):
        (tmp_path / name).mkdir()
    chosen = {"epochs": 3, "seed": 0, "accelerator": "cpu", "source": "--afresh", "imagenet_weights": "weights.npz"}
    for name, value in chosen.items():
        setattr(run, name, value)
    words = " ".join(runs.command(run)[1:])
    assert words == (
        f"manage.py train --data {tmp_path / 'drawn'} --recipe default --accelerator cpu --output {run.folder} "
        f"--imagenet-weights {tmp_path / 'weights.npz'} --epochs=3 --seed=0 --source=--afresh"
    )
    asked = Command().create_parser("manage.py", "train").parse_args(runs.command(run)[3:])
    assert (asked.source, asked.afresh, asked.epochs, asked.seed) == ("--afresh", False, 3, 0)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("../elsewhere", "'../elsewhere' lies outside of the folder of training data."),
        ("gone", "The folder of training data on the training worker's machine holds no 'gone'."),
    ],
)
def test_a_folder_that_must_not_or_cannot_be_read_fails_the_run(run: TrainingRun, data: str, sentence: str) -> None:
    TrainingRun.objects.update(data=data)
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.FAILED, sentence)


def test_a_worker_without_the_setting_says_so(run: TrainingRun, settings: Settings) -> None:
    settings.TRAINING_DATA_DIR = None
    runs.carry_out_next(run.pk, "training@here")
    run.refresh_from_db()
    assert run.reason.startswith("PNEUMODETECT_TRAINING_DATA_DIR is not set")


def test_a_run_names_its_configuration_even_where_its_recipe_is_gone(alice: User) -> None:
    run = TrainingRun(recipe="default", seed=7)
    assert run.configuration["seed"] == 7
    assert run.configuration["epochs"] > 1
    assert TrainingRun(recipe="gone").configuration == {}


def test_the_accelerators_are_those_of_the_trainer() -> None:
    assert tuple(TrainingRun.Accelerator.values) == KINDS


def test_the_end_of_a_long_log_is_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("".join(f"a line {number}\n" for number in range(10_000)))
    lines = runs.log_tail(log).split("\n")
    assert lines[-1] == "a line 9999"
    assert all(line.startswith("a line ") for line in lines)
    assert 100 < len(lines) < 1000
    assert runs.log_tail(tmp_path / "none.log") == ""
    assert log.stat().st_size > runs.LOG_CHARACTERS
