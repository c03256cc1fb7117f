"""What a run looks like: curves, ROC, reliability, confusion and the worst mistakes, as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnosis.engine.artifact import ModelCard
from diagnosis.engine.curves import CHARTS
from diagnosis.engine.examples import LABELS, Example
from training.batches import predict_logits
from training.calibration import Calibration
from training.datasets import Dataset
from training.network import FEATURE_MAP, LOGIT

#: Okabe and Ito's blue, vermilion and green: told apart with every kind of colour vision.
BLUE, RED, GREEN, PURPLE, ORANGE = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"

#: Of the lines of a chart of curves, in their order.
STYLES = ((RED, "s:"), (BLUE, "o-"), (GREEN, "^--"), (PURPLE, "v-."), (ORANGE, "d--"))

#: Mistakes on the sheet, at most.
MOST_MISTAKES = 12

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def draw_pictures(
    network: keras.Model, card: ModelCard, history: Sequence[dict[str, Any]], validation: Dataset, folder: Path
) -> None:
    """Draw all pictures of the trained ``network`` on the validation part into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    calibration = Calibration(card.slope, card.intercept, card.threshold, card.band_low, card.band_high)
    chances = calibration.probabilities(predict_logits(network, validation.pixels))
    labels = validation.labels
    worst = choose_mistakes(chances, labels, card.threshold)
    figures = {
        "curves": draw_curves(history),
        "roc": draw_roc(chances, labels, card.threshold),
        "reliability": draw_reliability(chances, labels),
        "confusion": draw_confusion(chances, labels, card.threshold),
        "mistakes": draw_mistakes(
            validation.part(worst), chances[worst], heat_maps(network, validation.pixels[worst])
        ),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=100, facecolor="white")


def draw_curves(history: Sequence[dict[str, Any]]) -> Figure:
    """Draw loss, accuracy and AUROC by epoch, of training and of validation, as it is and under changes."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, (title, lines) in zip(figure.subplots(1, len(CHARTS)), CHARTS.items(), strict=True):
        for (label, column), (colour, style) in zip(lines.items(), STYLES, strict=True):
            values = [row.get(column, np.nan) for row in history]
            axes.plot(epochs, values, style, color=colour, label=label, markersize=4)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _plain(axes)
    figure.axes[0].legend(frameon=False)
    figure.supxlabel(
        "Training: mean over the epoch, on augmented images, with the recipe's dropout and label smoothing.",
        fontsize=8,
    )
    return figure


def draw_roc(chances: Floats, labels: Labels, threshold: float) -> Figure:
    cuts = np.concatenate([[np.inf], np.unique(chances)[::-1]])
    sensitivity = np.array([np.mean(chances[labels == 1] >= cut) for cut in cuts])
    alarms = np.array([np.mean(chances[labels == 0] >= cut) for cut in cuts])
    figure, axes = _square("ROC on validation")
    axes.plot(
        alarms, sensitivity, color=BLUE, drawstyle="steps-post", label=f"AUROC {np.trapezoid(sensitivity, alarms):.4f}"
    )
    axes.plot([0, 1], [0, 1], ":", color="#777777", label="chance")
    here = np.mean(chances[labels == 0] >= threshold), np.mean(chances[labels == 1] >= threshold)
    axes.plot(*here, "o", color=RED, label=f"threshold {threshold:.3f}")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(frameon=False, loc="lower right")
    return figure


def draw_reliability(chances: Floats, labels: Labels, bins: int = 10) -> Figure:
    """Draw how often pneumonia was there against how likely it was said to be; a dot's area tells of its images."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    held = [place == number for number in range(bins) if (place == number).any()]
    figure, axes = _square("Reliability on validation")
    axes.plot([0, 1], [0, 1], ":", color="#777777", label="as said")
    said, found = [chances[mask].mean() for mask in held], [labels[mask].mean() for mask in held]
    axes.plot(said, found, color=BLUE)
    axes.scatter(said, found, s=[20 + 300 * mask.mean() for mask in held], color=BLUE, alpha=0.7, label="images")
    for x, y, mask in zip(said, found, held, strict=True):
        axes.annotate(str(mask.sum()), (x, y), textcoords="offset points", xytext=(8, -12), fontsize=8)
    axes.set(xlabel="probability of pneumonia", ylabel="share with pneumonia", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
    return figure


def draw_confusion(chances: Floats, labels: Labels, threshold: float) -> Figure:
    said = (chances >= threshold).astype(int)
    counts = np.array([[np.sum((labels == truth) & (said == word)) for word in (0, 1)] for truth in (0, 1)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _square(f"Confusion on validation, threshold {threshold:.3f}")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{count}\n{shares[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=14)
    axes.set(xticks=[0, 1], yticks=[0, 1], xticklabels=LABELS, yticklabels=LABELS, xlabel="said", ylabel="label")
    return figure


def choose_mistakes(chances: Floats, labels: Labels, threshold: float) -> list[int]:
    """Return the indices of the wrong answers, the surest first; of the least sure right one where none is wrong."""
    distance = np.abs(chances - labels)
    wrong = (chances >= threshold) != (labels == 1)
    order = [int(i) for i in np.argsort(-distance, kind="stable")]
    return [i for i in order if wrong[i]][:MOST_MISTAKES] or order[:1]


def heat_maps(network: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the class activation maps, shape (N, 7, 7), in logits: each one's mean is the image's logit."""
    features = keras.Model(network.input, network.get_layer(FEATURE_MAP).output)
    kernel, bias = network.get_layer(LOGIT).get_weights()
    maps: NDArray[np.float32] = np.asarray(features.predict(pixels[..., None], verbose=0)) @ kernel[:, 0] + bias[0]
    return maps


def draw_mistakes(mistakes: Dataset, chances: Floats, maps: NDArray[np.float32]) -> Figure:
    """Draw each image, and beside it what spoke for pneumonia (yellow) and what against it (dark)."""
    pairs = 2 if len(chances) > 1 else 1
    rows = -(-len(chances) // pairs)
    figure = Figure(figsize=(5.6 * pairs, 2.9 * rows + 0.7), layout="constrained")
    grid = figure.subplots(rows, 2 * pairs, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    reach = float(np.abs(maps).max())
    for number, (example, image, chance, map_) in enumerate(
        zip(mistakes.examples, mistakes.pixels, chances, maps, strict=True)
    ):
        plain, heated = grid[number // pairs, number % pairs * 2 :][:2]
        extent = (0, image.shape[1], image.shape[0], 0)
        for axes in (plain, heated):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent)
        heat = heated.imshow(
            map_, cmap="cividis", alpha=0.5, interpolation="bilinear", vmin=-reach, vmax=reach, extent=extent
        )
        plain.set_title(_caption(example, chance), fontsize=9, loc="left")
    figure.colorbar(heat, ax=grid[:, -1], label="for pneumonia, in logits", shrink=0.8)
    figure.suptitle("Worst mistakes on validation, each with its heat map")
    return figure


def _caption(example: Example, chance: float) -> str:
    name = example.path.name
    return f"{name if len(name) <= 34 else f'{name[:33]}…'}\nlabel {LABELS[example.label]}, pneumonia {chance:.1%}"


def _square(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 5), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
