"""What the answers to a data set look like: ROC curve, reliability diagram and confusion matrix, as SVG files."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.engine import svg
from diagnosis.engine.examples import LABELS
from diagnosis.engine.figures import Figure, checked

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Point = tuple[float, float]

#: The square in which 0 to 1 is drawn, both ways, within the whole picture.
LEFT, TOP, SIDE = 76.0, 42.0, 280.0
SIZE = (378, 374)
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Equally wide bins of probability in the reliability diagram; with more of them a few images are scattered.
BINS = 10


def draw_diagrams(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, measured: dict[str, Figure]
) -> dict[str, str]:
    """Return an SVG file by its name; no ROC curve where one class is missing.

    ``measured`` are the answers' figures. Raises ValueError as :func:`diagnosis.engine.figures.figures` does.
    """
    truth, chances = checked(labels, probabilities)
    drawn = {
        "reliability": _draw_reliability(truth, chances, measured["ece"]),
        "confusion": _draw_confusion(truth, chances, threshold),
    }
    if len(set(truth.tolist())) == len(LABELS):
        drawn["roc"] = _draw_roc(truth, chances, threshold, measured["auroc"])
    return drawn


def roc_points(labels: Integers, chances: Floats) -> list[Point]:
    """Return (1 - specificity, sensitivity) at each threshold that makes a difference, from the highest down."""
    order = np.argsort(-chances, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(chances[order]) != 0, True))
    hits = np.cumsum(labels[order] == 1)[ends] / np.sum(labels == 1)
    alarms = np.cumsum(labels[order] == 0)[ends] / np.sum(labels == 0)
    return [(0.0, 0.0), *zip(alarms.tolist(), hits.tolist(), strict=True)]


def reliability_points(labels: Integers, chances: Floats, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return for each bin with images their mean probability, the share of them with pneumonia, and their number."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    held = [place == number for number in range(bins) if (place == number).any()]
    return [(float(chances[mask].mean()), float(labels[mask].mean()), int(mask.sum())) for mask in held]


def confusion_counts(labels: Integers, chances: Floats, threshold: float) -> list[list[int]]:
    """Return by label, then by answer, how many images there are."""
    said = chances >= threshold
    return [[int(np.sum((labels == truth) & (said == word))) for word in (0, 1)] for truth in (0, 1)]


def _draw_roc(labels: Integers, chances: Floats, threshold: float, area: Figure) -> str:
    (right, alarm), (missed, hit) = confusion_counts(labels, chances, threshold)
    here = alarm / (right + alarm), hit / (missed + hit)
    steps = [(0.0, 0.0)]
    for x, y in roc_points(labels, chances):
        steps += [(x, steps[-1][1]), (x, y)] if (x, y) != steps[-1] else []
    said = f"AUROC {_with_interval(area)}"
    at, there = f"threshold {threshold:.3f}", f"sensitivity {here[1]:.1%}, specificity {1 - here[0]:.1%}"
    parts = [
        *square("1 - specificity", "sensitivity"),
        svg.curve([place(0, 0), place(1, 1)], 1),
        svg.curve([place(*step) for step in steps], 2),
        svg.dot(*place(*here), 3, 5),
        *(
            svg.text(LEFT + SIDE - 8, TOP + SIDE - 10 - 16 * (2 - row), words, "end")
            for row, words in enumerate((said, f"the dot: {at}", there))
        ),
    ]
    return svg.document("ROC curve", f"{said}; {at}: {there}", SIZE, parts)


def _draw_reliability(labels: Integers, chances: Floats, gap: Figure) -> str:
    points = reliability_points(labels, chances)
    parts = [*square("probability of pneumonia", "share with pneumonia"), svg.curve([place(0, 0), place(1, 1)], 1)]
    parts.append(svg.curve([place(said, found) for said, found, _ in points], 2))
    for likely, found, count in points:
        x, y = place(likely, found)
        parts.append(svg.dot(x, y, 2, 3 + 9 * float(np.sqrt(count / len(labels)))))
        above = found >= likely or y > TOP + SIDE - 20  # away from the diagonal, and not on the axis
        away = (-10, -8) if above else (10, 16)
        parts.append(
            svg.text(max(x, LEFT + 30) + away[0], y + away[1], f"{count:,}", "end" if away[0] < 0 else "start")
        )
    said = f"ECE {_with_interval(gap)}"
    parts.append(svg.text(LEFT + SIDE - 8, TOP + SIDE - 10, said, "end"))
    summary = "; ".join(f"{count} images at {likely:.2f}: {found:.1%}" for likely, found, count in points)
    return svg.document("Reliability diagram", f"{said}; {summary}", SIZE, parts)


def _draw_confusion(labels: Integers, chances: Floats, threshold: float) -> str:
    counts = confusion_counts(labels, chances, threshold)
    parts, summary, half = [], [], SIDE / 2
    for truth, row in enumerate(counts):
        parts.append(svg.text(LEFT - 8, TOP + half * (truth + 0.5), LABELS[truth].title(), "end"))
        parts.append(svg.text(LEFT + half * (truth + 0.5), TOP + SIDE + 18, LABELS[truth].title(), "middle"))
        for said, count in enumerate(row):
            x, y, share = LEFT + half * said, TOP + half * truth, count / max(sum(row), 1)
            parts.append(svg.cell((x, y), half, share))
            parts.append(svg.text(x + half / 2, y + half / 2 - 2, f"{count:,}", "middle", "count"))
            parts.append(svg.text(x + half / 2, y + half / 2 + 18, f"{share:.1%}", "middle"))
            summary.append(f"label {LABELS[truth]}, answer {LABELS[said]}: {count}")
    parts.append(svg.text(LEFT + half, TOP + SIDE + 38, f"answer at threshold {threshold:.3f}", "middle"))
    parts.append(svg.text(12, TOP - 8, "label"))
    return svg.document("Confusion matrix", "; ".join(summary), SIZE, parts)


def square(across: str, up: str) -> list[str]:
    parts = []
    for level in LEVELS:
        x, y = place(level, level)
        parts += [svg.line((LEFT, y), (LEFT + SIDE, y), "level"), svg.line((x, TOP), (x, TOP + SIDE), "level")]
        parts += [
            svg.text(LEFT - 8, y + 4, f"{level:g}", "end"),
            svg.text(x, TOP + SIDE + 18, f"{level:g}", "middle"),
        ]
    return [*parts, svg.text(LEFT + SIDE / 2, TOP + SIDE + 38, across, "middle"), svg.text(12, TOP - 8, up)]


def place(x: float, y: float) -> Point:
    return LEFT + SIDE * x, TOP + SIDE * (1 - y)


def _with_interval(figure: Figure) -> str:
    if not np.isfinite(figure.low):
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"
