"""What the trainer does between the first and the last step."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import make_dataset
from training.checkpoints import Checkpoint
from training.config import TrainingConfig
from training.optimizer import make_optimizer
from training.watch import Watch


@pytest.fixture
def watch(tiny: TrainingConfig, tmp_path: Path) -> Watch:
    watch = Watch(make_dataset(["a", "b"], [0, 1]), replace(tiny, patience=2), tmp_path, report=lambda line: None)
    network = keras.Sequential(
        [
            keras.Input((224, 224, 1), dtype="uint8"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    network.compile(jit_compile=False)
    watch.set_model(network)
    return watch


def end_epochs(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, aurocs: list[float], losses: Sequence[float] = ()
) -> int | None:
    """Let epochs end with these figures on perturbed images; return in which one training stopped, or None.

    On clean images the AUROC is always 1, on exchanged ones 0.97, on reframed ones 0.98.
    """
    for epoch, auroc in enumerate(aurocs):
        found = {"clean": 1.0, "perturbed": auroc, "exchanged": 0.97, "reframed": 0.98}
        loss = losses[epoch] if losses else 1.0
        figures = {id(dataset): {"auroc": found[name], "loss": loss} for name, dataset in watch.sets.items()}
        monkeypatch.setattr(watch, "_validate", lambda dataset, figures=figures: figures[id(dataset)])
        watch.model.layers[-1].bias.assign([float(epoch)])
        watch.on_epoch_begin(epoch)
        watch.on_epoch_end(epoch, {"loss": 1.0})
        if watch.model.stop_training:
            return epoch
    return None


def test_the_weights_of_the_best_epoch_are_kept(watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watch.model.stop_training = False
    assert end_epochs(watch, monkeypatch, [0.6, 0.9, 0.7]) is None
    assert watch.best_weights[-1].tolist() == [1.0]
    kept = Checkpoint.read(tmp_path)
    assert kept is not None
    assert kept.best[-1].tolist() == [1.0]
    assert kept.network[-1].tolist() == [2.0]
    assert kept.facts["best"] == {"score": 0.9, "epoch": 1}


def test_training_stops_when_no_epoch_is_better_for_long(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.model.stop_training = False
    assert end_epochs(watch, monkeypatch, [0.6, 0.9, 0.7, 0.9, 0.95]) == 3


def test_the_worse_one_of_the_changes_judges_an_epoch(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.model.stop_training = False
    end_epochs(watch, monkeypatch, [0.96, 0.99, 0.98])
    assert (watch.best.score, watch.best.epoch) == (0.97, 1)


def test_a_recipe_may_let_the_validation_loss_judge(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.model.stop_training = False
    watch.config = replace(watch.config, judged_by="loss")
    assert end_epochs(watch, monkeypatch, [0.5, 0.6, 0.7, 0.8], losses=[0.5, 0.3, 0.4, 0.6]) == 3
    assert (watch.best.score, watch.best.epoch) == (-0.3, 1)


def test_an_epoch_without_a_number_leaves_the_checkpoint_before_it(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watch.model.stop_training = False
    end_epochs(watch, monkeypatch, [0.6])
    watch.model.layers[-1].bias.assign([np.nan])
    watch.on_epoch_end(1, {"loss": float("nan")})
    kept = Checkpoint.read(tmp_path)
    assert kept is not None
    assert (watch.broken_epoch, watch.model.stop_training) == (2, True)
    assert kept.network[-1].tolist() == [0.0]


def test_the_learning_rate_warms_up_and_sinks_to_nothing(tiny: TrainingConfig) -> None:
    rate = make_optimizer(replace(tiny, learning_rate=1e-3, warm_up=0.1), steps=100)._learning_rate
    assert [round(float(rate(step)), 6) for step in (0, 5, 10, 55, 100)] == [0, 5e-4, 1e-3, 5e-4, 0]


def test_the_weights_that_are_validated_are_the_average(tiny: TrainingConfig) -> None:
    """One step moves a weight from 0; the average has moved by a tenth of that."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    config = replace(tiny, learning_rate=0.1, warm_up=0.0, ema_momentum=0.9)
    network.compile(make_optimizer(config, steps=10), loss="mse", jit_compile=False)
    network(np.ones((1, 1)))
    network.optimizer.build(network.trainable_variables)
    seen: list[float] = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(float(network.layers[-1].kernel[0, 0])))
    network.fit(
        np.ones((4, 1)),
        np.ones((4, 1)),
        batch_size=1,
        epochs=1,
        verbose=0,
        callbacks=[raw := Raw(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True), look],
    )
    assert 0 < seen[0] < raw.value


class Raw(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.value = float(self.model.layers[-1].kernel[0, 0])
