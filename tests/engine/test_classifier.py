"""From bytes to a probability, a label, a band, or a refusal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diagnosis.engine.artifact import Artifact, read_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.preprocessing import read_radiograph
from tests.conftest import BUNDLED_MODEL
from tests.drawings import jpeg_bytes, png_bytes
from tests.engine.test_preprocessing import encoded


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    artifact = read_artifact(BUNDLED_MODEL)
    card = replace(artifact.card, slope=1.0, intercept=0.0, threshold=0.5, band_low=0.3, band_high=0.8)
    return Classifier(Artifact(card, artifact.network))


@pytest.mark.parametrize(
    ("logit", "label", "band"),
    [
        (-2.0, "NORMAL", "unlikely"),
        (-0.5, "NORMAL", "uncertain"),
        (0.0, "PNEUMONIA", "uncertain"),
        (1.0, "PNEUMONIA", "uncertain"),
        (2.0, "PNEUMONIA", "likely"),
    ],
)
def test_label_follows_the_threshold_and_band_the_band(
    classifier: Classifier, logit: float, label: str, band: str
) -> None:
    answer = classifier.judge(logit)
    assert (answer.label, answer.band) == (label, band)
    assert answer.probability == pytest.approx(1 / (1 + np.exp(-logit)))


def test_the_calibration_of_the_card_is_applied(classifier: Classifier) -> None:
    card = replace(classifier.card, slope=2.0, intercept=-1.0)
    calibrated = Classifier(Artifact(card, classifier.artifact.network))
    assert calibrated.judge(0.5).probability == pytest.approx(0.5)


def test_an_extreme_logit_does_not_overflow(classifier: Classifier) -> None:
    assert classifier.judge(-1e6).probability == pytest.approx(0)
    assert classifier.judge(1e6).probability == pytest.approx(1)


def test_the_same_picture_gets_the_same_answer_twice_and_another_gets_another(classifier: Classifier) -> None:
    first, again = classifier.classify(png_bytes()), classifier.classify(png_bytes())
    assert first == again
    assert first.status == "succeeded"
    assert classifier.classify(jpeg_bytes(seed=4)).probability != first.probability


def test_brightness_and_contrast_are_those_of_the_pixels_that_the_network_was_shown(classifier: Classifier) -> None:
    data = jpeg_bytes()
    pixels, said = read_radiograph(data), classifier.classify(data)
    assert (said.brightness, said.contrast) == pytest.approx((pixels.mean(), pixels.std()), abs=0.01)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (Image.new("L", (500, 400), 128), "uniform"),
        (Image.effect_noise((60, 300), 80), "too_small"),
    ],
)
def test_what_the_network_must_not_answer_for_is_refused(
    classifier: Classifier, image: Image.Image, code: str
) -> None:
    answer = classifier.classify(encoded(image))
    assert answer.status == "refused"
    assert answer.refusal
    assert answer.refusal.code == code
    assert answer.probability is None


def test_the_bundled_model_tells_pneumonia_from_normal(chest_xray_dir: Path) -> None:
    """On training images, so no measure of quality; a network that answers 0.5 to everything fails here."""
    bundled = Classifier.load(BUNDLED_MODEL)
    right = total = 0
    for label in ("NORMAL", "PNEUMONIA"):
        for path in sorted((chest_xray_dir / "train" / label).iterdir())[::60]:
            right += bundled.classify(path.read_bytes()).label == label
            total += 1
    assert total > 50
    assert right / total > 0.9
