"""From Keras weights to the artifact, whatever back end has trained them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from diagnosis.engine import preprocessing
from diagnosis.engine.artifact import Artifact, ModelCard, Probe
from diagnosis.engine.classifier import PROBE_TOLERANCE
from diagnosis.engine.examples import LABELS
from diagnosis.engine.gate import Gate
from diagnosis.engine.probes import SEEDS, draw_probe
from training.backend import VARIABLE
from training.batches import predict_logits
from training.calibration import Calibration
from training.errors import ExportError
from training.gate import Scorer

#: Where Python finds this project.
ROOT = Path(__file__).parent.parent
#: Largest difference of a probability between LiteRT and Keras that is taken for rounding.
PARITY = 0.01
ARCHITECTURE = "MobileNet, alpha 1.0, 224 x 224"


def make_artifact(
    network: keras.Model,
    calibration: Calibration,
    sample: NDArray[np.uint8],
    metrics: dict[str, Any],
    data: dict[str, Any],
    training: dict[str, Any],
    architecture: str = ARCHITECTURE,
    converted: bytes | None = None,
    gate: tuple[Scorer, Gate] | None = None,
) -> Artifact:
    """Convert, unless it is done already, compare with Keras on ``sample``, uint8 (N, 224, 224), and write the card.

    Raises ExportError where a probability differs by more than :data:`PARITY` or the network is too large.
    """
    converted = converted or convert(network, gate[0] if gate else None)
    difference = largest_difference(network, converted, calibration, sample)
    digest, now = hashlib.sha256(converted).hexdigest(), datetime.now(UTC)
    card = ModelCard(
        version=f"{now:%Y.%m.%d}-{digest[:8]}",
        created=now.isoformat(timespec="seconds"),
        architecture=architecture,
        labels=LABELS,
        preprocessing_version=preprocessing.VERSION,
        network_sha256=digest,
        probes=record_probes(converted),
        gate=gate[1] if gate else None,
        metrics={**metrics, "parity": {"images": len(sample), "largest_difference": round(difference, 5)}},
        data=data,
        training=training,
        **asdict(calibration),
    )
    return Artifact(card, converted)


def put_gate(artifact: Artifact, network: keras.Model, gate: tuple[Scorer, Gate]) -> Artifact:
    """Return the artifact with another gate, all other facts kept. ``network`` is the one it was exported from.

    Raises ExportError where the network answers the card's probes otherwise.
    """
    converted = convert(network, gate[0])
    probes = record_probes(converted)
    known = {probe.seed: probe.logit for probe in artifact.card.probes}
    if any(abs(known.get(probe.seed, probe.logit) - probe.logit) > PROBE_TOLERANCE for probe in probes):
        raise ExportError("These weights are not those of the artifact: its probes are answered otherwise.")
    digest, now = hashlib.sha256(converted).hexdigest(), datetime.now(UTC)
    card = replace(
        artifact.card,
        version=f"{now:%Y.%m.%d}-{digest[:8]}",
        created=now.isoformat(timespec="seconds"),
        network_sha256=digest,
        probes=probes,
        gate=gate[1],
    )
    return Artifact(card, converted)


def convert(network: keras.Model, scorer: Scorer | None = None) -> bytes:
    """Return the network for LiteRT, as :func:`training.conversion.convert` does it on TensorFlow. Raises ExportError.

    Where Keras runs on another back end, a process with TensorFlow does it.
    """
    if keras.backend.backend() != "tensorflow":
        return _convert_apart(network, scorer)
    from training import conversion

    return conversion.convert(network, scorer)


def _convert_apart(network: keras.Model, scorer: Scorer | None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        trained, converted = Path(folder) / "network.keras", Path(folder) / "network.tflite"
        network.save(trained)
        words = [sys.executable, "-m", "training.conversion", str(trained), str(converted)]
        if scorer:
            scorer.write(gate := Path(folder) / "gate.npz")
            words.append(str(gate))
        done = subprocess.run(words, cwd=ROOT, env=_environment(), capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}."]
            raise ExportError(f"The conversion with TensorFlow failed: {said[-1]}")
        return converted.read_bytes()


def _environment() -> dict[str, str]:
    """Let TensorFlow convert on the CPU: the accelerator, and the flags for it, belong to the process that trained."""
    mine = {VARIABLE: "tensorflow", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"} | mine


def litert_logits(converted: bytes, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the logits, shape (N,), that LiteRT gives on one thread for uint8 images of shape (224, 224)."""
    run = Interpreter(model_content=converted, num_threads=1).get_signature_runner("serving_default")
    return np.array([float(run(radiograph=image[None, :, :, None])["logit"][0, 0]) for image in images])


def record_probes(converted: bytes) -> tuple[Probe, ...]:
    logits = litert_logits(converted, [draw_probe(seed) for seed in SEEDS])
    return tuple(Probe(seed, round(float(logit), 5)) for seed, logit in zip(SEEDS, logits, strict=True))


def largest_difference(
    network: keras.Model, converted: bytes, calibration: Calibration, sample: NDArray[np.uint8]
) -> float:
    """Return by how much a probability of ``sample`` differs, at most, between LiteRT and Keras; or ExportError."""
    ours = calibration.probabilities(litert_logits(converted, sample))
    theirs = calibration.probabilities(predict_logits(network, sample))
    difference = float(np.abs(ours - theirs).max())
    if not difference <= PARITY:
        raise ExportError(
            f"After the conversion a probability differs by {difference:.3f} from what was trained; "
            f"{PARITY} is the most that rounding may do."
        )
    return difference
