"""An audit as one picture: which measure tells the label, and how its values lie in the two classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from diagnosis.engine.examples import LABELS
from training.audit import Audit
from training.checkpoints import write_figure
from training.leaks import TELLING, Measured

COLOURS = ("#3b7dd8", "#e07b39")
_ALPHA = 0.55
_BELOW: Any = {"loc": "outside lower center", "ncols": 2, "frameon": False}
_TELLS, _QUIET = "#c0392b", "#4a4a4a"


def draw_audit(audit: Audit, file: Path) -> None:
    """Write the picture, in the format that the ending of ``file`` names. Raises OSError or ValueError."""
    figure = Figure(figsize=(14, 7.5), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.5))  # matplotlib's types know no array of them
    left, right = halves
    _draw_intervals(left.subplots(), audit)
    rows = -(-len(audit.measures) // 2)
    for axes, measured in zip(right.subplots(rows, 2).ravel(), audit.measures, strict=False):
        _draw_values(axes, measured, audit)
    right.legend(handles=[Patch(color=colour, alpha=_ALPHA) for colour in COLOURS], labels=list(LABELS), **_BELOW)
    right.suptitle("Share of each class, by value", fontsize=12)
    patients = len({example.patient for example in audit.examples})
    name = "/".join(audit.folder.resolve().parts[-2:])
    figure.suptitle(
        f"{name}: {len(audit.examples)} images of {patients} patients. "
        f"{_count(len(audit.problems), 'problem')}, {_count(len(audit.warnings), 'warning')}",
        fontsize=14,
    )
    write_figure(figure, file, dpi=110)


def _draw_intervals(axes: Axes, audit: Audit) -> None:
    """Draw each measure's AUC with its interval; within the grey band it tells nothing that matters."""
    axes.axvspan(0.5 - TELLING, 0.5 + TELLING, color="#ececec", zorder=0)
    axes.axvline(0.5, color="#9a9a9a", linewidth=1, zorder=1)
    for place, measured in enumerate(audit.measures):
        auc, colour = measured.auc, _TELLS if measured.tells_label else _QUIET
        axes.errorbar(
            auc.value,
            place,
            xerr=[[max(0.0, auc.value - auc.low)], [max(0.0, auc.high - auc.value)]],
            fmt="o",
            color=colour,
            markersize=5,
            linewidth=2,
            capsize=5,
        )
        axes.annotate(f"{auc.value:.2f}", (auc.value, place), (0, 9), textcoords="offset points", ha="center")
    names = [f"{m.name}\n({'file' if m.in_file else 'picture'})" for m in audit.measures]
    axes.set(xlim=(-0.02, 1.02), xlabel="AUC of the measure alone, 95 % interval")
    axes.set_yticks(range(len(names)), names, fontsize=10)
    axes.set_title("Can the label be told without the lungs?\n(red: yes; grey band: hardly)", fontsize=12)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def _draw_values(axes: Axes, measured: Measured, audit: Audit) -> None:
    """Draw the values of either class as shares of that class, so that the larger class does not hide the other."""
    axes.set_title(measured.name, fontsize=10, color=_TELLS if measured.tells_label else "black")
    if np.ptp(measured.values) == 0:
        axes.text(0.5, 0.5, f"{measured.values[0]:.4g} in every file", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    low, high = np.percentile(measured.values, (0.5, 99.5))
    if low == high:
        low, high = measured.values.min(), measured.values.max()
    edges = np.linspace(low, high, 41).tolist()
    for label, name in enumerate(LABELS):
        mine = np.clip(measured.values[audit.part.labels == label], low, high)
        axes.hist(
            mine, edges, weights=np.full(len(mine), 1 / len(mine)), color=COLOURS[label], alpha=_ALPHA, label=name
        )
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"
