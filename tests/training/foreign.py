"""Keras classifiers as somebody else may have made them, new ones and such as Keras 2 wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

Config = dict[str, Any]


def bright_spots(
    units: int = 1, activation: str = "sigmoid", side: int = 64, channels: int = 1, pooled: bool = True
) -> keras.Model:
    """Build a network that calls an image sick by how much of it is bright (x/255 over 0.65): it needs no training."""
    image = keras.Input((side, side, channels))
    bright = keras.layers.Conv2D(2, 1, activation="relu", name="bright")
    found = bright(image)
    found = keras.layers.GlobalAveragePooling2D(name="mean")(found) if pooled else keras.layers.Flatten()(found)
    found = keras.layers.Dropout(0.3)(found)
    unit = keras.layers.Dense(units, activation=activation, name="unit")
    network = keras.Model(image, unit(found), name="spots")
    kernel = np.zeros((1, 1, channels, 2), dtype=np.float32)
    kernel[..., 0], kernel[..., 1] = 1 / channels, -1 / channels
    bright.set_weights([kernel, np.array([-0.65, 0.2], dtype=np.float32)])
    rows = unit.get_weights()[0].shape[0]
    weights = np.tile(np.array([[600.0], [-2.0]]), (rows // 2, 1)) * (2 / rows)
    columns = [-weights / 2, weights / 2] if units == 2 else [weights] * units
    unit.set_weights([np.concatenate(columns, axis=1), np.linspace(-0.4, 0.4, units)])
    return network


def mobilenet(top: str = "functional", side: int = 32) -> keras.Model:
    """Build a small MobileNet whose weights are all other than they begin, so that each must be read."""
    keras.utils.set_random_seed(3)
    base = keras.applications.MobileNet(include_top=False, weights=None, alpha=0.25, input_shape=(side, side, 3))
    if top == "sequential":
        for layer in base.layers[:40]:  # half frozen: HDF5 files then hold the weights in another order
            layer.trainable = False
        last = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, activation="softmax")]
        network = keras.Sequential([base, *last])
    else:
        pooled = keras.layers.GlobalAveragePooling2D()(base.output)
        network = keras.Model(base.input, keras.layers.Dense(1, activation="sigmoid")(pooled))
    random = np.random.default_rng(3)
    network.set_weights([w + random.uniform(0, 0.1, w.shape) for w in network.get_weights()])
    return network


def save_as_keras_2(network: keras.Model, path: Path) -> Path:
    """Write ``network`` as Keras 2.1 and 2.2 did: their names, their nodes, their superfluous settings."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.2.4", "tensorflow"
        file.attrs["model_config"] = json.dumps(_network(network.get_config(), "Model"))
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        weights.attrs["keras_version"], weights.attrs["backend"] = b"2.2.4", b"tensorflow"
        for layer in network.layers:
            group = weights.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(weight)
    return path


def _network(config: Config, kind: str) -> Config:
    layers = [_layer(layer) for layer in config["layers"]]
    ends = {end: [[config[end][0], 0, 0]] for end in ("input_layers", "output_layers")}
    return {"class_name": kind, "config": {"name": config["name"], "layers": layers, **ends}}


def _layer(layer: Config) -> Config:
    config, kind = {**layer["config"], "dtype": "float32"}, layer["class_name"]
    if kind == "InputLayer":
        config = {
            "batch_input_shape": config["batch_shape"],
            "dtype": "float32",
            "sparse": False,
            "name": config["name"],
        }
    if kind == "ReLU":
        kind, config = "Activation", {"name": config["name"], "trainable": True, "activation": "relu6"}
    if kind == "DepthwiseConv2D":
        config |= {"groups": 1, "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0}}}
    if kind == "BatchNormalization":
        config = {key: value for key, value in config.items() if not key.startswith(("renorm", "synch"))}
        config |= {"axis": [3], "fused": True}
    nodes = [
        [[tensor["config"]["keras_history"][0], 0, 0, {}] for tensor in _tensors(node["args"])]
        for node in layer["inbound_nodes"]
    ]
    return {"name": layer["name"], "class_name": kind, "config": config, "inbound_nodes": nodes}


def _tensors(given: Any) -> list[Config]:
    if isinstance(given, dict):
        return [given]
    return [tensor for each in given for tensor in _tensors(each)]
