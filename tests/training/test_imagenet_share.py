import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.config import TrainingConfig
from training.errors import TrainingError
from training.network import Arrays, build_network, read_imagenet


@pytest.fixture(scope="module")
def imagenet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file like that of Keras' ImageNet weights, which lacks the last pointwise convolution."""
    keras.utils.set_random_seed(99)
    mobilenet = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(224, 224, 3))
    arrays = {f"{layer.name}/{v.name}": np.asarray(v) + 0.01 for layer in mobilenet.layers for v in layer.weights}
    del arrays["conv_pw_13/kernel"]
    path = tmp_path_factory.mktemp("weights") / "imagenet.npz"
    np.savez(path, allow_pickle=False, **arrays)
    return path


def build(imagenet: Arrays, **changes: Any) -> keras.Model:
    return build_network(replace(TrainingConfig(), **changes), imagenet)


def same(network: keras.Model, imagenet: Arrays, layer: str) -> bool:
    names = [f"{layer}/{variable.name}" for variable in network.get_layer(layer).weights]
    values = network.get_layer(layer).get_weights()
    return all((imagenet[name] == value).all() for name, value in zip(names, values, strict=True))


def test_the_first_layers_know_imagenet_and_the_later_ones_do_not(imagenet_file: Path) -> None:
    imagenet = read_imagenet(imagenet_file)
    network = build(imagenet)
    assert all(same(network, imagenet, name) for name in ("conv1", "conv1_bn", "conv_dw_6", "conv_pw_12"))
    assert not any(same(network, imagenet, name) for name in ("conv_dw_13", "conv_pw_13_bn"))


def test_the_share_decides_how_many(imagenet_file: Path) -> None:
    imagenet = read_imagenet(imagenet_file)
    network = build(imagenet, share_from_imagenet=0.5)
    assert same(network, imagenet, "conv_pw_6")
    assert not same(network, imagenet, "conv_pw_7")


def test_weights_that_the_file_lacks_are_named(imagenet_file: Path) -> None:
    with pytest.raises(TrainingError, match="lack conv_pw_13/kernel"):
        build(read_imagenet(imagenet_file), share_from_imagenet=1.0)


def test_frozen_blocks_are_those_next_to_the_input() -> None:
    network = build({}, share_from_imagenet=0.0, frozen_blocks=2)
    assert {v.path.split("/")[0] for v in network.non_trainable_variables} >= {"conv1", "conv_pw_2"}
    trained = {v.path.split("/")[0] for v in network.trainable_variables}
    assert trained & {"conv1", "conv1_bn", "conv_dw_1", "conv_pw_2"} == set()
    assert {"conv_dw_3", "conv_pw_13", "logit"} <= trained


def test_nothing_is_frozen_unless_asked() -> None:
    trained = {v.path.split("/")[0] for v in build({}, share_from_imagenet=0.0, frozen_blocks=-1).trainable_variables}
    assert {"conv1", "conv_pw_13", "logit"} <= trained


def test_the_seed_decides_the_first_weights() -> None:
    first, again, other = (
        build({}, share_from_imagenet=0.0, seed=seed).get_layer("logit").kernel for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_network_scales_grey_values_itself() -> None:
    network = build({}, share_from_imagenet=0.0)
    assert network.input.dtype == "uint8"
    scaled = keras.Model(network.input, network.get_layer("colours").output)
    ends = np.zeros((1, 224, 224, 1), np.uint8)
    ends[0, 0, 0, 0] = 255
    assert scaled(ends)[0, 0, :2].numpy().tolist() == [[1.0] * 3, [-1.0] * 3]


def single_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"no weights", b"", single_array(), b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(TrainingError, match=r"weights\.npz is no \.npz file of ImageNet weights, or it is damaged\.$"):
        read_imagenet(tmp_path / "weights.npz")


def test_a_damaged_archive_is_one_sentence(imagenet_file: Path, tmp_path: Path) -> None:
    whole = bytearray(imagenet_file.read_bytes())
    whole[2000:2100] = bytes(100)
    (tmp_path / "weights.npz").write_bytes(whole)
    with pytest.raises(TrainingError, match="or it is damaged"):
        read_imagenet(tmp_path / "weights.npz")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.npz cannot be read: No such file or directory\.$"):
        read_imagenet(tmp_path / "nowhere.npz")


def test_weights_of_a_narrower_mobilenet_are_one_sentence(imagenet_file: Path) -> None:
    narrower = {name: array[..., ::2] for name, array in read_imagenet(imagenet_file).items()}
    with pytest.raises(TrainingError, match="weights of conv1 are those of another network"):
        build(narrower)
