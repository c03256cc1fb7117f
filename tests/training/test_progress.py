"""How far a run is, for those who watch a terminal, read a log or look on from outside."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from training.progress import Progress, describe, in_words


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("training.progress.time", self)

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "progress.json").read_text())
    return found


def start(folder: Path, said: list[str], terminal: io.StringIO | None = None, done: int = 0) -> Progress:
    console = Console(file=terminal or io.StringIO(), force_terminal=terminal is not None, width=100)
    return Progress(folder, (4, 10), said.append, lambda: 0.98765, done, console)


def test_the_file_says_how_far_it_is(tmp_path: Path, clock: Clock) -> None:
    run = start(tmp_path, [])
    run.on_epoch_begin(0)
    assert read(tmp_path)["seconds_left"] is None
    clock.now = 20.0
    run.on_train_batch_end(9, {"loss": 0.5})
    state = read(tmp_path)
    assert state.pop("updated").endswith("+00:00")
    assert state == {
        "epoch": 1, "epochs": 4, "step": 10, "steps": 10, "loss": 0.5, "auroc": 0.98765, "seconds_left": 60
    }  # fmt: skip


def test_time_left_counts_only_what_this_process_has_done(tmp_path: Path, clock: Clock) -> None:
    run = start(tmp_path, [], done=2)
    run.on_epoch_begin(2)
    clock.now = 30.0
    run.on_train_batch_end(4, {"loss": 0.5})
    assert (read(tmp_path)["epoch"], read(tmp_path)["seconds_left"]) == (3, 90)


def test_the_file_is_written_at_most_once_a_second_and_when_an_epoch_ends(tmp_path: Path, clock: Clock) -> None:
    run = start(tmp_path, [])
    run.on_epoch_begin(0)
    for step, now in enumerate((0.3, 0.9, 1.0, 1.5)):
        clock.now = now
        run.on_train_batch_end(step, {"loss": 0.5})
    assert read(tmp_path)["step"] == 3
    run.on_epoch_end(0)
    assert read(tmp_path)["step"] == 10


def test_a_loss_that_is_no_number_is_none_in_the_file(tmp_path: Path, clock: Clock) -> None:
    run = start(tmp_path, [])
    clock.now = 2.0
    run.on_train_batch_end(0, {"loss": float("nan")})
    assert read(tmp_path)["loss"] is None


def test_a_log_gets_a_line_now_and_then(tmp_path: Path, clock: Clock) -> None:
    said: list[str] = []
    run = start(tmp_path, said)
    for step, now in enumerate((10.0, 20.0, 30.0, 40.0)):
        clock.now = now
        run.on_train_batch_end(step, {"loss": 0.25})
    assert said == ["epoch 1/4  step 3/10  loss 0.250  AUROC 0.9877  6 min left"]


def test_a_terminal_gets_one_line_that_is_gone_in_the_end(tmp_path: Path, clock: Clock) -> None:
    said: list[str] = []
    terminal = io.StringIO()
    run = start(tmp_path, said, terminal)
    for step, now in enumerate((20.0, 40.0)):
        clock.now = now
        run.on_train_batch_end(step, {"loss": 0.25})
    assert "epoch 1/4" in terminal.getvalue()
    assert "loss 0.250  AUROC 0.9877  13 min left" in terminal.getvalue()
    run.on_epoch_end(0)
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is wiped"
    assert said == []


def test_what_is_not_known_yet_is_not_said() -> None:
    assert describe({"step": 0, "steps": 10, "loss": None, "auroc": None, "seconds_left": None}) == "step 0/10"


def test_time_is_said_in_words() -> None:
    assert [in_words(seconds) for seconds in (45, 600, 9000)] == ["45 s", "10 min", "2.5 h"]
