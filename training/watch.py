"""What is looked at after each epoch of training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from diagnosis.engine.figures import figures
from training.batches import exchanged, perturbed, predict_logits, reframed
from training.checkpoints import Checkpoint, assign, values_of, write_json
from training.config import TrainingConfig
from training.datasets import Dataset

HISTORY = "history.json"


@dataclass
class Best:
    score: float = -math.inf
    epoch: int = -1


class Watch(keras.callbacks.Callback):
    """After each epoch: validate the averaged weights, write a checkpoint, keep the best, stop if none gets better."""

    def __init__(
        self, validation: Dataset, config: TrainingConfig, folder: Path, report: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.sets = {
            "clean": validation,
            "perturbed": perturbed(validation, config.seed),
            "exchanged": exchanged(validation, config.seed),
            "reframed": reframed(validation, config.seed),
        }
        self.config, self.folder, self.report = config, folder, report
        self.history: list[dict[str, Any]] = []
        self.best = Best()
        self.best_weights: list[Any] = []
        self.broken_epoch: int | None = None

    @property
    def auroc(self) -> float | None:
        """That of the last validation, as the images are."""
        return self.history[-1]["clean_auroc"] if self.history else None

    @property
    def has_seen_enough(self) -> bool:
        """Whether no epoch was better for as long as patience lasts."""
        epochs_since_best = len(self.history) - 1 - self.best.epoch
        return epochs_since_best > 0 and epochs_since_best >= self.config.patience

    def resume(self, network: keras.Model) -> int:
        """Put ``network`` and its optimizer where the checkpoint left them; return how many epochs are done."""
        checkpoint = Checkpoint.read(self.folder)
        if checkpoint is None:
            return 0
        network.optimizer.build(network.trainable_variables)
        assign(network.variables, checkpoint.network)
        assign(network.optimizer.variables, checkpoint.optimizer)
        self.history, self.best = checkpoint.facts["history"], Best(**checkpoint.facts["best"])
        self.best_weights = checkpoint.best
        write_json(self.folder / HISTORY, self.history)
        return len(self.history)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        if math.isfinite(row.get("loss", 0.0)):
            for name, dataset in self.sets.items():
                row |= {f"{name}_{key}": value for key, value in self._validate(dataset).items()}
        if not math.isfinite(row.get("clean_loss", math.nan)):
            self.broken_epoch = epoch + 1
            self.model.stop_training = True
            return
        row["seconds"] = round(time.monotonic() - self.started, 1)
        self.history.append(row)
        self._keep_if_best(epoch, self._score(row))
        self._write()
        self.report("  ".join(f"{key} {value:.4g}" for key, value in row.items()))
        if logs is not None:  # TensorBoard's callback, which comes later, takes these for validation
            logs |= {f"val_{key.removeprefix('clean_')}": row[key] for key in row if key.startswith("clean_")}

    def _validate(self, dataset: Dataset) -> dict[str, float]:
        logits = predict_logits(self.model, dataset.pixels)
        if not np.isfinite(logits).all():
            return dict.fromkeys(("loss", "accuracy", "auroc"), math.nan)
        values = figures(dataset.labels, 1 / (1 + np.exp(-logits)), 0.5, resamples=1)
        return {
            "loss": float(np.mean(np.logaddexp(0, np.where(dataset.labels == 1, -logits, logits)))),
            "accuracy": values["accuracy"].value,
            "auroc": values["auroc"].value,
        }

    def _score(self, row: dict[str, Any]) -> float:
        """Higher is better: the lowest of the figures under changes, or the loss turned round."""
        if self.config.judged_by == "loss":
            return -float(row["clean_loss"])
        return float(min(row[f"{name}_auroc"] for name in self.sets if name != "clean"))

    def _keep_if_best(self, epoch: int, score: float) -> None:
        if self.best.epoch < 0 or score > self.best.score:
            self.best = Best(score, epoch)
            self.best_weights = values_of(self.model.variables)
        elif self.has_seen_enough:
            self.model.stop_training = True

    def _write(self) -> None:
        facts = {"history": self.history, "best": asdict(self.best)}
        network, optimizer = values_of(self.model.variables), values_of(self.model.optimizer.variables)
        Checkpoint(network, optimizer, self.best_weights, facts).write(self.folder)
        write_json(self.folder / HISTORY, self.history)
