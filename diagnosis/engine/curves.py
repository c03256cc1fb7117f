"""The curves of a training, by epoch, as lines in a box of 320 by 180."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from diagnosis.engine.sentences import sentence

LEFT, RIGHT, TOP, BOTTOM = 38.0, 312.0, 10.0, 156.0

#: Of each chart the title and its lines: what it is called, and its column of the history.
CHARTS: dict[str, dict[str, str]] = {
    title: {
        sentence("training"): name,
        sentence("validation"): f"clean_{name}",
        sentence("validation, changed"): f"perturbed_{name}",
        sentence("validation, exchanged"): f"exchanged_{name}",
        sentence("validation, reframed"): f"reframed_{name}",
    }
    for title, name in ((sentence("Loss"), "loss"), (sentence("Accuracy"), "accuracy"), ("AUROC", "auroc"))
}


@dataclass(frozen=True)
class Line:
    name: str
    #: Which of the chart's lines it is, from 1: that of the same number looks the same in each chart.
    number: int
    points: tuple[tuple[float, float], ...]
    last: float

    @property
    def path(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Chart:
    title: str
    lines: tuple[Line, ...]
    #: Height and inscription of each horizontal line.
    levels: tuple[tuple[float, str], ...]
    epochs: int

    @property
    def summary(self) -> str:
        """Say in words what is drawn."""
        ends = ", ".join(f"{line.name} {line.last:.4g}" for line in self.lines)
        return f"{self.title} after epoch {self.epochs}: {ends}"


def charts(history: Sequence[dict[str, Any]]) -> list[Chart]:
    """Return a chart for each kind of figure that the history holds, a row of which is an epoch."""
    return [chart for title, columns in CHARTS.items() if (chart := _chart(title, columns, history))]


def _chart(title: str, columns: dict[str, str], history: Sequence[dict[str, Any]]) -> Chart | None:
    known = {name: list(_values(history, column)) for name, column in columns.items()}
    every = [value for values in known.values() for _, value in values]
    if not every:
        return None
    low, high, last = *_range(title, every), max(len(history), 2)
    lines = [
        Line(name, number, tuple(_place(x, y, last, low, high) for x, y in values), values[-1][1])
        for number, (name, values) in enumerate(known.items(), 1)
        if values
    ]
    levels = [(_height(value, low, high), f"{value:.3g}") for value in (low, (low + high) / 2, high)]
    return Chart(title, tuple(lines), tuple(levels), len(history))


def _values(history: Sequence[dict[str, Any]], column: str) -> Iterator[tuple[int, float]]:
    for number, row in enumerate(history):
        value = row.get(column) if isinstance(row, dict) else None
        if isinstance(value, int | float) and math.isfinite(value):
            yield number, float(value)


def _range(title: str, values: Sequence[float]) -> tuple[float, float]:
    if title == "Loss":
        return 0.0, math.ceil(max(max(values), 0.1) * 10) / 10
    return max(0.0, math.floor(min(min(values), 0.98) * 50) / 50), 1.0


def _place(x: int, y: float, count: int, low: float, high: float) -> tuple[float, float]:
    return LEFT + (RIGHT - LEFT) * x / (count - 1), _height(y, low, high)


def _height(value: float, low: float, high: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)
