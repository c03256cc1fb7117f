"""The configuration of a Keras network that somebody else made: read as data, and cleaned before anything is built.

Only layers and activations of the lists below pass, with plain numbers, words and lists as their settings, so nothing
that a file holds is ever looked up, imported or run. What older versions of Keras wrote otherwise is translated.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import keras

from training.errors import ImportRefused

Config = dict[str, Any]

NETWORKS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
_MODULES = {"Functional": "keras.src.models.functional", "Sequential": "keras"}

LAYERS = {
    "Activation", "Add", "AveragePooling2D", "Average", "BatchNormalization", "Concatenate", "Conv2D",
    "Dense", "DepthwiseConv2D", "Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling2D", "GlobalMaxPooling2D", "InputLayer", "LayerNormalization", "LeakyReLU",
    "MaxPooling2D", "Maximum", "Multiply", "PReLU", "Permute", "ReLU", "Rescaling", "Reshape",
    "SeparableConv2D", "Softmax", "SpatialDropout2D", "ZeroPadding2D",
}  # fmt: skip

#: hard_sigmoid is not among them: Keras 3 computes another function under that name than Keras 2.
ACTIVATIONS = {
    "linear", "relu", "relu6", "sigmoid", "softmax", "tanh", "elu", "selu", "swish", "silu", "gelu",
    "leaky_relu", "softplus", "exponential",
}  # fmt: skip

#: Settings that matter in training alone, or that Keras 3 decides by itself.
_DROPPED = {"dtype", "trainable", "quantization_config", "build_input_shape", "batch_input_shape", "fused", "seed"}
_DROPPED_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
#: Values with which a setting that Keras 3 no longer knows says nothing, as JSON writes them: true is not 1.
_HARMLESS = ("null", "false", "1", "1.0", "[]")

#: Layers that change no value between the last activation and the output.
_PASSING = ("Reshape", "Flatten", "Dropout")


def clean(network: Any) -> Config:
    """Return the configuration in the words of Keras 3, with nothing but what is known. Raises ImportRefused."""
    kind = NETWORKS.get(_word(network, "class_name"))
    if kind is None:
        raise ImportRefused(
            f"The file describes a {_word(network, 'class_name')}, not a Functional or Sequential model."
        )
    config = network.get("config")
    if isinstance(config, list):  # Keras up to 2.2.2 wrote a Sequential so
        config = {"layers": config}
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list) or not config["layers"]:
        raise ImportRefused("The file describes a network without layers.")
    cleaned: Config = {
        "name": _name(config, "network"),
        "trainable": config.get("trainable", True) is True,
        "layers": [_layer(each, kind) for each in config["layers"]],
    }
    if kind == "Functional":
        for end in ("input_layers", "output_layers"):
            cleaned[end] = _only_end(config.get(end), end)
    elif cleaned["layers"][0]["class_name"] != "InputLayer":
        cleaned["layers"].insert(0, _input_layer(_first_shape(network)))
    return {"module": _MODULES[kind], "class_name": kind, "config": cleaned, "registered_name": None}


def _layer(layer: Any, kind: str) -> Config:
    name = _word(layer, "class_name")
    if name in NETWORKS:
        cleaned = clean(layer)
    else:
        _check_layer(layer, name)
        settings = dict(_settings(name, layer["config"]))
        cleaned = {"module": "keras.layers", "class_name": name, "config": settings, "registered_name": None}
    if kind == "Functional":
        nodes = layer.get("inbound_nodes", [])
        _check_nodes(nodes)
        cleaned |= {"name": layer.get("name") or cleaned["config"]["name"], "inbound_nodes": nodes}
    return cleaned


def _check_layer(layer: Config, name: str) -> None:
    if "Lambda" in name:
        raise ImportRefused(f"The network holds a {name} layer, whose code could do anything: build it without one.")
    if name not in LAYERS or ">" in str(layer.get("registered_name")):
        raise ImportRefused(f"The network holds a layer {name}, which is none of those that are taken.")
    if not isinstance(layer.get("config"), dict):
        raise ImportRefused(f"The network's {name} layer has no settings.")


def _settings(layer: str, config: Config) -> Iterator[tuple[str, Any]]:
    """Yield the settings of one layer that Keras 3 knows. Raises ImportRefused at one that might matter and is not."""
    known = inspect.signature(getattr(keras.layers, layer).__init__).parameters
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    yield "name", _name(config, layer.lower())
    if layer == "InputLayer":
        yield from (("batch_shape", shape), ("dtype", "float32"))
        return
    yield "trainable", config.get("trainable", True) is True  # the order of weights in HDF5 files depends on it
    for given, value in config.items():
        name = _RENAMED.get((layer, given), given)
        if name == "name" or name in _DROPPED or name.endswith(_DROPPED_ENDINGS):
            continue
        if name == "activation":
            yield name, _activation(layer, value)
        elif name in known and _is_plain(value):
            # up to 2.15 Keras wrote the axis as a list of one
            yield name, value[0] if name == "axis" and isinstance(value, list) and len(value) == 1 else value
        elif json.dumps(value) not in _HARMLESS:
            raise ImportRefused(f"The layer {_name(config, layer)} has a setting that is not known here: {given}.")


def _activation(layer: str, value: Any) -> str:
    if isinstance(value, dict):  # a function by name, or an activation layer
        value = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
        value = value.lower() if isinstance(value, str) else value
    if value not in ACTIVATIONS:
        raise ImportRefused(f"A {layer} layer has the activation {value!r}, which is none of those that are taken.")
    return str(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


def _check_nodes(nodes: Any) -> None:
    """Let only references to other layers pass, in the words of Keras 2 (lists) or 3 (``__keras_tensor__``)."""
    if isinstance(nodes, dict):
        if nodes.get("class_name", "__keras_tensor__") != "__keras_tensor__" or "module" in nodes:
            raise ImportRefused("Layers are joined by something else than their outputs.")
        nodes = list(nodes.values())
    if isinstance(nodes, list):
        for node in nodes:
            _check_nodes(node)
    elif not _is_plain(nodes):
        raise ImportRefused("Layers are joined by something else than their outputs.")


def _only_end(ends: Any, which: str) -> list[Any]:
    """Return the one input or output; Keras 2 wrote a list of them, Keras 3 writes a single one bare."""
    if isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str):
        return ends
    if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list) and len(ends[0]) == 3:
        return list(ends[0])
    raise ImportRefused(f"The network must have one input and one output; its {which.replace('_', ' ')} are others.")


def _first_shape(network: Config) -> Any:
    """Return the input shape of a Sequential model that has no input layer: that of its first layer."""
    config = network["config"]
    first = (config if isinstance(config, list) else config["layers"])[0]
    while isinstance(first, dict) and first.get("class_name") in NETWORKS:
        first = first["config"]["layers"][0]
    shape = first["config"].get("batch_input_shape", first["config"].get("batch_shape"))
    if shape is None and isinstance(config, dict):
        shape = config.get("build_input_shape")
    return shape


def _input_layer(shape: Any) -> Config:
    settings = {"name": "given", "batch_shape": shape, "dtype": "float32"}
    return {"module": "keras.layers", "class_name": "InputLayer", "config": settings, "registered_name": None}


def _name(config: Config, default: str) -> str:
    name = config.get("name", default)
    return name if isinstance(name, str) else default


def _word(facts: Any, key: str) -> str:
    word = facts.get(key) if isinstance(facts, dict) else None
    if not isinstance(word, str):
        raise ImportRefused("The file describes no network that can be understood.")
    return word


def take_off_activation(network: Config) -> str:
    """Make the cleaned network end in what its last activation is fed, and return the name of that activation."""
    layer = _last(network["config"])
    while layer["class_name"] in _PASSING:
        layer = _before(layer, network["config"])
    if len(layer.get("inbound_nodes", ())) > 1:  # its activation would be taken off inside the network too
        raise ImportRefused(f"The network's last layer {layer['name']} is used in another place too: build it anew.")
    if layer["class_name"] in NETWORKS:
        return take_off_activation(layer)
    if layer["class_name"] == "Softmax":
        layer |= {"class_name": "Activation", "config": {"name": layer["config"]["name"], "activation": "softmax"}}
    if layer["class_name"] not in ("Activation", "Dense", "Conv2D"):
        raise ImportRefused(f"The network ends in a {layer['class_name']} layer, not in a sigmoid, softmax or logit.")
    activation: str = layer["config"].get("activation", "linear")
    layer["config"]["activation"] = "linear"
    return activation


def _last(config: Config) -> Config:
    layers: list[Config] = config["layers"]
    return _named(config, config["output_layers"][0]) if "output_layers" in config else layers[-1]


def _before(layer: Config, config: Config) -> Config:
    if "output_layers" not in config:
        place = config["layers"].index(layer)
        before: Config = config["layers"][place - 1]
        return before
    node = layer["inbound_nodes"][0]
    source = node[0][0] if isinstance(node, list) else node["args"][0]["config"]["keras_history"][0]
    return _named(config, source)


def _named(config: Config, name: str) -> Config:
    found = [layer for layer in config["layers"] if layer["name"] == name]
    if not found:
        raise ImportRefused(f"The network refers to a layer {name} that it does not hold.")
    layer: Config = found[0]
    return layer
