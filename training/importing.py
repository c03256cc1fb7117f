"""From a Keras classifier made elsewhere to an artifact: wrapped, calibrated, converted, with a card that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from diagnosis.engine.artifact import Artifact
from diagnosis.engine.examples import LABELS
from diagnosis.engine.preprocessing import SIDE
from training.batches import perturbed, predict_logits
from training.datasets import Dataset, read_dataset
from training.errors import ImportRefused
from training.evaluation import measure
from training.export import make_artifact, to_litert
from training.keras_file import read_network

#: What the network was trained on: the grey values 0 to 255 times the first number, plus the second.
SCALINGS = {"unit": (1 / 255, 0.0), "signed": (1 / 127.5, -1.0), "none": (1.0, 0.0)}

#: Pixels a side.
SMALLEST, LARGEST = 32, 512

#: An imported network lies beside the database and in no repository; this is about 50 million weights.
MAX_BYTES = 100_000_000

#: Seed of the changes under which calibration is fitted, as in training.
SEED = 1000

#: By the number of output units, which last activations tell a probability.
_ENDS = {1: ("sigmoid", "linear"), 2: ("softmax", "linear")}


@dataclass(frozen=True)
class ImportOptions:
    """What a file does not tell: a key of :data:`SCALINGS`, and the place of PNEUMONIA among the classes."""

    scaling: str
    positive_index: int = 1
    source: str = ""


def import_network(path: Path, data: Path, options: ImportOptions, report: Callable[[str], None] = print) -> Artifact:
    """Make an artifact of the classifier in the file ``path``, calibrated on the images of ``data``.

    Raises ImportRefused where the network cannot or must not be taken over, DatasetError where there is nothing to
    calibrate on, and ExportError where the artifact does not answer as the network does.
    """
    network, activation = read_network(path)
    shape = check_shapes(network, activation)
    wrapped = wrap(network, shape, options)
    logits = keras.Model(wrapped.input, wrapped.output["logit"])
    report(f"{path.name}: {'×'.join(map(str, shape))}, {network.count_params():,} weights, ends in {activation}.")
    dataset = read_dataset(data, report)
    changed = perturbed(dataset, SEED, copies=1)
    parts = {"calibration": dataset, "calibration_perturbed": changed}
    answers = {name: predict_logits(logits, part.pixels) for name, part in parts.items()}
    calibration, metrics = measure(parts, answers)
    if calibration.slope <= 0:
        other = 1 - options.positive_index
        raise ImportRefused(
            f"On {data} the network calls the healthy sick: it was told that {LABELS[1]} has index "
            f"{options.positive_index}, and --positive-index {other} or another --scaling may be right."
        )
    every = max(1, len(dataset.examples) // 100)
    return make_artifact(
        logits,
        calibration,
        np.concatenate([dataset.pixels[::every], changed.pixels[::every]]),
        metrics,
        _data_facts(dataset, options),
        _origin(path, network, activation, options),
        architecture=f"imported Keras network {network.name}, {' x '.join(map(str, shape))}",
        converted=to_litert(wrapped, _serving_function(wrapped), MAX_BYTES),
    )


def _data_facts(dataset: Dataset, options: ImportOptions) -> dict[str, Any]:
    counts = {name: int((dataset.labels == label).sum()) for label, name in enumerate(LABELS)}
    return {
        "source": options.source or dataset.examples[0].source,
        "fingerprint": dataset.fingerprint,
        "unreadable": len(dataset.unreadable),
        "calibration": {"images": len(dataset.examples), "patients": len(set(dataset.patients)), **counts},
        "note": "What the network was trained on is not known. It may have seen the images that it was calibrated on, "
        "and the figures on them may flatter it.",
    }


def _origin(path: Path, network: keras.Model, activation: str, options: ImportOptions) -> dict[str, Any]:
    return {
        "imported": path.name,
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights": network.count_params(),
        "activation": activation,
        "scaling": options.scaling,
        "positive_index": options.positive_index,
    }


def check_shapes(network: keras.Model, activation: str) -> tuple[int, int, int]:
    """Return height, width and channels of the input. Raises ImportRefused where input or output do not fit."""
    shape, ends = tuple(network.inputs[0].shape[1:]), tuple(network.outputs[0].shape[1:])
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ImportRefused("The network must have one input and one output.")
    if len(shape) != 3 or shape[2] not in (1, 3) or not all(s and SMALLEST <= s <= LARGEST for s in shape[:2]):
        raise ImportRefused(
            f"The network's input has the shape {_text(shape)}; height × width × 1 or 3 is taken, "
            f"with {SMALLEST} to {LARGEST} pixels a side."
        )
    if len(ends) != 1 or activation not in _ENDS.get(ends[0], ()):
        raise ImportRefused(
            f"The network's output has the shape {_text(ends)} and ends in {activation}; one sigmoid or logit unit, "
            "or two softmax units, are taken."
        )
    return shape


def _text(shape: tuple[int | None, ...]) -> str:
    return " × ".join("?" if size is None else str(size) for size in shape) or "of a single number"


def wrap(network: keras.Model, shape: tuple[int, int, int], options: ImportOptions) -> keras.Model:
    """Return the graph from uint8 ``radiograph`` (N, 224, 224, 1) to ``logit`` (N, 1), that of PNEUMONIA.

    Where the network ends in global average pooling and one dense layer, ``cam`` and ``embedding`` come with it.
    """
    radiograph = keras.Input((SIDE, SIDE, 1), dtype="uint8", name="radiograph")
    scale, offset = SCALINGS[options.scaling]
    pixels = _resize(keras.layers.Rescaling(scale, offset, name="scaled")(radiograph), shape[0], shape[1])
    if shape[2] == 3:
        pixels = keras.layers.Concatenate(name="colours")([pixels] * 3)
    end = _pooled_end(network.outputs[0])
    wanted = [network.outputs[0]] if end is None else [network.outputs[0], end.features, end.embedding]
    raw, *inner = keras.Model(network.inputs, wanted, name="imported")([pixels])
    sign = _sign(raw.shape[-1], options.positive_index)
    unit = keras.layers.Dense(1, use_bias=False, name="logit")
    outputs = {"logit": unit(raw)}
    unit.set_weights([sign])
    if end is not None:
        outputs |= {"cam": _activation_map(inner[0], end.unit, sign), "embedding": inner[1]}
    return keras.Model(radiograph, outputs)


def _activation_map(features: Any, dense: keras.layers.Dense, sign: NDArray[np.float32]) -> Any:
    """Weight the features as the logit weights their means: the mean of the map is the logit."""
    kernel, *bias = dense.get_weights()
    weighted = keras.layers.Conv2D(1, 1, name="weighted")
    found = keras.layers.Reshape(features.shape[1:3], name="cam")(weighted(features))
    weighted.set_weights([(kernel @ sign)[None, None], bias[0] @ sign if bias else np.zeros(1)])
    return found


def _sign(units: int, positive_index: int) -> NDArray[np.float32]:
    """Return what turns one logit or two class scores, shape (units,), into the logit of the positive class."""
    towards = np.array([[-1.0], [1.0]] if positive_index else [[1.0], [-1.0]], dtype=np.float32)
    return towards if units == 2 else towards[1:]


def _resize(pixels: Any, height: int, width: int) -> Any:
    """Squeeze (N, 224, 224, 1) as Pillow's antialiased bilinear filter does, which is linear: two matrices."""
    if (height, width) == (SIDE, SIDE):
        return pixels
    lines = keras.layers.Reshape((SIDE, SIDE), name="lines")(pixels)
    for name, size in (("columns", width), ("rows", height)):
        squeeze = keras.layers.Dense(size, use_bias=False, name=f"fewer_{name}")
        lines = keras.layers.Permute((2, 1), name=f"by_{name}")(squeeze(lines))
        squeeze.set_weights([_filter(size).T])
    return keras.layers.Reshape((height, width, 1), name="squeezed")(lines)


def _filter(size: int) -> NDArray[np.float32]:
    """Return the matrix, shape (size, 224), by which Pillow makes ``size`` lines of 224."""
    identity = Image.fromarray(np.eye(SIDE, dtype=np.float32))
    return np.asarray(identity.resize((SIDE, size), Image.Resampling.BILINEAR), dtype=np.float32)


@dataclass(frozen=True)
class _PooledEnd:
    """The tensors and the dense layer in which a network ends."""

    features: Any
    embedding: Any
    unit: keras.layers.Dense


def _pooled_end(tensor: Any) -> _PooledEnd | None:
    """Follow the output back to global average pooling; None where more than one dense layer lies between."""
    while isinstance(_maker(tensor), keras.layers.Activation):  # it is linear by now
        tensor = _before(tensor)
    unit = _maker(tensor)
    if not isinstance(unit, keras.layers.Dense):
        return None
    embedding = _before(tensor)
    while isinstance(_maker(embedding), keras.layers.Dropout):
        embedding = _before(embedding)
    if not isinstance(_maker(embedding), keras.layers.GlobalAveragePooling2D) or len(embedding.shape) != 2:
        return None
    return _PooledEnd(_before(embedding), embedding, unit)


def _maker(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _before(tensor: Any) -> Any:
    made = tensor._keras_history
    return made.operation._inbound_nodes[made.node_index].input_tensors[0]


def _serving_function(network: keras.Model) -> Any:
    @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 1), tf.uint8, name="radiograph")])
    def serve(radiograph: Any) -> dict[str, Any]:
        answers: dict[str, Any] = network(radiograph, training=False)
        return answers

    return serve
