"""The artifact answers as the Keras network did."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from diagnosis.engine.artifact import write_artifact
from diagnosis.engine.classifier import Classifier
from tests.training.conftest import draw_chest, png
from training.batches import predict_logits
from training.calibration import Calibration
from training.config import TrainingConfig
from training.conversion import MAX_BYTES, convert
from training.errors import ExportError
from training.export import largest_difference, make_artifact
from training.network import build_network

IMAGES = np.stack([draw_chest(i % 2, i) for i in range(12)])


def build(seed: int) -> keras.Model:
    network = build_network(replace(TrainingConfig(), share_from_imagenet=0.0, seed=seed), {})
    network.get_layer("logit").bias.assign([0.7])
    for layer in network.layers:  # untrained, it would answer nearly the same to everything
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    network(IMAGES[..., None], training=True)
    network.compile(jit_compile=False)
    return network


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build(seed=0)


@pytest.fixture(scope="module")
def converted(network: keras.Model) -> bytes:
    return convert(network)


@pytest.fixture(scope="module")
def calibration(network: keras.Model) -> Calibration:
    """Spread the answers of the untrained network over all probabilities: it says nearly the same to everything."""
    logits = predict_logits(network, IMAGES)
    slope = 2 / logits.std()
    return Calibration(float(slope), float(-slope * logits.mean()), 0.5, 0.2, 0.8)


def test_every_probability_is_that_of_keras(network: keras.Model, converted: bytes, calibration: Calibration) -> None:
    probabilities = calibration.probabilities(predict_logits(network, IMAGES))
    assert np.ptp(probabilities) > 0.8
    assert largest_difference(network, converted, calibration, IMAGES) < 0.002


def test_a_network_that_answers_otherwise_is_not_exported(converted: bytes, calibration: Calibration) -> None:
    with pytest.raises(ExportError, match="a probability differs by"):
        largest_difference(build(seed=1), converted, calibration, IMAGES)


def test_the_many_weights_of_the_large_kernels_are_halved_and_it_fits_into_a_repository(converted: bytes) -> None:
    assert 6_800_000 < len(converted) < MAX_BYTES  # all float16: 6.4 million, all float32: 12.8 million


def test_heat_map_and_embedding_are_those_of_keras(network: keras.Model, converted: bytes) -> None:
    run = Interpreter(model_content=converted).get_signature_runner("serving_default")
    answer = run(radiograph=IMAGES[:1, :, :, None])
    assert answer["cam"].shape == (1, 7, 7)
    assert answer["cam"].mean() == pytest.approx(answer["logit"][0, 0], abs=1e-4)
    embedding = keras.Model(network.input, network.get_layer("embedding").output)(IMAGES[:1, :, :, None])
    assert np.allclose(answer["embedding"], embedding, atol=0.05)


def test_the_classifier_loads_the_artifact_and_answers_as_keras_does(
    network: keras.Model, converted: bytes, calibration: Calibration, tmp_path: Path
) -> None:
    facts = {"n": 12}, {"source": "drawn"}, {"epochs": 0}
    artifact = make_artifact(network, calibration, IMAGES, *facts, converted=converted)
    write_artifact(artifact, tmp_path / "artifact")
    classifier = Classifier.load(tmp_path / "artifact")
    assert classifier.card == artifact.card
    assert artifact.card.version.endswith(artifact.card.network_sha256[:8])
    assert artifact.card.metrics["parity"]["largest_difference"] < 0.01
    for pixels, expected in zip(IMAGES, calibration.probabilities(predict_logits(network, IMAGES)), strict=True):
        assert classifier.classify(png(pixels)).probability == pytest.approx(expected, abs=0.01)
