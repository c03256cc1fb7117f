"""One sentence for what is wrong, a status that is not 0, and nothing half-written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples import find_examples
from training import accelerator
from training.accelerator import choose_accelerator
from training.config import TrainingConfig, recipe
from training.datasets import read_dataset
from training.errors import TrainingError


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        find_examples(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no folder"):
        find_examples(tmp_path / "nowhere")


@pytest.mark.parametrize(("normal", "pneumonia", "missing"), [(0, 2, "NORMAL"), (2, 0, "PNEUMONIA")])
def test_a_missing_class_is_named(draw_folder: Callable[..., Path], normal: int, pneumonia: int, missing: str) -> None:
    with pytest.raises(DatasetError, match=f"no images of the class {missing}"):
        find_examples(draw_folder(normal, pneumonia))


def test_unreadable_files_are_listed_counted_and_skipped(draw_folder: Callable[..., Path]) -> None:
    folder = draw_folder(2, 3)
    said: list[str] = []
    (folder / "NORMAL" / "empty.png").touch()
    (folder / "PNEUMONIA" / "words.jpeg").write_text("no picture")
    dataset = read_dataset(folder, said.append)
    assert len(dataset.examples) == len(dataset.pixels) == 5
    assert [path.name for path, _ in dataset.unreadable] == ["empty.png", "words.jpeg"]
    assert said[-1] == "2 of 7 files could not be read and are skipped."
    assert "empty.png: The file is empty" in said[0]


def test_a_class_of_unreadable_files_is_an_error(draw_folder: Callable[..., Path]) -> None:
    folder = draw_folder(0, 2)
    (folder / "NORMAL" / "empty.png").touch()
    with pytest.raises(DatasetError, match="readable image of each class"):
        read_dataset(folder, lambda line: None)


def test_the_fingerprint_depends_on_pictures_and_labels_alone(draw_folder: Callable[..., Path]) -> None:
    folder = draw_folder(2, 2)
    before = read_dataset(folder).fingerprint
    (folder / "NORMAL" / "IM-0000-0001.png").rename(folder / "NORMAL" / "renamed.png")
    assert read_dataset(folder).fingerprint == before
    (folder / "NORMAL" / "renamed.png").rename(folder / "PNEUMONIA" / "renamed.png")
    assert read_dataset(folder).fingerprint != before


def test_the_named_recipe_is_found_and_another_is_an_error() -> None:
    assert recipe("default") == TrainingConfig()
    with pytest.raises(TrainingError, match=r"no recipe 'fast'\. Known recipes: default, original, original-20"):
        recipe("fast")


@pytest.mark.parametrize("wanted", ["gpu", "tpu"])
def test_an_accelerator_that_is_not_there_is_an_error(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "on_jax", lambda: True)
    monkeypatch.setattr(accelerator, "_devices", lambda kind: [])
    with pytest.raises(TrainingError, match=f"No {wanted.upper()} is to be seen"):
        choose_accelerator(wanted)


def test_auto_takes_the_best_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "on_jax", lambda: True)
    for there, chosen in (((), "cpu"), (("gpu",), "gpu"), (("gpu", "tpu"), "tpu")):
        monkeypatch.setattr(accelerator, "_devices", lambda kind, there=there: [kind] if kind in there else [])
        assert choose_accelerator("auto") == chosen


def test_a_cpu_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "_devices", lambda kind: ["gpu:0"] if kind == "gpu" else [])
    with pytest.raises(TrainingError, match="sees a GPU"):
        choose_accelerator("cpu")


def test_an_unknown_accelerator_is_an_error() -> None:
    with pytest.raises(TrainingError, match="Known: auto, cpu, gpu, tpu"):
        choose_accelerator("npu")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"recipe": "fast"}, "There is no recipe 'fast'. Known recipes: default, original, original-20."),
        ({"epochs": 0}, "epochs must be between 1 and 100000, and not 0."),
        ({"seed": -1}, "seed must be 0 or more, and not -1."),
        ({"fraction": 1.5}, "fraction must be between 0.001 and 1, and not 1.5."),
        ({"set": ["learningrate=1"]}, "There is no configuration key 'learningrate'; the nearest is 'learning_rate'."),
        ({"accelerator": "npu"}, "There is no accelerator 'npu'. Known: auto, cpu, gpu, tpu."),
        (
            {"accelerator": "tpu"},
            "On a TPU training runs with JAX, and Keras is on another back end: pip install 'jax[tpu]', and put "
            "KERAS_BACKEND=jax in front of the command.",
        ),
        ({}, "DATA holds no images: they are looked for in NORMAL/ and PNEUMONIA/."),
    ],
)
def test_the_command_ends_with_one_sentence_and_writes_nothing(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    data = tmp_path / "mine" / "data"
    data.mkdir(parents=True)
    with pytest.raises(CommandError) as error:
        call_command("train", data=data, output=tmp_path / "mine" / "artifact", **options)
    assert str(error.value) == sentence.replace("DATA", str(data))
    assert {path.name for path in data.parent.iterdir()} == {"data"}
