"""What the network must not answer for is refused, with a code and a sentence that says what to do."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.engine.gate import SENTENCES, Gate, refusal_of_picture
from diagnosis.engine.preprocessing import read_picture
from tests.conftest import BUNDLED_MODEL
from tests.drawings import drawn

CODES = ("inverted", "rotated", "not_a_chest_radiograph")


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def code_of(image: Image.Image) -> str | None:
    refusal = refusal_of_picture(read_picture(encoded(image)), image.width, image.height)
    return refusal.code if refusal else None


@pytest.fixture(scope="module")
def bundled() -> Classifier:
    classifier = Classifier.load(BUNDLED_MODEL)
    if not classifier.card.gate:
        pytest.skip("the bundled model carries no gate")
    return classifier


def a_page(ink: int = 0) -> Image.Image:
    page = Image.new("L", (400, 500), 255 - ink)
    for line in range(10, 480, 16):
        ImageDraw.Draw(page).text((20, line), "The patient was seen in the clinic on Monday.", fill=ink)
    return page


def a_sunset() -> Image.Image:
    """Draw a landscape whose colours no single tint explains."""
    y, x = np.mgrid[0:240, 0:320]
    channels = (200 - y // 2, 60 + x // 3, 40 + (x + y) // 4)
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def test_a_radiograph_passes_in_any_usual_encoding() -> None:
    for image in (drawn(), drawn().convert("RGB"), drawn().convert("P"), drawn().convert("RGBA")):
        assert code_of(image) is None


@pytest.mark.parametrize("size", [(99, 400), (400, 99)])
def test_a_small_image_is_refused_with_its_size(size: tuple[int, int]) -> None:
    image = drawn(*size)
    refusal = refusal_of_picture(read_picture(encoded(image)), *size)
    assert refusal
    assert refusal.code == "too_small"
    assert f"{size[0]} × {size[1]}" in refusal.detail
    assert code_of(drawn(100, 100)) is None


def test_an_empty_or_nearly_empty_image_is_refused() -> None:
    labelled = Image.new("L", (500, 400), 0)
    ImageDraw.Draw(labelled).text((5, 5), "L", fill=255)
    for image in (Image.new("L", (500, 400), 128), labelled, drawn().point(lambda grey: 100 + grey // 12)):
        assert code_of(image) == "uniform"


def test_a_tint_is_no_colour_and_a_landscape_is() -> None:
    assert code_of(ImageOps.colorize(drawn(), black="#101820", white="#fff0d8", mid="#8090a8")) is None
    assert code_of(a_sunset()) == "not_a_chest_radiograph"
    assert read_picture(encoded(drawn())).colour == 0


def test_a_coloured_mark_on_a_radiograph_is_no_reason() -> None:
    marked = drawn().convert("RGB")
    ImageDraw.Draw(marked).line((20, 20, 60, 20), fill="red", width=6)
    assert code_of(marked) is None


@pytest.mark.parametrize(
    ("scores", "code"),
    [((0.9, 1.9, 2.9), None), ((1.0, 2.0, 3.0), None), ((1.1, 2.0, 3.0), "inverted"), ((1.5, 2.6, 0), "rotated")],
)
def test_the_reason_is_the_score_furthest_above_its_limit(scores: tuple[float, ...], code: str | None) -> None:
    refusal = Gate(CODES, (1.0, 2.0, 3.0)).refusal(scores)
    assert (refusal.code if refusal else None) == code
    if refusal:
        assert refusal.detail == SENTENCES[refusal.code]


def test_a_score_that_is_no_number_is_refused() -> None:
    refusal = Gate(CODES, (1.0, 2.0, 3.0)).refusal((0.0, 0.0, float("nan")))
    assert refusal
    assert refusal.code == "not_a_chest_radiograph"


def test_every_sentence_fits_its_field_and_says_what_to_do() -> None:
    for sentence in SENTENCES.values():
        assert len(sentence) <= 300
        assert "end " in sentence


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        ({"codes": ["too_hot"], "limits": [1.0]}, "does not know: too_hot"),
        ({"codes": ["inverted"], "limits": [1.0, 2.0]}, "one finite limit"),
        ({"codes": ["inverted"], "limits": [float("nan")]}, "one finite limit"),
        ({"codes": ["inverted"], "limits": ["high"]}, "wrong kind"),
        ({"codes": ["inverted"]}, "wrong kind"),
        ({"codes": ["inverted"], "limits": [1.0], "colour": 3}, "wrong kind"),
        ({"codes": ["inverted"], "limits": [1.0]}, "its card knows of 1"),
    ],
)
def test_a_gate_that_cannot_be_honoured_is_refused(gate: Any, sentence: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "artifact"))
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "gate": gate}))
    with pytest.raises(ArtifactError, match=sentence):
        Classifier.load(folder)


@pytest.mark.parametrize(
    "image",
    [
        a_page(),
        a_page(ink=255),
        a_sunset().convert("L"),
        Image.effect_noise((300, 300), 60),
        Image.radial_gradient("L"),
    ],
)
def test_the_bundled_gate_refuses_what_is_no_chest(bundled: Classifier, image: Image.Image) -> None:
    answer = bundled.classify(encoded(image))
    assert answer.refusal
    assert answer.refusal.code == "not_a_chest_radiograph"
    assert (answer.probability, answer.activation_map) == (None, None)


def test_the_bundled_card_tells_how_its_gate_did(bundled: Classifier) -> None:
    gate = bundled.card.gate
    assert gate
    assert set(gate.codes) == SENTENCES.keys()
    right = gate.figures["out_of_fold"]["validation"]
    assert right["refused"] <= 0.003 * right["images"]


def test_of_real_radiographs_hardly_one_is_refused(bundled: Classifier, chest_xray_dir: Path) -> None:
    paths = sorted((chest_xray_dir / "train").rglob("*.jp*g"))[::20]
    refused = [path.name for path in paths if bundled.classify(path.read_bytes()).refusal]
    assert len(paths) > 100
    assert len(refused) <= 0.01 * len(paths), refused


def test_real_pictures_of_other_things_are_all_refused(bundled: Classifier, chest_xray_dir: Path) -> None:
    folder = chest_xray_dir.parent / "not_chest"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: no real pictures of other things to test with")
    answered = [path.name for path in folder.rglob("*.jpg") if not bundled.classify(path.read_bytes()).refusal]
    assert answered == []
