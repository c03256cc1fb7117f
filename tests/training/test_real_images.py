"""The split and the shipped network on the public training folder, where it is at hand."""

import os
import time
from pathlib import Path

import pytest

from diagnosis.engine.examples import find_examples
from training.audit import audit
from training.datasets import Dataset, folds, near_duplicates, read_dataset, split_by_patient
from training.file_facts import read_file_facts

ROOT = Path(os.environ.get("CHEST_XRAY_DIR") or "nowhere")
FOLDER = ROOT / "train" if (ROOT / "train").is_dir() else ROOT

pytestmark = pytest.mark.skipif(
    not (FOLDER / "NORMAL").is_dir(),
    reason="CHEST_XRAY_DIR names no folder with NORMAL/ and PNEUMONIA/, or with these under train/",
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return read_dataset(FOLDER)


def test_every_file_name_tells_of_a_patient() -> None:
    assert all(example.patient != example.path.stem for example in find_examples(FOLDER))


def test_the_split_of_the_real_folder_keeps_patients_and_duplicates_apart(dataset: Dataset) -> None:
    training, validation = split_by_patient(dataset, 0.12, seed=0)
    assert not set(training.patients) & set(validation.patients)
    sides = {example.path: 0 for example in training.examples} | {example.path: 1 for example in validation.examples}
    for a, b in near_duplicates(dataset.pixels):
        assert sides[dataset.examples[a].path] == sides[dataset.examples[b].path]
    assert validation.labels.mean() == pytest.approx(dataset.labels.mean(), abs=0.01)


def test_no_fold_of_the_real_folder_tears_a_patient_apart(dataset: Dataset) -> None:
    for training, validation in folds(dataset, 5, seed=0):
        assert not set(training.patients) & set(validation.patients)
        assert validation.labels.mean() == pytest.approx(training.labels.mean(), abs=0.005)


def test_the_headers_of_the_real_folder_are_read_in_seconds() -> None:
    started = time.process_time()
    for example in find_examples(FOLDER):
        read_file_facts(example.path)
    assert time.process_time() - started < 5


def test_no_header_of_the_real_folder_tells_the_label_but_its_fine_detail_does() -> None:
    found = audit(FOLDER)
    assert found.problems == []
    telling = {measured.name for measured in found.measures if measured.tells_label}
    assert telling == {"bytes a pixel", "high-frequency energy"}
    assert found.contradictions == []
