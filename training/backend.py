"""Which library Keras runs on.

``KERAS_BACKEND`` chooses it before Keras is imported, so nothing here imports Keras.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from training.errors import TrainingError

VARIABLE = "KERAS_BACKEND"

#: Those that the trainer has been tested with, and how each is installed.
INSTALLED_BY = {
    "tensorflow": "-r training/requirements.txt",
    "jax": "'jax[tpu]' on a machine with TPUs, 'jax[cuda13]' with NVIDIA GPUs, jax on any other",
}


def require_backend() -> None:
    """Raise TrainingError where Keras' back end is one that does not train, or is not installed."""
    name = os.environ.get(VARIABLE, "tensorflow")
    if name not in INSTALLED_BY:
        raise TrainingError(f"{VARIABLE} is {name!r}: training runs on {' or '.join(INSTALLED_BY)}.")
    if not find_spec(name):
        raise TrainingError(f"Keras is to run on {name}, which is not installed: pip install {INSTALLED_BY[name]}.")
