"""What the trained network is worth on the patients that it was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.figures import figures
from training.calibration import Calibration
from training.datasets import Dataset


def evaluate(dataset: Dataset, logits: NDArray[np.float64], calibration: Calibration) -> dict[str, Any]:
    """Return the figures of ``logits``, shape (N,), each as ``{value, low, high}``, with the images and patients.

    The ends are those of the 95 % bootstrap interval over patients.
    """
    found = figures(dataset.labels, calibration.probabilities(logits), calibration.threshold, groups=dataset.patients)
    rounded = {
        name: {"value": _short(figure.value), "low": _short(figure.low), "high": _short(figure.high)}
        for name, figure in found.items()
    }
    return {"images": len(dataset.examples), "patients": len(set(dataset.patients)), **rounded}


def _short(value: float) -> float | None:
    """Round to what the interval can bear; None, as JSON has no NaN."""
    return None if np.isnan(value) else round(value, 4)
