"""How far a run is: a bar on a terminal, plain lines elsewhere, and a file for those who look on from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from training.checkpoints import write_json

PROGRESS = "progress.json"

#: Seconds between two writings of the file, and between two plain lines.
FILE_EVERY, LINE_EVERY = 1.0, 30.0


class Bar:
    """One line on a terminal, which is gone when the epoch ends; nothing elsewhere."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[tail]}"),
        )
        self.line = RichProgress(*columns, console=console, transient=True, auto_refresh=False, expand=True)
        self.shown = console.is_terminal
        self.task = self.line.add_task("", epoch="", tail="")

    def show(self, state: dict[str, Any]) -> None:
        if self.shown:
            self.line.start()
            epoch, tail = f"{state['epoch']}/{state['epochs']}", describe(state)
            self.line.update(self.task, completed=state["step"], total=state["steps"], epoch=epoch, tail=tail)
            self.line.refresh()

    def hide(self) -> None:
        if self.shown:
            self.line.stop()


class Progress(keras.callbacks.Callback):
    """Tell how far training is. ``auroc`` returns that of the last validation, or None; ``done`` epochs lie behind."""

    def __init__(
        self,
        folder: Path,
        total: tuple[int, int],
        report: Callable[[str], None],
        auroc: Callable[[], float | None],
        done: int = 0,
        console: Console | None = None,
    ) -> None:
        super().__init__()
        self.folder, self.report, self.auroc, self.done = folder, report, auroc, done
        self.epochs, self.steps = total
        self.bar = Bar(console or Console(stderr=True))
        self.epoch, self.started = done, time.monotonic()
        self.written = self.told = self.started
        self.loss: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch
        self._write(self._state(0))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.monotonic()
        self.loss = float((logs or {}).get("loss", 0.0))
        if now - self.written >= FILE_EVERY:
            state = self._state(batch + 1)
            self._write(state)
            self.bar.show(state)
            if not self.bar.shown and now - self.told >= LINE_EVERY:
                self.told = now
                self.report(f"epoch {state['epoch']}/{self.epochs}  {describe(state)}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.bar.hide()
        self._write(self._state(self.steps))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.bar.hide()

    def _state(self, step: int) -> dict[str, Any]:
        behind, all_steps = (self.epoch - self.done) * self.steps + step, (self.epochs - self.done) * self.steps
        spent = time.monotonic() - self.started
        return {
            "epoch": self.epoch + 1,
            "epochs": self.epochs,
            "step": step,
            "steps": self.steps,
            "loss": _number(self.loss),
            "auroc": _number(self.auroc()),
            "seconds_left": round(spent / behind * (all_steps - behind)) if behind else None,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _write(self, state: dict[str, Any]) -> None:
        self.written = time.monotonic()
        write_json(self.folder / PROGRESS, state, durably=False)


def describe(state: dict[str, Any]) -> str:
    parts = [f"step {state['step']}/{state['steps']}"]
    parts += [f"loss {state['loss']:.3f}"] if state["loss"] is not None else []
    parts += [f"AUROC {state['auroc']:.4f}"] if state["auroc"] is not None else []
    parts += [f"{in_words(state['seconds_left'])} left"] if state["seconds_left"] is not None else []
    return "  ".join(parts)


def in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _number(value: float | None) -> float | None:
    """Return what JSON can hold: it has no NaN."""
    return None if value is None or value != value or abs(value) == float("inf") else round(value, 5)
