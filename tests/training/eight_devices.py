"""Run with Keras on JAX and eight virtual CPU devices, it trains in several ways and prints as JSON what it has seen.

Called with a folder, in which it leaves the weights that it trained on eight devices and the artifact made of them.
"""

from __future__ import annotations

import faulthandler
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

from diagnosis.engine.artifact import write_artifact
from tests.training.conftest import make_dataset
from tests.training.small_network import build_small_network
from training import accelerator, trainer
from training.batches import predict_logits
from training.config import TrainingConfig
from training.errors import TrainingError

CONFIG = replace(
    TrainingConfig(),
    epochs=3,
    patience=9,
    batch_size=8,
    share_from_imagenet=0.0,
    frozen_blocks=-1,
    dropout=0.5,
    learning_rate=1e-2,
    ema_momentum=0.5,
)
TRAINING = make_dataset([str(i) for i in range(24)], [i % 2 for i in range(24)])
#: A number that neither eight devices nor a batch of 32 can share evenly.
VALIDATION = make_dataset([str(i) for i in range(7)], [i % 2 for i in range(7)])

Fit = tuple[keras.Model, list[dict[str, Any]]]


class Stopped(Exception):
    """What ends a run after its first epoch."""


def fit(folder: Path, config: TrainingConfig = CONFIG, report: Callable[[str], None] = lambda line: None) -> Fit:
    folder.mkdir(exist_ok=True)
    return trainer.fit_network(config, TRAINING, VALIDATION, {}, folder, "cpu", report)


@contextmanager
def one_device() -> Iterator[None]:
    all_devices = accelerator._devices
    accelerator._devices = lambda kind: all_devices(kind)[:1]
    yield
    accelerator._devices = all_devices


@contextmanager
def noted_steps() -> Iterator[dict[str, list[Any]]]:
    """Note each tracing of a training step, how the compiled one splits its images, and each compilation."""
    noted: dict[str, list[Any]] = {"traced": [], "pieces": [], "compiled": []}
    train_step = keras.Model.train_step

    @wraps(train_step)
    def note(network: Any, state: Any, data: Any) -> Any:
        images = data[0]
        noted["traced"].append(images.shape)
        jax.debug.inspect_array_sharding(
            images, callback=lambda it: noted["pieces"].append([len(it.device_set), it.shard_shape(images.shape)])
        )
        return train_step(network, state, data)

    def listen(event: str, duration_secs: float, **facts: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            noted["compiled"].append(facts.get("fun_name"))

    keras.Model.train_step = note
    jax.monitoring.register_event_duration_secs_listener(listen)
    yield noted
    jax.monitoring.unregister_event_duration_listener(listen)
    keras.Model.train_step = train_step


def largest_difference(one: keras.Model, other: keras.Model) -> float:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def split(folder: Path) -> tuple[dict[str, Any], Fit]:
    """Train on eight devices and on one, and compare."""
    said: list[str] = []
    with noted_steps() as noted:
        eight, history = fit(folder / "eight", report=said.append)
    answers = predict_logits(eight, VALIDATION.pixels)
    alone = np.asarray(eight(VALIDATION.pixels[..., None], training=False))[:, 0]
    with one_device():
        one, history_of_one = fit(folder / "one")
    names = ("loss", "clean_loss", "perturbed_loss")
    seen = {
        **noted,
        "said": said,
        "losses_of_eight": [row[name] for row in history for name in names],
        "losses_of_one": [row[name] for row in history_of_one for name in names],
        "difference_of_weights": largest_difference(eight, one),
        "difference_from_start": largest_difference(eight, build_small_network(CONFIG, {})),
        "difference_of_answers": float(np.abs(answers - alone).max()),
        "answers": len(answers),
    }
    return seen, (eight, history)


def resume(folder: Path, whole: Fit) -> dict[str, Any]:
    """Stop a run after its first epoch, go on with it, and compare with one that was not stopped."""

    def stop(line: str) -> None:
        if line.startswith("epoch 1 "):
            raise Stopped

    try:
        fit(folder / "stopped", report=stop)
    except Stopped:
        said: list[str] = []
        network, history = fit(folder / "stopped", report=said.append)
    return {
        "said": said,
        "difference_of_weights": largest_difference(network, whole[0]),
        "rows": [{**row, "seconds": 0} for row in history],
        "rows_of_whole": [{**row, "seconds": 0} for row in whole[1]],
    }


def refuse(folder: Path) -> str:
    try:
        fit(folder / "refused", replace(CONFIG, batch_size=12))
    except TrainingError as error:
        return str(error)
    return ""


def export(folder: Path, network: keras.Model) -> None:
    network.save_weights(folder / "network.weights.h5")
    write_artifact(trainer.finish(network, CONFIG, VALIDATION, {}, {}), folder / "artifact")


def main(folder: Path) -> None:
    with_tensorflow = "tensorflow" in sys.modules
    trainer.build_network = build_small_network  # type: ignore[attr-defined]
    seen, whole = split(folder)
    export(folder, whole[0])
    found = {
        "with_tensorflow": with_tensorflow,
        "split": seen,
        "resumed": resume(folder, whole),
        "refused": refuse(folder),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    faulthandler.dump_traceback_later(900, exit=True)  # says where it hangs, should it
    main(Path(sys.argv[1]))
