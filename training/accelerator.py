"""The machine that trains: what was asked for, or an error; and all of its devices at once."""

from __future__ import annotations

import keras

from training.errors import TrainingError

KINDS = ("auto", "cpu", "gpu", "tpu")


def choose_accelerator(wanted: str) -> str:
    """Return cpu, gpu or tpu: the kind that Keras' back end will use.

    ``auto`` takes the best that is there. Raises TrainingError where ``wanted`` is something else and not there.
    """
    if wanted not in KINDS:
        raise TrainingError(f"There is no accelerator {wanted!r}. Known: {', '.join(KINDS)}.")
    there = [kind for kind in ("tpu", "gpu") if _devices(kind)]
    chosen = (there or ["cpu"])[0] if wanted == "auto" else wanted
    if chosen == "tpu" and not on_jax():
        raise TrainingError(
            "On a TPU training runs with JAX, and Keras is on another back end: pip install 'jax[tpu]', and put "
            "KERAS_BACKEND=jax in front of the command."
        )
    if chosen == "cpu" and there:
        hide = "JAX_PLATFORMS=cpu" if on_jax() else "CUDA_VISIBLE_DEVICES="
        raise TrainingError(
            f"Keras' back end sees a {there[0].upper()} and would use it: for --accelerator cpu hide it from the "
            f"process, with {hide} in front of the command."
        )
    if chosen != "cpu" and chosen not in there:
        raise TrainingError(f"No {chosen.upper()} is to be seen from Keras' {keras.backend.backend()} back end.")
    return chosen


def compiles_with_xla(kind: str) -> bool:
    """Whether XLA should compile a training step. On a CPU it made one of TensorFlow five times slower; JAX has
    nothing else."""
    return kind != "cpu" or on_jax()


def distribute(kind: str, batch_size: int) -> None:
    """On JAX, let each device of that kind hold all weights and take its share of each batch of ``batch_size``.

    Must come before the network is built. TensorFlow uses one device. Raises TrainingError where the batch cannot be
    split evenly.
    """
    keras.distribution.set_distribution(None)
    devices = _devices(kind) if on_jax() else []
    if len(devices) < 2:
        return
    if batch_size % len(devices):
        raise TrainingError(
            f"A batch of {batch_size} images cannot be split evenly over {len(devices)} devices: batch_size must be a "
            f"multiple of {len(devices)}, and there must be as many images to train on."
        )
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))


def devices_in_use() -> int:
    """Return over how many devices a batch is split."""
    distribution = keras.distribution.distribution()
    return int(distribution.device_mesh.devices.size) if distribution else 1


def on_jax() -> bool:
    return bool(keras.backend.backend() == "jax")


def _devices(kind: str) -> list[str]:
    try:
        return list(keras.distribution.list_devices(kind))
    except (RuntimeError, ValueError):  # JAX raises where no such platform is installed
        return []
