"""Cross-validation: nobody is on two sides, and both classes are everywhere."""

import numpy as np
import pytest

from diagnosis.engine.errors import DatasetError
from tests.training.conftest import draw_chest, make_dataset
from training.config import TrainingConfig
from training.datasets import folds, hold_out, split_by_patient

PATIENTS = [f"n{i // 2}" for i in range(20)] + [f"p{i // 3}" for i in range(60)]
LABELS = [0] * 20 + [1] * 60


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (5, 0), (5, 1), (10, 2)])
def test_no_patient_is_on_two_sides_of_any_fold(k: int, seed: int) -> None:
    for training, validation in folds(make_dataset(PATIENTS, LABELS), k, seed):
        assert not set(training.patients) & set(validation.patients)
        assert len(training.examples) + len(validation.examples) == 80


def test_every_example_is_validated_once() -> None:
    dataset = make_dataset(PATIENTS, LABELS)
    held_out = [example.path for _, validation in folds(dataset, 5, 0) for example in validation.examples]
    assert sorted(held_out) == sorted(example.path for example in dataset.examples)


def test_both_classes_are_spread_evenly() -> None:
    for _, validation in folds(make_dataset(PATIENTS, LABELS), 5, 0):
        assert np.bincount(validation.labels).tolist() == [4, 12]


def test_one_patient_with_many_images_does_not_tip_the_balance() -> None:
    patients = ["big"] * 10 + [f"n{i}" for i in range(10)] + [f"p{i}" for i in range(20)]
    sizes = [len(validation.examples) for _, validation in folds(make_dataset(patients, [0] * 20 + [1] * 20), 2, 0)]
    assert sizes == [20, 20]


@pytest.mark.parametrize("seed", range(5))
def test_patients_with_nearly_the_same_image_stay_together_in_every_fold(seed: int) -> None:
    pixels = np.stack([draw_chest(1, i) for i in range(12)])
    pixels[7] = np.clip(pixels[3].astype(int) + 6, 0, 255)
    dataset = make_dataset([f"patient{i}" for i in range(12)], [0] * 3 + [1] * 9, pixels)
    for training, validation in folds(dataset, 3, seed):
        assert {"patient3", "patient7"} <= set(training.patients) or {"patient3", "patient7"} <= set(
            validation.patients
        )


def test_the_seed_decides_the_folds() -> None:
    first, again, other = (
        [validation.patients for _, validation in folds(make_dataset(PATIENTS, LABELS), 5, seed)] for seed in (0, 0, 1)
    )
    assert first == again != other


def test_pixels_stay_with_their_examples_in_every_fold() -> None:
    dataset = make_dataset(PATIENTS, LABELS)
    for pair in folds(dataset, 2, 0):
        for part in pair:
            for example, pixels in zip(part.examples, part.pixels, strict=True):
                assert (pixels == dataset.pixels[int(example.path.stem)]).all()


def test_too_few_patients_for_so_many_folds_are_an_error_before_the_first_fold() -> None:
    with pytest.raises(DatasetError, match="The class NORMAL has images of 10 patients, too few for 11 folds"):
        folds(make_dataset(PATIENTS, LABELS), 11, 0)


def test_one_fold_is_none() -> None:
    with pytest.raises(DatasetError, match="at least two folds, not 1"):
        folds(make_dataset(PATIENTS, LABELS), 1, 0)


def test_the_configuration_names_the_fold_that_is_kept_out() -> None:
    dataset = make_dataset(PATIENTS, LABELS)
    wanted = [validation.patients for _, validation in folds(dataset, 4, 3)]
    parts = [hold_out(dataset, TrainingConfig(folds=4, fold=fold, seed=3)) for fold in range(4)]
    assert [validation.patients for _, validation in parts] == wanted
    assert all(set(training.patients).isdisjoint(validation.patients) for training, validation in parts)


@pytest.mark.parametrize("fold", [-1, 4])
def test_a_fold_that_is_not_there_is_one_sentence(fold: int) -> None:
    with pytest.raises(DatasetError, match=f"no fold {fold} of 4: they count from 0 to 3"):
        hold_out(make_dataset(PATIENTS, LABELS), TrainingConfig(folds=4, fold=fold))


def test_without_folds_a_share_of_the_patients_is_kept_out() -> None:
    dataset = make_dataset(PATIENTS, LABELS)
    assert hold_out(dataset, TrainingConfig(seed=2))[1].patients == split_by_patient(dataset, 0.12, 2)[1].patients
