"""From Keras weights to the artifact. The only module that needs TensorFlow itself."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from diagnosis.engine import preprocessing
from diagnosis.engine.artifact import Artifact, ModelCard, Probe
from diagnosis.engine.classifier import PROBE_TOLERANCE
from diagnosis.engine.examples import LABELS
from diagnosis.engine.gate import Gate
from diagnosis.engine.preprocessing import SIDE
from diagnosis.engine.probes import SEEDS, draw_probe
from training.batches import predict_logits
from training.calibration import Calibration
from training.errors import ExportError
from training.gate import Scorer, channel_means
from training.network import EMBEDDING, FEATURE_MAP, LOGIT
from training.precision import widen_small_kernels

#: Largest difference of a probability between LiteRT and Keras that is taken for rounding.
PARITY = 0.01
#: The artifact lies in a repository.
MAX_BYTES = 8_000_000
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
    """Return the network for LiteRT, most weights as float16: ``radiograph`` uint8 (1, 224, 224, 1), one at a time.

    Outputs: ``logit`` (1, 1); ``cam`` (1, 7, 7), the class activation map, whose mean is the logit; ``embedding``
    (1, 1024); with a scorer also ``gate`` (1, S), its scores. Raises ExportError where the result is larger than
    :data:`MAX_BYTES`.
    """
    names = (FEATURE_MAP, EMBEDDING, LOGIT)
    means = channel_means(network) if scorer else []
    outputs = keras.Model(network.input, [*(network.get_layer(name).output for name in names), *means])
    return to_litert(outputs, _serving_function(outputs, scorer), MAX_BYTES)


def to_litert(network: keras.Model, serve: Any, most_bytes: int) -> bytes:
    """Return ``serve``, a function on ``network``'s weights, for LiteRT. Raises ExportError if it is too large."""
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint("serving_default", serve)
        archive.write_out(folder, verbose=False)
        full = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        converted = widen_small_kernels(converter.convert(), full)
    if len(converted) > most_bytes:
        raise ExportError(f"The network takes {len(converted):,} bytes; {most_bytes:,} are the most that is shipped.")
    return converted


def _serving_function(network: keras.Model, scorer: Scorer | None) -> Any:
    unit = network.get_layer(LOGIT)

    @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 1), tf.uint8, name="radiograph")])
    def serve(radiograph: Any) -> dict[str, Any]:
        features, embedding, logit, *means = network(radiograph, training=False)
        kernel = tf.reshape(unit.kernel, (1, 1, -1, 1))
        cam = tf.nn.conv2d(features, kernel, strides=1, padding="VALID")[..., 0] + unit.bias
        answer = {"logit": logit, "cam": cam, "embedding": embedding}
        return {**answer, "gate": scorer.scores(tf.concat(means, axis=1))} if scorer else answer

    return serve


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
