"""What is looked at after each epoch of training."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from diagnosis.engine.figures import figures
from training.batches import exchanged, perturbed, predict_logits
from training.config import TrainingConfig
from training.datasets import Dataset

BEST, LAST, HISTORY = "best.weights.h5", "last.weights.h5", "history.json"


@dataclass
class Best:
    auroc: float = -1.0
    epoch: int = -1


class Watch(keras.callbacks.Callback):
    """After each epoch: validate the averaged weights, write the history, keep the best, stop if none gets better."""

    def __init__(
        self, validation: Dataset, config: TrainingConfig, folder: Path, report: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.sets = {
            "clean": validation,
            "perturbed": perturbed(validation, config.seed),
            "exchanged": exchanged(validation, config.seed),
        }
        self.config, self.folder, self.report = config, folder, report
        self.history: list[dict[str, Any]] = []
        self.best = Best()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        for name, dataset in self.sets.items():
            row |= {f"{name}_{key}": value for key, value in self._validate(dataset).items()}
        row["seconds"] = round(time.monotonic() - self.started, 1)
        self.history.append(row)
        self._keep_if_best(epoch, min(row["perturbed_auroc"], row["exchanged_auroc"]))
        self.model.save_weights(self.folder / LAST)
        (self.folder / HISTORY).write_text(json.dumps(self.history, indent=1))
        self.report("  ".join(f"{key} {value:.4g}" for key, value in row.items()))

    def _validate(self, dataset: Dataset) -> dict[str, float]:
        logits = predict_logits(self.model, dataset.pixels)
        values = figures(dataset.labels, 1 / (1 + np.exp(-logits)), 0.5, resamples=1)
        return {
            "loss": float(np.mean(np.logaddexp(0, np.where(dataset.labels == 1, -logits, logits)))),
            "accuracy": values["accuracy"].value,
            "auroc": values["auroc"].value,
        }

    def _keep_if_best(self, epoch: int, auroc: float) -> None:
        if auroc > self.best.auroc:
            self.best = Best(auroc, epoch)
            self.model.save_weights(self.folder / BEST)
        elif epoch - self.best.epoch >= self.config.patience:
            self.model.stop_training = True
