"""From a folder of images to an artifact, in one function that reads from top to bottom."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from diagnosis.engine.artifact import Artifact, write_artifact
from diagnosis.engine.examples import LABELS
from diagnosis.engine.gate import Gate
from training.accelerator import choose_accelerator, compiles_with_xla
from training.audit import refuse_misleading
from training.batches import TrainingBatches, exchanged, perturbed, predict_logits, reframed, strongly_changed
from training.checkpoints import assign, require_space, sync_folder, working_folder
from training.config import TrainingConfig
from training.datasets import Dataset, hold_out, read_dataset, split_by_patient
from training.errors import TrainingError
from training.evaluation import measure
from training.gallery import NOTHING_MORE, GallerySources, make_gallery
from training.gate import Scorer, fit_gate
from training.network import Arrays, build_from, build_network, read_imagenet
from training.pictures import draw_pictures
from training.plain_batches import PlainBatches
from training.processes import processes_beside
from training.progress import Progress
from training.watch import HISTORY, Watch

Report = Callable[[str], None]

#: Folders in the one where a run works.
PICTURES, TENSORBOARD = "pictures", "tensorboard"
#: What another run, or the gate, can go on from.
WEIGHTS = "network.weights.h5"


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
    afresh: bool = False,
    start: Path | None = None,
) -> Artifact:
    """Train on the images in ``data`` alone; write artifact, history and pictures to the new folder ``output``.

    Until then all lies in ``output``.partial, where a run that was killed goes on, unless ``afresh``.

    ``imagenet`` is a file of weights; None downloads them. ``start`` is the ``network.weights.h5`` of an earlier run,
    to go on from with another configuration. ``source`` says in the card where the images come from (by default the
    folder's name). The gate is fitted on ``gallery`` too. Images whose labels the files give away, or that bear both
    labels, are refused unless ``despite_audit``. Raises TrainingError, and then ``output`` is not there.
    """
    if output.exists():
        raise TrainingError(f"{output} exists already; name a new folder.")
    require_space(output)
    kind = choose_accelerator(accelerator)
    dataset = read_dataset(data, report)
    if not despite_audit:
        refuse_misleading(dataset, data)
    dataset = take_fraction(dataset, config.fraction, config.seed)
    training, validation = hold_out(dataset, config)
    more, strangers = gallery.read(report)
    weights = read_imagenet(imagenet) if config.share_from_imagenet and not start else {}
    began = {"started_from": hashlib.sha256(start.read_bytes()).hexdigest()} if start else {}
    identity = {**config.as_dict(), "accelerator": kind, "fingerprint of the images": dataset.fingerprint, **began}
    with working_folder(output, identity, afresh) as work:
        network, history = fit_network(config, training, validation, weights, work, kind, report, start)
        minutes = round(sum(row["seconds"] for row in history) / 60, 1)
        run = {"minutes": minutes, "accelerator": kind, "epochs": history, **began}
        facts = describe(dataset, training, validation, source)
        pictures = make_gallery({"training": training, "validation": validation, **more}, strangers, config)
        artifact = finish(network, config, validation, facts, run, fit_gate(network, pictures, config.seed, report))
        draw_pictures(network, artifact.card, history, validation, work / PICTURES)
        network.save_weights(work / WEIGHTS)
        deliver(artifact, work, output)
    report(f"{artifact.card.version} lies in {output}.")
    return artifact


def take_fraction(dataset: Dataset, fraction: float, seed: int) -> Dataset:
    """Return the images of about ``fraction`` of each class, whole patients; the fingerprint stays that of all."""
    if fraction >= 1:
        return dataset
    _, part = split_by_patient(dataset, fraction, seed)
    return replace(part, unreadable=dataset.unreadable)


def deliver(artifact: Artifact, work: Path, output: Path) -> None:
    """Make the new folder ``output`` of the artifact and of what the run wrote: all of it at once, or nothing."""
    whole = work / "artifact"
    shutil.rmtree(whole, ignore_errors=True)
    write_artifact(artifact, whole)
    for name in (HISTORY, WEIGHTS):
        shutil.copy(work / name, whole)
    shutil.copytree(work / PICTURES, whole, dirs_exist_ok=True)
    if (work / TENSORBOARD).is_dir():
        shutil.copytree(work / TENSORBOARD, whole / TENSORBOARD)
    whole.rename(output)
    sync_folder(output.parent)


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
        "validation_exchanged": exchanged(validation, config.seed + 3000, copies=3),
        "validation_reframed": reframed(validation, config.seed + 4000, copies=2),
    }
    logits = {name: predict_logits(network, part.pixels) for name, part in parts.items()}
    calibration, metrics = measure(parts, logits)
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
    dataset = take_fraction(read_dataset(data, report), config.fraction, config.seed)
    training, validation = hold_out(dataset, config)
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
    start: Path | None = None,
) -> tuple[keras.Model, list[dict[str, Any]]]:
    """Train on the accelerator ``kind``; return the network with its best weights, and the history by epoch.

    The weights are the moving average; the best are those with the highest AUROC on the perturbed, the
    exchanged or the reframed validation images, whichever is the lowest.
    """
    network = build_network(config, imagenet) if start is None else build_from(start, config)
    batches = make_batches(training, config, processes_beside(kind))
    network.compile(
        optimizer=make_optimizer(config, steps=len(batches) * config.epochs),
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
        metrics=[
            keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
            keras.metrics.AUC(name="auroc", from_logits=True),
        ],
        jit_compile=compiles_with_xla(kind),
    )
    watch = Watch(validation, config, folder, report)
    report(f"{len(training.examples)} images to train on, {len(validation.examples)} to validate on, on the {kind}.")
    if done := watch.resume(network):
        report(f"Goes on after epoch {done}, where it was stopped.")
    for _ in range(done):
        batches.on_epoch_end()
    if not watch.has_seen_enough and done < config.epochs:
        network.fit(
            batches,
            epochs=config.epochs,
            initial_epoch=done,
            verbose=0,
            shuffle=False,  # the batches are shuffled by their own seed; Keras would do it again, by a global one
            callbacks=_callbacks(watch, len(batches), done),
        )
    if watch.broken_epoch:
        raise TrainingError(_not_a_number(watch, folder))
    assign(network.variables, watch.best_weights)
    return network, watch.history


def _callbacks(watch: Watch, steps: int, done: int) -> list[keras.callbacks.Callback]:
    config, folder = watch.config, watch.folder
    callbacks = [keras.callbacks.TerminateOnNaN()]
    if config.ema_momentum:
        callbacks.append(Averaging(averaged=done > 0))
    callbacks += [watch, Progress(folder, (config.epochs, steps), watch.report, lambda: watch.auroc, done)]
    if keras.backend.backend() == "tensorflow" and find_spec("tensorboard"):  # both of them write the logs
        callbacks.append(keras.callbacks.TensorBoard(folder / TENSORBOARD, write_graph=False))
    return callbacks


class Averaging(keras.callbacks.SwapEMAWeights):
    """Puts the moving average into the network at the end of an epoch, and the weights back for the next one.

    A checkpoint is written between the two: ``averaged`` says that the network holds the average already.
    """

    def __init__(self, averaged: bool) -> None:
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = averaged


def _not_a_number(watch: Watch, folder: Path) -> str:
    epoch, kept = watch.broken_epoch, len(watch.history)
    lies = f" The checkpoint of epoch {kept} is kept in {folder}." if kept else ""
    rate = watch.config.learning_rate / 3
    return (
        f"The loss became no number (NaN) in epoch {epoch}, and would again: start anew with a lower learning rate, "
        f"--afresh --set learning_rate={rate:.2g}.{lies}"
    )


def make_batches(training: Dataset, config: TrainingConfig, processes: int) -> TrainingBatches:
    return {"all": TrainingBatches, "repeats": PlainBatches}[config.augmented](training, config, processes)


def make_optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """Return Adam or AdamW with the schedule over ``steps``, averaging the weights where the configuration says so."""
    average = {"use_ema": config.ema_momentum > 0, "ema_momentum": config.ema_momentum or None}
    rate = make_schedule(config, steps)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, **average)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_schedule(config: TrainingConfig, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    if config.schedule == "inverse_time":
        return keras.optimizers.schedules.InverseTimeDecay(
            config.learning_rate, decay_steps=1, decay_rate=config.decay
        )
    warm_up = max(1, round(config.warm_up * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
