"""A run of the train command is registered when asked for, and keeps its row when it is killed and resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests.conftest import BUNDLED_MODEL
from tests.training.small_network import build_small_network
from tests.training.test_resume import ROOT
from training import runs, trainer
from training.config import TrainingConfig
from training.errors import TrainingError
from training.models import TrainingRun
from training.registering import Report, carry_out_here

Status = TrainingRun.Status
CONFIG = TrainingConfig().as_dict()


@pytest.fixture(autouse=True)
def _in_the_background() -> Iterator[None]:
    """Ignore Ctrl-C, as a program does that a script has started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LOOK_EVERY", 0.02)


@pytest.fixture
def facts(tmp_path: Path) -> dict[str, Any]:
    return {
        "recipe": "default", "accelerator": "cpu", "source": "drawn", "epochs": 3, "seed": None, "data": "/drawn",
        "imagenet_weights": "", "config": CONFIG, "output": str(tmp_path / "out"),
    }  # fmt: skip


def write_epochs(output: Path, count: int) -> None:
    partial = output.with_name(f"{output.name}.partial")
    partial.mkdir(exist_ok=True)
    rows = [{"epoch": epoch, "loss": 0.5, "clean_auroc": 0.9} for epoch in range(1, count + 1)]
    (partial / "history.json").write_text(json.dumps(rows))


def finish(output: Path) -> None:
    shutil.rmtree(output.with_name(f"{output.name}.partial"), ignore_errors=True)
    shutil.copytree(BUNDLED_MODEL, output)


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def carry_out(facts: dict[str, Any], work: Callable[[Report], object], afresh: bool = False) -> list[str]:
    said: list[str] = []
    carry_out_here(facts, work, said.append, afresh)
    return said


@pytest.mark.django_db(transaction=True)
def test_a_run_is_in_the_registry_while_it_trains_and_when_it_has_ended(facts: dict[str, Any]) -> None:
    seen: list[TrainingRun] = []

    def work(report: Report) -> None:
        report("2 images to train on")
        write_epochs(Path(facts["output"]), 2)
        wait_for(lambda: len(TrainingRun.objects.get().history) == 2)
        seen.append(TrainingRun.objects.get())
        finish(Path(facts["output"]))

    said = carry_out(facts, work)
    run, (during,) = TrainingRun.objects.get(), seen
    assert said == [f"Registered as {run}: /admin/training/trainingrun/{run.pk}/change/", "2 images to train on"]
    assert (during.status, during.log) == (Status.RUNNING, "2 images to train on")
    assert during.configuration == CONFIG
    assert during.lease_until
    assert during.lease_until > timezone.now()
    card = json.loads((BUNDLED_MODEL / "card.json").read_text())
    assert (run.status, run.token, run.reason) == (Status.SUCCEEDED, None, "")
    assert (run.metrics, run.fingerprint) == (card["metrics"], card["data"]["fingerprint"])
    assert run.history == card["training"]["epochs"]
    assert run.configuration == card["training"]["config"]
    assert (run.data, run.source, run.folder) == ("/drawn", "drawn", Path(facts["output"]))


@pytest.mark.django_db(transaction=True)
def test_a_run_that_fails_says_why_and_goes_on_in_its_row_with_the_same_command_alone(facts: dict[str, Any]) -> None:
    def fail(report: Report) -> None:
        write_epochs(Path(facts["output"]), 1)
        raise TrainingError("The loss became no number.")

    with pytest.raises(TrainingError, match="became no number"):
        carry_out(facts, fail)
    run = TrainingRun.objects.get()
    assert (run.status, run.reason, len(run.history)) == (Status.FAILED, "The loss became no number.", 1)

    other = {**facts, "config": {**CONFIG, "seed": 7}}
    with pytest.raises(TrainingError):
        carry_out(other, fail)
    assert TrainingRun.objects.count() == 2
    carry_out(facts, lambda report: finish(Path(facts["output"])))
    run.refresh_from_db()
    assert (run.status, run.reason) == (Status.SUCCEEDED, "")
    assert TrainingRun.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_run_that_begins_afresh_is_another_and_ends_the_one_that_is_gone(facts: dict[str, Any]) -> None:
    gone = TrainingRun.objects.create(status=Status.RUNNING, lease_until=timezone.now(), **facts)
    carry_out(facts, lambda report: finish(Path(facts["output"])), afresh=True)
    gone.refresh_from_db()
    assert (gone.status, gone.reason) == (Status.FAILED, "Its process ended without a word.")
    assert TrainingRun.objects.exclude(pk=gone.pk).get().status == Status.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_stopped_in_the_admin_stops_the_command(facts: dict[str, Any]) -> None:
    def work(report: Report) -> None:
        TrainingRun.objects.get().stop("Stopped by charlie.")
        time.sleep(20)

    with pytest.raises(TrainingError, match=r"^Stopped by charlie\. The same command goes on where it was\.$"):
        carry_out(facts, work)
    run = TrainingRun.objects.get()
    assert (run.status, run.reason) == (Status.FAILED, "Stopped by charlie.")


@pytest.mark.django_db(transaction=True)
def test_a_command_that_is_stopped_at_the_terminal_says_so_in_its_row(facts: dict[str, Any]) -> None:
    def work(report: Report) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(facts, work)
    run = TrainingRun.objects.get()
    assert (run.status, run.reason) == (
        Status.FAILED, "Stopped at the terminal; the same command goes on where it was.",
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_commands_do_not_share_a_run(facts: dict[str, Any]) -> None:
    def work(report: Report) -> None:
        with pytest.raises(TrainingError, match="Another process is training into"):
            carry_out(facts, lambda report: None)
        finish(Path(facts["output"]))

    carry_out(facts, work)
    assert TrainingRun.objects.get().status == Status.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_does_not_end_the_training_of_a_command(
    facts: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRAINING_LEASE = timedelta(seconds=0.1)
    asked: list[int] = []

    def away(self: TrainingRun, **facts: object) -> bool:
        asked.append(1)
        raise DatabaseError("away")

    def work(report: Report) -> None:
        monkeypatch.setattr(TrainingRun, "keep", away)
        wait_for(lambda: len(asked) > 10)
        finish(Path(facts["output"]))

    carry_out(facts, work)
    assert TrainingRun.objects.get().status == Status.SUCCEEDED


#: Write an epoch and be killed at the first attempt; finish at the second.
LIVE_AND_DIE = """
import os, shutil, signal, sys
from pathlib import Path
import django; django.setup()
from django.core.management import call_command
from tests.training.test_registering import CONFIG, finish, write_epochs
from training.models import TrainingRun
from training.registering import carry_out_here
output = Path(sys.argv[1])
facts = dict(recipe="default", accelerator="cpu", data="/drawn", config=CONFIG, output=str(output))
def work(report):
    report("at work")
    if sys.argv[2] == "die":
        write_epochs(output, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    finish(output)
if sys.argv[2] == "die":
    call_command("migrate", verbosity=0)
carry_out_here(facts, work, print, False)
print([(run.pk, run.status, run.attempts, run.log) for run in TrainingRun.objects.all()])
"""


def test_a_command_that_was_killed_goes_on_at_once_and_in_the_same_row(tmp_path: Path) -> None:
    own = {
        "DJANGO_SETTINGS_MODULE": "pneumodetect.settings",
        "PNEUMODETECT_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
    }
    done = [
        subprocess.run(
            [sys.executable, "-c", LIVE_AND_DIE, str(tmp_path / "out"), how],
            cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True,
        )
        for how in ("die", "finish")
    ]  # fmt: skip
    assert done[0].returncode == -signal.SIGKILL, done[0].stderr
    assert done[1].returncode == 0, done[1].stderr
    assert done[1].stdout.splitlines()[-1] == "[(1, 'succeeded', 1, 'at work\\nat work')]"


def test_no_worker_takes_the_run_of_a_command(facts: dict[str, Any], db: None) -> None:
    run = TrainingRun.objects.create(status=Status.RUNNING, lease_until=timezone.now(), **facts)
    assert TrainingRun.objects.claim(run.pk, "training@here") is None
    run.stop("Enough.")
    with pytest.raises(TrainingError, match="goes on when its command is given again"):
        runs.start(run)
    assert run.status != Status.PENDING


def test_a_command_tells_the_registry_what_it_ended_without_telling(facts: dict[str, Any], db: None) -> None:
    run = TrainingRun.objects.create(status=Status.RUNNING, lease_until=timezone.now(), **facts)
    finish(run.folder)
    carry_out(facts, lambda report: pytest.fail("It is trained already."))
    run.refresh_from_db()
    assert (run.status, bool(run.metrics)) == (Status.SUCCEEDED, True)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"accelerator": "abacus"}, r"cannot be registered\. accelerator: "),
        ({"source": "x" * 256}, r"cannot be registered\. source: Ensure this value has at most 255 characters"),
    ],
)
def test_what_the_registry_cannot_hold_is_one_sentence(
    facts: dict[str, Any], db: None, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TrainingError, match=sentence):
        carry_out({**facts, **wrong}, lambda report: None)
    assert not TrainingRun.objects.exists()


def test_a_folder_that_exists_is_refused_before_there_is_a_row(facts: dict[str, Any], db: None) -> None:
    Path(facts["output"]).mkdir()
    with pytest.raises(TrainingError, match="exists already"):
        carry_out(facts, lambda report: None)
    assert not TrainingRun.objects.exists()


def test_the_admin_shows_the_run_of_a_command_publishes_it_and_does_not_offer_to_go_on(
    facts: dict[str, Any], charlie: User
) -> None:
    client = Client()
    client.force_login(charlie)
    run = TrainingRun.objects.create(status=Status.RUNNING, lease_until=timezone.now(), **facts)
    address = f"/admin/training/trainingrun/{run.pk}"
    page = client.get(f"{address}/change/").content.decode()
    assert "Given again, it goes on where it was" in page
    assert facts["output"] in page
    run.stop("Enough.")
    page = client.get(f"{address}/live/").content.decode()
    assert "Go on where it was" not in page
    assert "when its command is given again" in page
    finish(run.folder)
    TrainingRun.objects.update(status=Status.SUCCEEDED)
    client.post(f"{address}/publish/")
    run.refresh_from_db()
    assert run.version


def train(output: Path, data: Path, *more: str) -> None:
    settings = ("epochs=1", "batch_size=4", "share_from_imagenet=0", "frozen_blocks=-1", "validation_fraction=0.5")
    words = ["--data", str(data), "--output", str(output), "--accelerator", "cpu", *more]
    words += [word for setting in settings for word in ("--set", setting)]
    call_command("train", *words)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "build_network", build_small_network)
    monkeypatch.setattr(trainer, "fit_gate", lambda *_: None)


@pytest.mark.usefixtures("_quick")
@pytest.mark.django_db(transaction=True)
def test_the_command_registers_what_it_trains(draw_folder: Callable[..., Path], tmp_path: Path) -> None:
    train(tmp_path / "out", draw_folder(4, 4), "--register")
    run = TrainingRun.objects.get()
    assert (run.status, run.folder, run.data) == (Status.SUCCEEDED, tmp_path / "out", str(tmp_path / "drawn"))
    assert run.configuration["batch_size"] == 4
    assert [row["epoch"] for row in run.history] == [1]
    assert "images to train on" in run.log
    assert (run.folder / "roc.png").is_file()
    with pytest.raises(CommandError, match="exists already"):
        train(tmp_path / "out", tmp_path / "drawn", "--register")
    assert TrainingRun.objects.count() == 1


@pytest.mark.usefixtures("_quick")
def test_without_being_asked_it_touches_no_database(draw_folder: Callable[..., Path], tmp_path: Path) -> None:
    train(tmp_path / "out", draw_folder(4, 4))  # a query here would fail: the test has no mark that allows one
    assert (tmp_path / "out" / "card.json").exists()
    assert not (tmp_path / "out.log").exists()
