"""Pictures of a run: what stands on them."""

from pathlib import Path

import keras
import numpy as np
import pytest

from diagnosis.engine.curves import CHARTS
from tests.training.conftest import make_dataset
from training.batches import predict_logits
from training.config import TrainingConfig
from training.network import build_network
from training.pictures import (
    choose_mistakes,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    draw_reliability,
    draw_roc,
    heat_maps,
)

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
CHANCES = np.array([0.1, 0.2, 0.7, 0.3, 0.9, 0.05, 0.8, 0.6])


def test_the_curves_show_training_and_validation() -> None:
    names = ("loss", "accuracy", "auroc")
    row = {f"{part}{name}": 0.5 for part in ("", "clean_", "perturbed_") for name in names}
    figure = draw_curves([{"epoch": 1, **row}, {"epoch": 2, **row, "accuracy": 0.75}])
    assert [axes.get_title() for axes in figure.axes] == ["Loss", "Accuracy", "AUROC"]
    lines = figure.axes[1].get_lines()
    assert [line.get_label() for line in lines] == list(CHARTS["Accuracy"])
    assert np.array_equal(lines[0].get_ydata(), [0.5, 0.75])
    assert np.array_equal(lines[2].get_ydata(), [0.5, 0.5])


def test_the_roc_names_the_area_and_the_threshold() -> None:
    axes = draw_roc(CHANCES, LABELS, 0.5).axes[0]
    labels = [line.get_label() for line in axes.get_lines()]
    assert labels == ["AUROC 0.6875", "chance", "threshold 0.500"]
    assert np.array_equal(axes.get_lines()[2].get_xydata(), [[0.25, 0.75]])


def test_the_reliability_tells_what_was_said_from_what_was_found() -> None:
    axes = draw_reliability(CHANCES, LABELS, bins=2).axes[0]
    dots = [(0.1625, 0.25), (0.75, 0.75)]
    assert np.allclose(axes.get_lines()[1].get_xydata(), dots)


def test_the_confusion_counts_each_answer() -> None:
    texts = [text.get_text() for text in draw_confusion(CHANCES, LABELS, 0.5).axes[0].texts]
    assert texts == ["3\n75.0%", "1\n25.0%", "1\n25.0%", "3\n75.0%"]


def test_the_surest_mistake_comes_first_and_a_right_answer_only_where_there_is_none() -> None:
    assert choose_mistakes(CHANCES, LABELS, 0.5) == [5, 2]
    assert choose_mistakes(np.array([0.1, 0.4, 0.9]), np.array([0, 0, 1]), 0.5) == [1]


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_network(TrainingConfig(share_from_imagenet=0.0), {})


def test_the_mean_of_a_heat_map_is_the_logit(network: keras.Model) -> None:
    pixels = make_dataset(["a", "b"], [0, 1]).pixels
    network.layers[-1].bias.assign([0.25])
    maps = heat_maps(network, pixels)
    assert maps.shape == (2, 7, 7)
    assert np.allclose(maps.mean(axis=(1, 2)), predict_logits(network, pixels), atol=1e-4)


def test_each_mistake_stands_beside_its_heat_map(tmp_path: Path) -> None:
    dataset = make_dataset(["a", "b", "c"], [0, 1, 1])
    figure = draw_mistakes(dataset, np.array([0.9, 0.2, 0.1]), np.ones((3, 7, 7), dtype=np.float32))
    images = [len(axes.images) for axes in figure.axes[:8]]
    assert images == [1, 2, 1, 2, 1, 2, 0, 0]
    assert figure.axes[0].get_title(loc="left") == "0.png\nlabel NORMAL, pneumonia 90.0%"
    figure.savefig(tmp_path / "mistakes.png")
