from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from tests.training.conftest import make_dataset
from training.batches import TrainingBatches, draw_donors, exchanged, perturbed, reframed, strongly_changed
from training.config import TrainingConfig

LABELS = [0] * 3 + [1] * 12
DATASET = make_dataset([str(i) for i in range(15)], LABELS)


def batches(**changes: Any) -> TrainingBatches:
    return TrainingBatches(DATASET, replace(TrainingConfig(), batch_size=8, **changes))


def test_an_epoch_shows_both_classes_equally_often() -> None:
    labels = np.concatenate([labels for _, labels in (batches()[i] for i in range(3))])
    assert labels.shape == (24, 1)
    assert labels.mean() == 0.5


def test_the_larger_class_comes_once_and_the_smaller_is_repeated_evenly() -> None:
    assert Counter(batches().order.tolist()) == {i: 4 if i < 3 else 1 for i in range(15)}


def test_a_repeated_image_is_augmented_otherwise_each_time() -> None:
    images = np.concatenate([batches()[i][0] for i in range(3)])
    assert len({image.tobytes() for image in images}) == 24


def test_another_epoch_brings_other_pixels_and_the_same_epoch_the_same() -> None:
    first, again = batches(), batches()
    assert (first[0][0] == again[0][0]).all()
    again.on_epoch_end()
    assert (first[0][0] != again[0][0]).any()


def test_batches_are_all_of_one_size() -> None:
    assert {len(batches(augmentation=0.0)[i][0]) for i in range(len(batches()))} == {8}


def test_fewer_images_than_a_batch_make_one_smaller_batch() -> None:
    few = TrainingBatches(DATASET, replace(TrainingConfig(), batch_size=100))
    assert len(few) == 1
    assert few[0][0].shape == (24, 224, 224, 1)


def test_the_perturbed_set_is_fixed_and_keeps_labels_and_patients() -> None:
    changed = perturbed(DATASET, seed=5, copies=2)
    assert (changed.pixels == perturbed(DATASET, seed=5, copies=2).pixels).all()
    assert changed.labels.tolist() == LABELS * 2
    assert changed.patients == DATASET.patients * 2
    assert (changed.pixels[:15] != changed.pixels[15:]).any()


def test_the_strongly_changed_set_is_fixed_and_further_from_the_original_than_the_perturbed_one() -> None:
    far = strongly_changed(DATASET, seed=5)
    assert (far.pixels == strongly_changed(DATASET, seed=5).pixels).all()
    assert far.labels.tolist() == LABELS * 3
    near = perturbed(DATASET, seed=5, copies=3)
    original = np.tile(DATASET.pixels, (3, 1, 1)).astype(int)
    assert np.abs(far.pixels - original).mean() > 1.5 * np.abs(near.pixels - original).mean()


def test_a_donor_bears_the_other_label_and_another_seed_draws_another() -> None:
    labels = DATASET.labels
    donors = draw_donors(labels, labels, seed=1)
    assert (labels[donors] == 1 - labels).all()
    assert (draw_donors(labels, labels, seed=1) == donors).all()
    assert (draw_donors(labels, labels, seed=2) != donors).any()


def test_the_exchanged_set_is_fixed_and_keeps_labels_and_patients() -> None:
    changed = exchanged(DATASET, seed=5)
    assert (changed.pixels == exchanged(DATASET, seed=5).pixels).all()
    assert (changed.labels.tolist(), changed.patients) == (LABELS, DATASET.patients)
    assert (changed.pixels != DATASET.pixels).any(axis=(1, 2)).all()


def test_the_reframed_set_is_fixed_and_each_copy_is_framed_otherwise() -> None:
    changed = reframed(DATASET, seed=5, copies=2)
    assert (changed.pixels == reframed(DATASET, seed=5, copies=2).pixels).all()
    assert (changed.labels.tolist(), changed.patients) == (LABELS * 2, DATASET.patients * 2)
    first, second = np.split(changed.pixels, 2)
    assert (first != second).any(axis=(1, 2)).all()
    assert (first != DATASET.pixels).any(axis=(1, 2)).all()
