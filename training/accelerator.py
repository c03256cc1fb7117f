"""The machine that trains: what was asked for, or an error."""

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
    if wanted == "auto":
        return there[0] if there else "cpu"
    if wanted == "cpu" and there:
        raise TrainingError(
            f"Keras' back end sees a {there[0].upper()} and would use it: for --accelerator cpu hide it from the "
            "process, for example with CUDA_VISIBLE_DEVICES= in front of the command."
        )
    if wanted != "cpu" and wanted not in there:
        raise TrainingError(f"No {wanted.upper()} is to be seen from Keras' {keras.backend.backend()} back end.")
    return wanted


def compiles_with_xla(kind: str) -> bool:
    """Whether a training step should be compiled by XLA: on a CPU it made one five times slower."""
    return kind != "cpu"


def _devices(kind: str) -> list[str]:
    try:
        return list(keras.distribution.list_devices(kind))
    except (RuntimeError, ValueError):  # JAX raises where no such platform is installed
        return []
