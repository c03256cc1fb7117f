"""From a folder of drawn images to an artifact, in two steps."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from diagnosis.engine.classifier import Classifier
from diagnosis.engine.figures import NAMES
from tests.training.conftest import draw_chest, png
from training import trainer
from training.config import TrainingConfig
from training.errors import ExportError, TrainingError
from training.network import build_from, build_network


def test_a_folder_becomes_an_artifact_that_the_classifier_takes(
    draw_folder: Callable[..., Path], tiny: TrainingConfig, tmp_path: Path
) -> None:
    folder, output = draw_folder(), tmp_path / "runs" / "first"
    said: list[str] = []
    (folder / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    trainer.train(tiny, folder, output, accelerator="cpu", source="drawn by a test", report=said.append)

    classifier = Classifier.load(output)
    assert classifier.classify(png(draw_chest(1, 99))).label in ("NORMAL", "PNEUMONIA")
    card = classifier.card
    assert card.data["source"] == "drawn by a test"
    assert card.data["unreadable"] == 1
    assert card.data["training"] == {"images": 12, "patients": 12, "NORMAL": 4, "PNEUMONIA": 8}
    assert card.data["validation"] == {"images": 12, "patients": 12, "NORMAL": 4, "PNEUMONIA": 8}
    for part, images in (("validation", 12), ("validation_perturbed", 24), ("validation_strongly_changed", 36)):
        assert (card.metrics[part]["images"], card.metrics[part]["patients"]) == (images, 12)
        values = {name: card.metrics[part][name]["value"] for name in NAMES}
        # A network of one epoch may call none ill, and then there is no positive answer to be right or wrong.
        assert all(
            0 <= value <= 1 for name, value in values.items() if value is not None or name not in ("ppv", "npv")
        )
    assert card.training["config"]["batch_size"] == 4

    history = json.loads((output / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1]
    assert {"loss", "accuracy", "clean_auroc", "perturbed_auroc", "perturbed_loss", "seconds"} <= history[0].keys()
    assert any(line.startswith("epoch 1  ") for line in said)
    assert str(tmp_path) not in (output / "card.json").read_text()
    assert {path.name for path in output.parent.iterdir()} == {"first"}

    pictures = {"curves", "roc", "reliability", "confusion", "mistakes"}
    assert {path.stem for path in output.glob("*.png")} == pictures
    for path in output.glob("*.png"):
        assert min(Image.open(path).size) > 250
    assert build_from(output / "network.weights.h5", tiny).count_params() > 3_000_000
    assert list((output / "tensorboard" / "validation").glob("events.*"))
    assert {"lock", "run.json", "checkpoint.npz"}.isdisjoint(path.name for path in output.iterdir())


def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(
    draw_folder: Callable[..., Path], tiny: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ExportError("It does not answer as it was trained.")

    monkeypatch.setattr(trainer, "fit_network", lambda *args: (None, []))
    monkeypatch.setattr(trainer, "fit_gate", lambda *args: None)
    monkeypatch.setattr(trainer, "finish", fail)
    with pytest.raises(ExportError):
        trainer.train(tiny, draw_folder(2, 2), tmp_path / "runs" / "first", accelerator="cpu")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_goes_on_from_the_weights_of_an_earlier_one(tiny: TrainingConfig, tmp_path: Path) -> None:
    earlier = build_network(replace(tiny, seed=7), {})
    earlier.save_weights(tmp_path / "network.weights.h5")
    again, other = build_from(tmp_path / "network.weights.h5", tiny), build_network(tiny, {})
    kernels = [network.get_layer("conv_pw_5").get_weights()[0] for network in (earlier, again, other)]
    assert (kernels[0] == kernels[1]).all()
    assert (kernels[0] != kernels[2]).any()


def test_weights_of_something_else_are_refused(tiny: TrainingConfig, tmp_path: Path) -> None:
    (tmp_path / "network.weights.h5").write_bytes(b"no weights")
    with pytest.raises(TrainingError, match="holds no weights of this network"):
        build_from(tmp_path / "network.weights.h5", tiny)


def test_an_artifact_is_never_overwritten(
    draw_folder: Callable[..., Path], tiny: TrainingConfig, tmp_path: Path
) -> None:
    (tmp_path / "artifact").mkdir()
    with pytest.raises(TrainingError, match="exists already"):
        trainer.train(tiny, draw_folder(2, 2), tmp_path / "artifact")
