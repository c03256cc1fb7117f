"""A classifier made elsewhere answers here as it did there; what could do harm is never built."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django.fixtures import Settings

from diagnosis.engine.classifier import Classifier
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.models import ModelVersion
from tests.training.conftest import draw_chest
from tests.training.foreign import bright_spots, mobilenet, save_as_keras_2
from training.errors import ImportRefused
from training.importing import SCALINGS, ImportOptions, check_shapes, wrap
from training.keras_file import read_network

SQUARES = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_network_on_a_half_frozen_mobilenet_keeps_every_weight(tmp_path: Path, suffix: str) -> None:
    network, path = mobilenet("sequential"), tmp_path / f"mine.{suffix}"
    network.save(path)
    read, activation = read_network(path)
    scores, expected = np.asarray(read(SQUARES)), np.asarray(network(SQUARES))
    assert activation == "softmax"
    assert np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) == pytest.approx(expected, abs=1e-5)


def test_a_mobilenet_that_keras_2_wrote_keeps_every_weight(tmp_path: Path) -> None:
    network = mobilenet()
    read, activation = read_network(save_as_keras_2(network, tmp_path / "flask.h5"))
    assert activation == "sigmoid"
    assert 1 / (1 + np.exp(-np.asarray(read(SQUARES)))) == pytest.approx(np.asarray(network(SQUARES)), abs=1e-5)


@pytest.mark.parametrize(
    ("units", "activation", "scaling", "index"),
    [(1, "sigmoid", "unit", 1), (1, "linear", "signed", 0), (2, "softmax", "none", 1), (2, "softmax", "unit", 0)],
)
def test_the_wrapped_network_scales_and_tells_the_logit_of_pneumonia(
    tmp_path: Path, units: int, activation: str, scaling: str, index: int
) -> None:
    network = bright_spots(units, activation, side=224, channels=3)
    network.save(tmp_path / "mine.keras")
    read, ends = read_network(tmp_path / "mine.keras")
    wrapped = wrap(read, check_shapes(read, ends), ImportOptions(scaling, index))
    image = draw_chest(1, 1)
    scale, offset = SCALINGS[scaling]
    raw = np.asarray(read(np.repeat(image[None, :, :, None] * scale + offset, 3, axis=-1)))[0]
    expected = raw[index] - raw[1 - index] if units == 2 else raw[0] * (1 if index else -1)
    assert float(wrapped(image[None, :, :, None])["logit"][0, 0]) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def published(out: io.StringIO) -> ModelVersion:
    version = ModelVersion.objects.get()
    assert f"Version {version} is published." in out.getvalue()
    return version


@pytest.mark.django_db
def test_a_network_of_the_old_demo_is_calibrated_published_and_answers_as_it_did(
    draw_folder: Callable[..., Path], tmp_path: Path
) -> None:
    network, data, out = bright_spots(side=64), draw_folder(), io.StringIO()
    path = save_as_keras_2(network, tmp_path / "flask.h5")
    call_command("import_model", path, "--data", data, "--scaling", "unit", "--activate", stdout=out)
    version = published(out)
    card = version.model_card
    assert version.active
    assert card.architecture == "imported Keras network spots, 64 x 64 x 1"
    assert "may have seen the images" in card.data["note"]
    assert card.data["calibration"] == {"images": 24, "patients": 24, "NORMAL": 8, "PNEUMONIA": 16}
    assert (card.training["imported"], card.training["scaling"]) == ("flask.h5", "unit")
    assert card.metrics["calibration"]["auroc"]["value"] > 0.8
    assert card.metrics["parity"]["largest_difference"] < 0.01
    classifier, seen = Classifier.load(version.folder), [0.5]
    for file in sorted(data.rglob("*.png")):
        pixels = read_radiograph(file.read_bytes()).astype(np.float32)
        small = np.asarray(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BILINEAR)) / 255
        chance = float(network(small[None, :, :, None])[0, 0])
        logit = card.slope * math.log(chance / (1 - chance)) + card.intercept
        probability = classifier.classify(file.read_bytes()).probability
        assert probability is not None
        seen.append(probability)
        assert probability == pytest.approx(1 / (1 + math.exp(-logit)), abs=0.01)
    assert np.ptp(seen) > 0.2
    answer = Interpreter(str(version.folder / "network.tflite")).get_signature_runner("serving_default")(
        radiograph=draw_chest(1, 0)[None, :, :, None]
    )
    assert answer["cam"].shape == (1, 64, 64)
    assert answer["embedding"].shape == (1, 2)
    assert answer["cam"].mean() == pytest.approx(answer["logit"][0, 0], abs=0.01)


@pytest.mark.django_db
def test_a_network_without_pooling_has_neither_heat_map_nor_embedding(
    draw_folder: Callable[..., Path], tmp_path: Path
) -> None:
    bright_spots(2, "softmax", side=32, channels=3, pooled=False).save(tmp_path / "mine.keras")
    out = io.StringIO()
    call_command("import_model", tmp_path / "mine.keras", "--data", draw_folder(), "--scaling", "unit", stdout=out)
    version = published(out)
    assert not version.active
    run = Interpreter(str(version.folder / "network.tflite")).get_signature_runner("serving_default")
    assert run(radiograph=draw_chest(1, 0)[None, :, :, None]).keys() == {"logit"}


@pytest.mark.django_db
def test_classes_in_another_order_than_told_are_noticed(
    draw_folder: Callable[..., Path], tmp_path: Path, settings: Settings
) -> None:
    bright_spots(side=32).save(tmp_path / "mine.keras")
    with pytest.raises(CommandError, match=r"calls the healthy sick.*--positive-index 1"):
        call_command(
            "import_model", tmp_path / "mine.keras", "--data", draw_folder(), "--scaling", "unit",
            "--positive-index", "0", stdout=io.StringIO(),
        )  # fmt: skip
    assert not ModelVersion.objects.exists()
    assert not settings.MODELS_DIR.exists()


class Custom(keras.layers.Layer):
    def call(self, x: object) -> object:
        return x


def with_layer(layer: keras.layers.Layer, path: Path) -> Path:
    image = keras.Input((32, 32, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(layer(image))
    keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(pooled)).save(path)
    return path


def lambda_named_h5(folder: Path) -> Path:
    return with_layer(keras.layers.Lambda(lambda x: x * 2), folder / "lambda.h5")


def lambda_in_an_archive(folder: Path) -> Path:
    return with_layer(keras.layers.Lambda(lambda x: x * 2), folder / "lambda.keras")


def custom_layer(folder: Path) -> Path:
    return with_layer(Custom(), folder / "custom.keras")


def custom_activation(folder: Path) -> Path:
    return edited(folder, lambda config: config["layers"][1]["config"].update(activation={
        "module": "os", "class_name": "function", "config": "system", "registered_name": "function"}))  # fmt: skip


def custom_initializer_is_an_unknown_setting(folder: Path) -> Path:
    return edited(folder, lambda config: config["layers"][1]["config"].update(filter_shape={"module": "os"}))


def foreign_node(folder: Path) -> Path:
    return edited(folder, lambda config: config["layers"][1]["inbound_nodes"][0]["kwargs"].update(
        x={"module": "os", "class_name": "system", "config": {}}))  # fmt: skip


def edited(folder: Path, change: Callable[..., object]) -> Path:
    """Save a good network with its description changed."""
    bright_spots(side=32).save(folder / "good.keras")
    with zipfile.ZipFile(folder / "good.keras") as good, zipfile.ZipFile(folder / "mine.keras", "w") as bad:
        for name in good.namelist():
            text = good.read(name)
            if name == "config.json":
                facts = json.loads(text)
                change(facts["config"])
                text = json.dumps(facts).encode()
            bad.writestr(name, text)
    return folder / "mine.keras"


def pickle_named_h5(folder: Path) -> Path:
    (folder / "model.h5").write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    return folder / "model.h5"


def text_file(folder: Path) -> Path:
    (folder / "model.keras").write_text("not a network")
    return folder / "model.keras"


def cut_archive(folder: Path) -> Path:
    bright_spots(side=32).save(folder / "whole.keras")
    (folder / "cut.keras").write_bytes((folder / "whole.keras").read_bytes()[:900])
    return folder / "cut.keras"


def other_archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("data.pkl", b"torch")
    return folder / "model.keras"


def weights_alone(folder: Path) -> Path:
    with h5py.File(folder / "weights.h5", "w") as file:
        file["kernel"] = [1.0]
    return folder / "weights.h5"


def weights_of_another(folder: Path) -> Path:
    save_as_keras_2(bright_spots(side=32), folder / "mine.h5")
    with h5py.File(folder / "mine.h5", "r+") as file:
        del file["model_weights/bright/bright/kernel:0"]
        file["model_weights/bright/bright/kernel:0"] = np.zeros((3, 3, 1, 2))
    return folder / "mine.h5"


def weights_elsewhere(folder: Path) -> Path:
    save_as_keras_2(bright_spots(side=32), folder / "mine.h5")
    with h5py.File(folder / "mine.h5", "r+") as file:
        del file["model_weights/unit"]
        file["model_weights/unit"] = h5py.ExternalLink("/etc/passwd", "/")
    return folder / "mine.h5"


def weights_that_unpack_to_a_flood(folder: Path) -> Path:
    save_as_keras_2(bright_spots(side=32), folder / "mine.h5")
    with h5py.File(folder / "mine.h5", "r+") as file:
        file.create_dataset("model_weights/flood", (1_000_000_000,), dtype="f8", chunks=(1000,), compression="gzip")
    return folder / "mine.h5"


def nonsense(folder: Path) -> Path:
    return edited(folder, lambda config: config.update(output_layers=[["nobody", 0, 0]]))


def rubbish(folder: Path) -> Path:
    return edited(folder, lambda config: config["layers"][2].update(config=[1, 2], inbound_nodes=7))


def unknown_setting_that_is_on(folder: Path) -> Path:
    return edited(folder, lambda config: config["layers"][1]["config"].update(renorm=True))


def last_activation_used_inside_too(folder: Path) -> Path:
    image, sigmoid = keras.Input((32, 32, 1)), keras.layers.Activation("sigmoid", name="twice")
    pooled = keras.layers.GlobalAveragePooling2D()(sigmoid(image))
    keras.Model(image, sigmoid(keras.layers.Dense(1)(pooled))).save(folder / "mine.keras")
    return folder / "mine.keras"


def two_outputs(folder: Path) -> Path:
    return edited(folder, lambda config: config.update(output_layers=[["unit", 0, 0], ["mean", 0, 0]]))


def small_input(folder: Path) -> Path:
    bright_spots(side=28).save(folder / "mine.keras")
    return folder / "mine.keras"


def four_channels(folder: Path) -> Path:
    bright_spots(side=32, channels=4).save(folder / "mine.keras")
    return folder / "mine.keras"


def three_classes(folder: Path) -> Path:
    bright_spots(3, "softmax", side=32).save(folder / "mine.keras")
    return folder / "mine.keras"


def two_sigmoids(folder: Path) -> Path:
    bright_spots(2, "sigmoid", side=32).save(folder / "mine.keras")
    return folder / "mine.keras"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda_named_h5, "holds a Lambda layer, whose code could do anything"),
        (lambda_in_an_archive, "holds a Lambda layer, whose code could do anything"),
        (custom_layer, "holds a layer Custom, which is none of those that are taken"),
        (custom_activation, "has the activation 'system', which is none"),
        (custom_initializer_is_an_unknown_setting, "has a setting that is not known here: filter_shape"),
        (foreign_node, "joined by something else than their outputs"),
        (pickle_named_h5, r"model\.h5 is a pickle, and reading one runs whatever code it holds"),
        (text_file, r"is neither a \.keras nor an HDF5 file"),
        (cut_archive, r"is a damaged \.keras file"),
        (other_archive, r"is no \.keras file: it lacks config\.json"),
        (weights_alone, "holds weights alone"),
        (weights_of_another, "Keras cannot build the network that the file describes"),
        (weights_elsewhere, "point to another file"),
        (weights_that_unpack_to_a_flood, "unpack to more than is taken"),
        (nonsense, "refers to a layer nobody that it does not hold"),
        (rubbish, "layer has no settings"),
        (unknown_setting_that_is_on, "has a setting that is not known here: renorm"),
        (last_activation_used_inside_too, "last layer twice is used in another place too"),
        (two_outputs, "must have one input and one output"),
        (small_input, "input has the shape 28 × 28 × 1; height × width × 1 or 3 is taken"),
        (four_channels, "input has the shape 32 × 32 × 4"),
        (three_classes, "output has the shape 3 and ends in softmax"),
        (two_sigmoids, "output has the shape 2 and ends in sigmoid"),
    ],
)
def test_what_must_not_or_cannot_be_taken_over_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        check_shapes(*read_network(make(tmp_path)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (pickle_named_h5, "is a pickle"),
        (three_classes, "one sigmoid or logit unit, or two softmax units, are taken"),
        (lambda folder: bright_spots(side=32).save(folder / "m.keras") or folder / "m.keras", "holds no images"),
        (lambda folder: folder / "nowhere.h5", r"nowhere\.h5 is no file\.$"),
    ],
)
def test_the_command_ends_with_one_sentence_and_publishes_nothing(
    tmp_path: Path, settings: Settings, make: Callable[[Path], Path], sentence: str
) -> None:
    path, data = make(tmp_path), tmp_path / "data"
    data.mkdir()
    with pytest.raises(CommandError, match=sentence) as error:
        call_command("import_model", path, "--data", data, "--scaling", "unit", stdout=io.StringIO())
    assert "\n" not in str(error.value)
    assert not ModelVersion.objects.exists()
    assert not settings.MODELS_DIR.exists()
