"""Training split over eight devices is training on one, and what it makes is served like any other network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import pytest
from django.core.management import CommandError, call_command
from tensorflow.lite.tools import flatbuffer_utils

from diagnosis.engine.artifact import read_artifact
from tests.training.eight_devices import CONFIG, VALIDATION
from tests.training.small_network import build_small_network
from training import accelerator, backend, importing, trainer
from training.accelerator import choose_accelerator, compiles_with_xla, devices_in_use, distribute
from training.errors import ImportRefused, TrainingError
from training.export import litert_logits

ROOT = Path(__file__).parents[2]
EIGHT = {
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("eight_devices")


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, Any]:
    """Keras' back end and the number of devices are fixed for a process, so this needs one of its own: one for all."""
    command = [sys.executable, "-m", "tests.training.eight_devices", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **EIGHT}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_trainer_loads_without_tensorflow(seen: dict[str, Any]) -> None:
    assert not seen["with_tensorflow"]


def test_eight_devices_learn_what_one_does(seen: dict[str, Any]) -> None:
    split = seen["split"]
    assert split["losses_of_eight"] == pytest.approx(split["losses_of_one"], rel=1e-4)
    assert split["difference_of_weights"] < 1e-4
    assert split["difference_from_start"] > 1e-2


def test_each_device_gets_an_eighth_of_the_batch(seen: dict[str, Any]) -> None:
    assert seen["split"]["pieces"] == [[8, [1, 224, 224, 1]]]
    assert "Each batch of 8 is split over 8 devices." in seen["split"]["said"]


def test_three_epochs_compile_one_training_step_and_one_prediction(seen: dict[str, Any]) -> None:
    assert seen["split"]["traced"] == [[8, 224, 224, 1]]
    compiled = seen["split"]["compiled"]
    assert [name for name in compiled if "step" in name] == ["jit(train_step)", "jit(predict_step)"]


def test_a_number_of_images_that_the_devices_cannot_share_is_answered_as_one_by_one(seen: dict[str, Any]) -> None:
    assert seen["split"]["answers"] == 7
    assert seen["split"]["difference_of_answers"] < 1e-5


def test_a_batch_that_the_devices_cannot_share_is_refused(seen: dict[str, Any]) -> None:
    assert seen["refused"] == (
        "A batch of 12 images cannot be split evenly over 8 devices: batch_size must be a multiple of 8, "
        "and there must be as many images to train on."
    )


def test_a_run_on_eight_devices_that_was_stopped_ends_with_the_same_weights(seen: dict[str, Any]) -> None:
    resumed = seen["resumed"]
    assert "Goes on after epoch 1, where it was stopped." in resumed["said"]
    assert [row["epoch"] for row in resumed["rows"]] == [1, 2, 3]
    assert resumed["rows"] == resumed["rows_of_whole"]
    assert resumed["difference_of_weights"] == 0


@pytest.mark.usefixtures("seen")
def test_what_was_trained_on_jax_becomes_the_artifact_that_tensorflow_makes_of_its_weights(folder: Path) -> None:
    network = build_small_network(CONFIG, {})
    network.load_weights(folder / "network.weights.h5")
    network.compile(jit_compile=False)
    ours, theirs = trainer.finish(network, CONFIG, VALIDATION, {}, {}), read_artifact(folder / "artifact")
    assert constants(theirs.network) == constants(ours.network)
    assert (litert_logits(theirs.network, VALIDATION.pixels) == litert_logits(ours.network, VALIDATION.pixels)).all()
    assert theirs.card.metrics["parity"]["images"] > 50
    expected = dict(numbers(asdict(ours.card)))
    assert len(expected) > 100
    assert dict(numbers(asdict(theirs.card))) == pytest.approx(expected, abs=1e-4)


def constants(converted: bytes) -> list[bytes]:
    """Return the weights and all other constants of a LiteRT network, whatever their names."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(converted))
    found = (model.buffers[tensor.buffer].data for tensor in model.subgraphs[0].tensors)
    return sorted(bytes(data) for data in found if data is not None)


def numbers(facts: Any, place: str = "") -> list[tuple[str, float]]:
    """Return all numbers in a card, each with its place."""
    if isinstance(facts, dict):
        return [found for key, value in facts.items() for found in numbers(value, f"{place}/{key}")]
    if isinstance(facts, (list, tuple)):
        return [found for key, value in enumerate(facts) for found in numbers(value, f"{place}/{key}")]
    return [(place, float(facts))] if isinstance(facts, (int, float)) else []


def test_tensorflow_trains_on_one_device_and_on_a_cpu_without_xla() -> None:
    distribute("cpu", 12)
    assert devices_in_use() == 1
    assert keras.distribution.distribution() is None
    assert not compiles_with_xla("cpu")
    assert compiles_with_xla("gpu")


@pytest.mark.parametrize("wanted", ["tpu", "auto"])
def test_a_tpu_with_tensorflow_is_an_error_that_says_what_to_put_in_front(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerator, "_devices", lambda kind: ["tpu:0"] if kind == "tpu" else [])
    with pytest.raises(TrainingError, match="KERAS_BACKEND=jax in front of the command"):
        choose_accelerator(wanted)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("torch", "KERAS_BACKEND is 'torch': training runs on tensorflow or jax."),
        ("jax", "Keras is to run on jax, which is not installed: pip install 'jax[tpu]' on a machine with TPUs"),
    ],
)
def test_a_back_end_that_does_not_train_or_is_not_there_is_an_error(
    name: str, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    with pytest.raises(CommandError) as error:
        call_command("train", data=tmp_path)
    assert str(error.value).startswith(sentence)


def test_an_import_on_jax_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importing, "on_jax", lambda: True)
    with pytest.raises(ImportRefused, match="leave KERAS_BACKEND=jax away"):
        importing.import_network(tmp_path / "none.keras", tmp_path, importing.ImportOptions("unit"))
