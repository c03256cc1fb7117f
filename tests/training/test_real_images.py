"""The split and the shipped network on the public training folder, where it is at hand."""

import os
from pathlib import Path

import pytest

from diagnosis.engine.examples import find_examples
from training.datasets import near_duplicates, read_dataset, split_by_patient

ROOT = Path(os.environ.get("CHEST_XRAY_DIR") or "nowhere")
FOLDER = ROOT / "train" if (ROOT / "train").is_dir() else ROOT

pytestmark = pytest.mark.skipif(
    not (FOLDER / "NORMAL").is_dir(),
    reason="CHEST_XRAY_DIR names no folder with NORMAL/ and PNEUMONIA/, or with these under train/",
)


def test_every_file_name_tells_of_a_patient() -> None:
    assert all(example.patient != example.path.stem for example in find_examples(FOLDER))


def test_the_split_of_the_real_folder_keeps_patients_and_duplicates_apart() -> None:
    dataset = read_dataset(FOLDER)
    training, validation = split_by_patient(dataset, 0.12, seed=0)
    assert not set(training.patients) & set(validation.patients)
    sides = {example.path: 0 for example in training.examples} | {example.path: 1 for example in validation.examples}
    for a, b in near_duplicates(dataset.pixels):
        assert sides[dataset.examples[a].path] == sides[dataset.examples[b].path]
    assert validation.labels.mean() == pytest.approx(dataset.labels.mean(), abs=0.01)
