"""MobileNet with one logit: the first layers know ImageNet, the rest starts from scratch."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.preprocessing import SIDE
from training.config import TrainingConfig
from training.errors import TrainingError

#: Names of the layers whose outputs, and whose weights, the class activation map and the embedding need.
FEATURE_MAP, EMBEDDING, LOGIT = "conv_pw_13_relu", "embedding", "logit"

Arrays = dict[str, NDArray[np.float32]]

_BLOCK = re.compile(r"conv_(?:dw|pw|pad)_(\d+)")


def build_network(config: TrainingConfig, imagenet: Arrays) -> keras.Model:
    """Return the network: uint8 grey values (N, 224, 224, 1) in, logits of the positive class (N, 1) out.

    ``imagenet`` holds arrays by ``layer/variable``. Raises TrainingError where one that is to be used is missing.
    """
    keras.utils.set_random_seed(config.seed)
    radiograph = keras.Input((SIDE, SIDE, 1), dtype="uint8", name="radiograph")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(radiograph)
    colours = keras.layers.Concatenate(name="colours")([scaled, scaled, scaled])
    mobilenet = keras.applications.MobileNet(include_top=False, weights=None, input_tensor=colours)
    embedding = keras.layers.GlobalAveragePooling2D(name=EMBEDDING)(mobilenet.output)
    kept = keras.layers.Dropout(config.dropout, seed=config.seed, name="dropout")(embedding)
    logit = keras.layers.Dense(1, name=LOGIT)(kept)
    network = keras.Model(radiograph, logit, name="pneumodetect")
    start_from_imagenet(network, imagenet, config.share_from_imagenet)
    freeze(network, config.frozen_blocks)
    return network


def build_from(weights: Path, config: TrainingConfig) -> keras.Model:
    """Return the network with the weights that an earlier run left. Raises TrainingError where they do not fit."""
    network = build_network(replace(config, share_from_imagenet=0.0), {})
    try:
        network.load_weights(weights)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{weights} holds no weights of this network: give a run's network.weights.h5.") from error
    return network


def start_from_imagenet(network: keras.Model, imagenet: Arrays, share: float) -> list[str]:
    """Give the first ``share`` of MobileNet's layers with weights their ImageNet values; return their names."""
    layers = [layer for layer in network.layers if layer.weights and layer.name != LOGIT]
    chosen = layers[: round(share * len(layers))]
    for layer in chosen:
        names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
        if missing := [name for name in names if name not in imagenet]:
            raise TrainingError(
                f"The ImageNet weights lack {missing[0]}: lower share_from_imagenet or use another file."
            )
        try:
            layer.set_weights([imagenet[name] for name in names])
        except ValueError as error:
            raise TrainingError(f"The ImageNet weights of {layer.name} are those of another network.") from error
    return [layer.name for layer in chosen]


def freeze(network: keras.Model, blocks: int) -> None:
    """Keep the first convolution and the first ``blocks`` blocks as they are; -1 leaves every layer trainable."""
    for layer in network.layers:
        match = _BLOCK.match(layer.name)
        if layer.name.startswith("conv1") or match:
            layer.trainable = (int(match.group(1)) if match else 0) > blocks


def read_imagenet(path: Path | None) -> Arrays:
    """Read the weights from an ``.npz`` file, or let Keras download them where ``path`` is None."""
    if path is None:
        return _download_imagenet()
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        raise TrainingError(f"The ImageNet weights at {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:  # a single array is no context: TypeError
        raise TrainingError(f"{path} is no .npz file of ImageNet weights, or it is damaged.") from error


def _download_imagenet() -> Arrays:
    try:
        whole: Any = keras.applications.MobileNet(include_top=False, weights="imagenet", input_shape=(SIDE, SIDE, 3))
    except Exception as error:  # Keras wraps each kind of network fault in a bare Exception
        raise TrainingError(
            "The ImageNet weights cannot be downloaded; name a file of them with --imagenet-weights."
        ) from error
    return {f"{layer.name}/{v.name}": np.asarray(v) for layer in whole.layers for v in layer.weights}
