"""From a folder of images to an artifact, in one function that reads from top to bottom."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from diagnosis.engine.artifact import Artifact, write_artifact
from diagnosis.engine.examples import LABELS
from diagnosis.engine.gate import Gate
from training.accelerator import choose_accelerator, compiles_with_xla
from training.audit import refuse_misleading
from training.batches import TrainingBatches, exchanged, perturbed, predict_logits, strongly_changed
from training.calibration import calibrate
from training.config import TrainingConfig
from training.datasets import Dataset, read_dataset, split_by_patient
from training.errors import TrainingError
from training.evaluation import evaluate
from training.gallery import NOTHING_MORE, GallerySources, make_gallery
from training.gate import Scorer, fit_gate
from training.network import Arrays, build_network, read_imagenet
from training.processes import processes_beside
from training.watch import BEST, HISTORY, Watch

Report = Callable[[str], None]


def train(
    config: TrainingConfig,
    data: Path,
    output: Path,
    imagenet: Path | None = None,
    accelerator: str = "auto",
    source: str = "",
    report: Report = print,
    gallery: GallerySources = NOTHING_MORE,
    despite_audit: bool = False,
) -> Artifact:
    """Train on the images in ``data`` alone and write the artifact and its history to the new folder ``output``.

    ``imagenet`` is a file of weights; None downloads them. ``source`` says in the card where the images come from (by
    default the folder's name). The gate is fitted on ``gallery`` too. Images whose labels the files give away, or that
    bear both labels, are refused unless ``despite_audit``. Raises TrainingError, and then ``output`` is not there.
    """
    if output.exists():
        raise TrainingError(f"{output} exists already; name a new folder.")
    kind = choose_accelerator(accelerator)
    dataset = read_dataset(data, report)
    if not despite_audit:
        refuse_misleading(dataset, data)
    training, validation = split_by_patient(dataset, config.validation_fraction, config.seed)
    more, strangers = gallery.read(report)
    weights = read_imagenet(imagenet) if config.share_from_imagenet else {}
    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".training-", dir=output.parent))
    try:
        started = time.monotonic()
        network, history = fit_network(config, training, validation, weights, work, kind, report)
        run = {"minutes": round((time.monotonic() - started) / 60, 1), "accelerator": kind, "epochs": history}
        facts = describe(dataset, training, validation, source)
        pictures = make_gallery({"training": training, "validation": validation, **more}, strangers, config)
        gate = fit_gate(network, pictures, config.seed, report)
        artifact = finish(network, config, validation, facts, run, gate)
        write_artifact(artifact, output)
        for name in (HISTORY, BEST):
            shutil.copy(work / name, output / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(f"{artifact.card.version} lies in {output}.")
    return artifact


def finish(
    network: keras.Model,
    config: TrainingConfig,
    validation: Dataset,
    facts: dict[str, Any],
    run: dict[str, Any],
    gate: tuple[Scorer, Gate] | None = None,
) -> Artifact:
    """Calibrate and evaluate the trained network on the validation part, and export it. Raises ExportError.

    Calibration and threshold are fitted on clean images and all changed ones together: fitted on clean ones, they do
    not travel. The changes differ from those on which the best epoch was chosen.
    """
    from training.export import make_artifact  # only the export needs TensorFlow: training runs on any back end

    parts = {
        "validation": validation,
        "validation_perturbed": perturbed(validation, config.seed + 1000),
        "validation_strongly_changed": strongly_changed(validation, config.seed + 2000),
        "validation_exchanged": exchanged(validation, config.seed + 3000),
    }
    logits = {name: predict_logits(network, part.pixels) for name, part in parts.items()}
    calibration = calibrate(
        np.concatenate(list(logits.values())), np.concatenate([part.labels for part in parts.values()])
    )
    metrics = {name: evaluate(part, logits[name], calibration) for name, part in parts.items()}
    every = max(1, len(validation.examples) // 100)
    sample = np.concatenate([part.pixels[::every] for part in parts.values()])
    return make_artifact(network, calibration, sample, metrics, facts, {"config": config.as_dict(), **run}, gate=gate)


def put_new_gate(
    artifact: Artifact,
    config: TrainingConfig,
    weights: Path,
    data: Path,
    gallery: GallerySources = NOTHING_MORE,
    report: Report = print,
) -> Artifact:
    """Return the artifact with a gate that is fitted anew; ``weights`` and ``data`` are those it was made of.

    Raises TrainingError where the weights are not those of the artifact or cannot be read.
    """
    from training.export import put_gate

    network = build_network(replace(config, share_from_imagenet=0.0), {})
    try:
        network.load_weights(weights)
    except (OSError, ValueError) as error:
        raise TrainingError(f"The weights at {weights} cannot be read: {error}.") from error
    training, validation = split_by_patient(read_dataset(data, report), config.validation_fraction, config.seed)
    more, strangers = gallery.read(report)
    pictures = make_gallery({"training": training, "validation": validation, **more}, strangers, config)
    return put_gate(artifact, network, fit_gate(network, pictures, config.seed, report))


def describe(dataset: Dataset, training: Dataset, validation: Dataset, source: str = "") -> dict[str, Any]:
    """Return what the card says of the images: no path, since a folder's place means nothing elsewhere."""
    return {
        "source": source or dataset.examples[0].source,
        "fingerprint": dataset.fingerprint,
        "unreadable": len(dataset.unreadable),
        "training": _counts(training),
        "validation": _counts(validation),
    }


def _counts(part: Dataset) -> dict[str, int]:
    counts = {name: int((part.labels == label).sum()) for label, name in enumerate(LABELS)}
    return {"images": len(part.examples), "patients": len(set(part.patients)), **counts}


def fit_network(
    config: TrainingConfig,
    training: Dataset,
    validation: Dataset,
    imagenet: Arrays,
    folder: Path,
    kind: str = "cpu",
    report: Report = print,
) -> tuple[keras.Model, list[dict[str, Any]]]:
    """Train on the accelerator ``kind``; return the network with its best weights, and the history by epoch.

    The weights are the moving average; the best are those with the highest AUROC on the perturbed or
    the exchanged validation images, whichever is the lower one.
    """
    network = build_network(config, imagenet)
    batches = TrainingBatches(training, config, processes_beside(kind))
    network.compile(
        optimizer=make_optimizer(config, steps=len(batches) * config.epochs),
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
        jit_compile=compiles_with_xla(kind),
    )
    watch = Watch(validation, config, folder, report)
    report(f"{len(training.examples)} images to train on, {len(validation.examples)} to validate on, on the {kind}.")
    network.fit(
        batches,
        epochs=config.epochs,
        verbose=0,
        shuffle=False,  # the batches are shuffled by their own seed; Keras would shuffle them again, by a global one
        callbacks=[keras.callbacks.TerminateOnNaN(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True), watch],
    )
    if watch.best.epoch < 0:
        raise TrainingError("The loss became no number (NaN) in the first epoch: lower the learning rate.")
    network.load_weights(folder / BEST)
    return network, watch.history


def make_optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW whose rate warms up and follows a cosine over ``steps``, and which averages the weights."""
    warm_up = max(1, round(config.warm_up * steps))
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=max(1, steps - warm_up),
            warmup_target=config.learning_rate,
            warmup_steps=warm_up,
        ),
        weight_decay=config.weight_decay,
        use_ema=True,
        ema_momentum=config.ema_momentum,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
