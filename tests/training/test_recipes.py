"""The recipe of the first demo, beside the project's own."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.conftest import make_dataset
from training.config import recipe
from training.optimizer import make_optimizer
from training.plain_batches import PlainBatches
from training.trainer import make_batches, take_fraction


def test_the_original_rate_sinks_with_each_step() -> None:
    optimizer = make_optimizer(recipe("original"), steps=100)
    assert type(optimizer).__name__ == "Adam"
    assert not optimizer.use_ema
    rates = [float(optimizer._learning_rate(step)) for step in (0, 1000, 100_000)]
    assert rates == pytest.approx([1e-4, 1e-4 / 1.01, 1e-4 / 2])


def test_the_original_runs_for_thirty_epochs_or_for_twenty() -> None:
    assert recipe("original").epochs == 30
    assert recipe("original-20") == replace(recipe("original"), epochs=20)


def test_the_original_augments_only_what_fills_the_smaller_class_up() -> None:
    dataset = make_dataset([str(i) for i in range(9)], [0, 0, 0, 1, 1, 1, 1, 1, 1])
    batches = make_batches(dataset, replace(recipe("original"), batch_size=12), processes=0)
    assert isinstance(batches, PlainBatches)
    images, labels = batches[0]
    originals = {pixels.tobytes() for pixels in dataset.pixels}
    kept = [(int(label[0]), image[..., 0].tobytes() in originals) for image, label in zip(images, labels, strict=True)]
    assert sorted(kept) == [(0, False)] * 3 + [(0, True)] * 3 + [(1, True)] * 6
    again, _ = batches[0]
    assert np.array_equal(images, again)
    assert all(pixels.tobytes() in originals for pixels in dataset.pixels), "the images themselves stay as they are"


def test_a_fraction_takes_as_much_of_each_class_and_whole_patients() -> None:
    dataset = make_dataset([str(i // 2) for i in range(40)], [0] * 16 + [1] * 24)
    part = take_fraction(dataset, 0.25, seed=3)
    assert np.bincount(part.labels).tolist() == [4, 6]
    assert all(part.patients.count(patient) == 2 for patient in part.patients)
    assert part.fingerprint == dataset.fingerprint
    assert take_fraction(dataset, 1.0, seed=3) is dataset
