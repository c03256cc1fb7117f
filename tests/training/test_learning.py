"""What the trainer does between the first and the last step."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import make_dataset
from training.config import TrainingConfig
from training.trainer import make_optimizer
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


def end_epochs(watch: Watch, monkeypatch: pytest.MonkeyPatch, aurocs: list[float]) -> int | None:
    """Let epochs end with these figures on perturbed images; return in which one training stopped, or None."""
    for epoch, auroc in enumerate(aurocs):
        monkeypatch.setattr(watch, "_validate", lambda dataset, auroc=auroc: {"auroc": auroc})
        watch.model.layers[-1].bias.assign([float(epoch)])
        watch.on_epoch_begin(epoch)
        watch.on_epoch_end(epoch, {"loss": 1.0})
        if watch.model.stop_training:
            return epoch
    return None


def test_the_weights_of_the_best_epoch_are_kept(watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watch.model.stop_training = False
    assert end_epochs(watch, monkeypatch, [0.6, 0.9, 0.7]) is None
    watch.model.load_weights(tmp_path / "best.weights.h5")
    assert watch.model.layers[-1].bias.numpy().tolist() == [1.0]


def test_training_stops_when_no_epoch_is_better_for_long(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.model.stop_training = False
    assert end_epochs(watch, monkeypatch, [0.6, 0.9, 0.7, 0.9, 0.95]) == 3


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
