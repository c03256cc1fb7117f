"""From Keras to LiteRT. It needs TensorFlow itself, so a run on JAX starts it as a program of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from diagnosis.engine.preprocessing import SIDE
from training.errors import ExportError
from training.gate import Scorer, channel_means
from training.network import EMBEDDING, FEATURE_MAP, LOGIT
from training.precision import widen_small_kernels

#: The artifact lies in a repository.
MAX_BYTES = 8_000_000


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


def main(trained: str, converted: str, gate: str = "") -> None:
    """Convert the Keras file ``trained`` with the scorer in the ``.npz`` file ``gate``; exit with a sentence."""
    scorer = Scorer.read(Path(gate)) if gate else None
    try:
        Path(converted).write_bytes(convert(keras.models.load_model(trained, compile=False), scorer))
    except ExportError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
