import numpy as np
import pytest

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples import Example
from tests.training.conftest import draw_chest, make_dataset
from training.datasets import near_duplicates, split_by_patient

PATIENTS = [f"n{i // 2}" for i in range(20)] + [f"p{i // 3}" for i in range(60)]
LABELS = [0] * 20 + [1] * 60


@pytest.mark.parametrize("seed", range(3))
def test_no_patient_is_on_both_sides_and_no_image_is_lost(seed: int) -> None:
    training, validation = split_by_patient(make_dataset(PATIENTS, LABELS), 0.2, seed)
    assert not set(training.patients) & set(validation.patients)
    assert {e.path for e in training.examples + validation.examples} == {e.path for e in _all()}
    assert len(training.examples) + len(validation.examples) == 80


def test_both_classes_are_split_by_the_same_fraction() -> None:
    _, validation = split_by_patient(make_dataset(PATIENTS, LABELS), 0.2, seed=0)
    assert np.bincount(validation.labels).tolist() == [4, 12]


def test_the_seed_decides_who_is_held_out() -> None:
    first, again, other = (split_by_patient(make_dataset(PATIENTS, LABELS), 0.2, seed)[1] for seed in (0, 0, 1))
    assert first.patients == again.patients != other.patients


def test_pixels_stay_with_their_examples() -> None:
    dataset = make_dataset(PATIENTS, LABELS)
    for part in split_by_patient(dataset, 0.2, seed=0):
        for example, pixels in zip(part.examples, part.pixels, strict=True):
            assert (pixels == dataset.pixels[int(example.path.stem)]).all()


def test_near_duplicates_are_found_whatever_their_brightness() -> None:
    chest = draw_chest(1, 0).astype(int)
    pixels = np.stack([chest, draw_chest(1, 1), np.clip(chest * 0.9 + 12, 0, 255), draw_chest(0, 2)]).astype(np.uint8)
    assert near_duplicates(pixels) == [(0, 2)]


@pytest.mark.parametrize(("share", "are_near"), [(0.08, True), (0.2, False)])
def test_near_is_within_an_eighth_of_the_pictures_own_spread(share: float, are_near: bool) -> None:
    random = np.random.default_rng(0)
    own, other = (random.normal(size=(16, 16)).repeat(14, 0).repeat(14, 1) for _ in range(2))
    pixels = np.clip(128 + 25 * np.stack([own, own + share * other]), 0, 255).astype(np.uint8)
    assert near_duplicates(pixels) == ([(0, 1)] if are_near else [])


@pytest.mark.parametrize("seed", range(8))
def test_patients_with_nearly_the_same_image_stay_together(seed: int) -> None:
    patients = [f"patient{i}" for i in range(12)]
    pixels = np.stack([draw_chest(1, i) for i in range(12)])
    pixels[7] = np.clip(pixels[3].astype(int) + 6, 0, 255)
    pixels[11] = np.clip(pixels[7].astype(int) + 3, 0, 255)
    training, validation = split_by_patient(make_dataset(patients, [0] * 2 + [1] * 10, pixels), 0.4, seed)
    twins = {"patient3", "patient7", "patient11"}
    assert twins <= set(training.patients) or twins <= set(validation.patients)


def test_a_class_with_one_patient_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="NORMAL has images of fewer than two patients"):
        split_by_patient(make_dataset(["a", "a", "b", "c"], [0, 0, 1, 1]), 0.5, seed=0)


def _all() -> tuple[Example, ...]:
    return make_dataset(PATIENTS, LABELS).examples
