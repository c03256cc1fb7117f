"""The gate learns what is right from radiographs, and what is wrong from the same ones spoilt and from strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from django.core.management import CommandError, call_command

from diagnosis.engine.artifact import read_artifact, write_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError, DatasetError
from diagnosis.engine.gate import Gate
from tests.training.conftest import draw_chest, make_dataset, png
from tests.training.test_export import build
from training import trainer
from training.calibration import Calibration
from training.config import TrainingConfig
from training.counterexamples import WRONGS, collage, spoil, vary
from training.datasets import Dataset
from training.drawings import KINDS, draw
from training.errors import ExportError
from training.export import make_artifact, put_gate
from training.gallery import RIGHT, STRANGER, Gallery, make_gallery, read_strangers
from training.gate import CODES, DEPTHS, Scorer, choose_limits, fit_gate, fit_scorer, read_features

CHESTS = np.stack([draw_chest(i % 2, i) for i in range(12)])
SMALL = replace(TrainingConfig(), gate_drawings=2)
PLAIN = Calibration(1.0, 0.0, 0.5, 0.3, 0.7)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build(seed=0)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    part = make_dataset([f"p{i // 2}" for i in range(12)], [0, 1] * 6, CHESTS)
    return make_gallery({"training": part}, {"cats": CHESTS[:3, ::-1]}, SMALL)


@pytest.fixture(scope="module")
def fitted(network: keras.Model, gallery: Gallery) -> tuple[Scorer, Gate]:
    return fit_gate(network, gallery, seed=0, report=lambda _: None)


def clouds(count: int = 60, size: int = 1930) -> tuple[np.ndarray, Gallery]:
    """Draw features, a cloud for each class around a centre of its own."""
    random = np.random.default_rng(3)
    classes = np.repeat(np.arange(len(CODES)), count)
    centres = random.normal(0, 1, (len(CODES), size))
    features = (centres[classes] + random.normal(0, 1, (len(classes), size))).astype(np.float32)
    names = np.array([str(i) for i in range(len(classes))])
    return features, Gallery(np.zeros((len(classes), 1, 1), np.uint8), names, classes, names)


def test_each_wrong_class_gets_the_highest_of_its_scores_and_right_ones_none_above_zero() -> None:
    features, gallery = clouds()
    fitted, fresh = fit_scorer(features[::2], gallery.part(np.arange(len(features)) % 2 == 0)), features[1::2]
    scores, classes = fitted(fresh), gallery.classes[1::2]
    assert (scores[classes == RIGHT, :-1] < 0).all()
    for wrong in range(1, len(CODES)):
        mine = scores[classes == wrong, :-1]
        assert (mine.argmax(axis=1) == wrong - 1).all()
        assert (mine.max(axis=1) > 0).all()


def test_the_distance_refuses_what_no_class_was_fitted_on() -> None:
    features, gallery = clouds()
    scorer = fit_scorer(features, gallery)
    far = features[gallery.classes == RIGHT] + np.random.default_rng(5).normal(0, 3, features.shape[1])
    right = scorer(features[gallery.classes == RIGHT])[:, -1]
    assert scorer(far.astype(np.float32))[:, -1].min() > right.max() + 1


def test_limits_are_the_upper_end_of_the_right_ones_and_never_negative() -> None:
    right = np.column_stack([np.linspace(-9, -3, 5000)] * 6 + [np.linspace(0, 2, 5000)])
    limits = choose_limits(right, share=0.01)
    assert limits[:-1] == (0.0,) * 6
    assert limits[-1] == pytest.approx(1.98, abs=0.001)
    assert choose_limits(right + 10, share=0.01)[0] == pytest.approx(6.94, abs=0.001)


def test_of_few_radiographs_none_lies_on_the_limit() -> None:
    right = np.column_stack([np.linspace(1, 2, 9)] * 7)
    assert min(choose_limits(right)) > 2.2


def test_folds_hold_out_every_picture_once_and_never_a_part_of_a_patient(gallery: Gallery) -> None:
    folds = list(gallery.folds(5, seed=0))
    assert (np.sum(folds, axis=0) == 1).all()
    for held_out in folds:
        assert not set(gallery.groups[held_out]) & set(gallery.groups[~held_out])


def test_a_gallery_holds_every_class_and_kind(gallery: Gallery) -> None:
    assert set(gallery.classes) == set(range(STRANGER + 1))
    drawn = {"drawn chest", *(f"drawn {kind}" for kind in KINDS)}
    assert {"training", "training, changed", *WRONGS, "collage", "cats", *drawn} == set(gallery.kinds)
    assert len(gallery.pixels) == len(gallery.kinds) == len(gallery.classes) == len(gallery.groups)


def test_a_part_gives_no_more_than_the_configured_number_of_radiographs() -> None:
    part = make_dataset([f"p{i}" for i in range(12)], [0, 1] * 6, CHESTS)
    kinds = make_gallery({"training": part}, {}, replace(SMALL, gate_radiographs=5)).kinds
    assert list(kinds).count("training") == 5


def test_the_same_seed_makes_the_same_pictures_and_another_makes_others() -> None:
    makers: list[Callable[[int], Any]] = [
        lambda seed: vary(CHESTS, seed),
        lambda seed: spoil("cropped", CHESTS, seed),
        lambda seed: collage(CHESTS, seed),
    ]
    for make in makers:
        assert (make(1) == make(1)).all()
        assert (make(1) != make(2)).any()
    for kind in KINDS:
        assert (draw(kind, 1) == draw(kind, 1)).all()
        assert (draw(kind, 1) != draw(kind, 2)).any()
        assert draw(kind, 1).std() > 3


def test_spoilt_pictures_are_what_their_kind_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.counterexamples.vary", lambda images, seed: images)
    assert (spoil("inverted", CHESTS, 0) == 255 - CHESTS).all()
    for kind, turns in (("quarter_left", 1), ("upside_down", 2), ("quarter_right", 3)):
        for before, after in zip(CHESTS, spoil(kind, CHESTS, 0), strict=True):
            turned = np.rot90(before, turns)
            assert (after == turned).all() or (after == turned[::-1]).all() or (after == turned[:, ::-1]).all()


def test_strangers_are_read_by_folder_and_broken_ones_skipped(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "one.png").write_bytes(png(CHESTS[0]))
    (tmp_path / "cats" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "loose.png").write_bytes(png(CHESTS[1]))
    said: list[str] = []
    strangers = read_strangers(tmp_path, said.append)
    assert {kind: len(pictures) for kind, pictures in strangers.items()} == {"cats": 1, tmp_path.name: 1}
    assert len(said) == 1
    assert "broken.png" in said[0]


def test_a_folder_without_strangers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no images"):
        read_strangers(tmp_path)


def test_the_figures_tell_each_kind_and_what_a_fit_without_it_refuses(
    fitted: tuple[Scorer, Gate], gallery: Gallery
) -> None:
    figures = fitted[1].figures
    assert list(figures["out_of_fold"]) == list(dict.fromkeys(gallery.kinds))
    assert figures["out_of_fold"]["training"]["images"] == 12
    assert set(figures["kind_left_out"]) == set(gallery.stranger_kinds())
    assert json.loads(json.dumps(figures)) == figures


def test_litert_gives_the_scores_that_keras_gives(
    network: keras.Model, fitted: tuple[Scorer, Gate], gallery: Gallery, tmp_path: Path
) -> None:
    scorer, gate = fitted
    artifact = make_artifact(network, PLAIN, CHESTS, {}, {}, {}, gate=fitted)
    write_artifact(artifact, tmp_path / "artifact")
    assert read_artifact(tmp_path / "artifact").card.gate == gate
    run = Interpreter(model_content=artifact.network).get_signature_runner("serving_default")
    sample = gallery.pixels[:: max(1, len(gallery.pixels) // 15)]
    expected = scorer(read_features(network, sample))
    found = np.concatenate([run(radiograph=each[None, :, :, None])["gate"] for each in sample])
    assert np.ptp(expected) > 1
    assert np.abs(found - expected).max() < 0.05


def test_a_network_with_a_gate_is_not_loaded_without_its_limits(
    network: keras.Model, fitted: tuple[Scorer, Gate]
) -> None:
    artifact = make_artifact(network, PLAIN, CHESTS, {}, {}, {}, gate=fitted)
    Classifier(artifact)
    with pytest.raises(ArtifactError, match=f"gives {len(CODES)} scores, and its card knows of 0"):
        Classifier(replace(artifact, card=replace(artifact.card, gate=None)))


def test_another_gate_keeps_all_other_facts(network: keras.Model, fitted: tuple[Scorer, Gate]) -> None:
    artifact = make_artifact(network, PLAIN, CHESTS, {"n": 12}, {"source": "drawn"}, {"epochs": 0})
    assert artifact.card.gate is None
    card = put_gate(artifact, network, fitted).card
    assert card.gate == fitted[1]
    kept = ("labels", "slope", "threshold", "metrics", "data", "training")
    assert all(getattr(card, name) == getattr(artifact.card, name) for name in kept)
    assert card.version.endswith(card.network_sha256[:8])
    assert card.version != artifact.card.version


def test_a_gate_is_not_put_on_a_network_of_other_weights(network: keras.Model, fitted: tuple[Scorer, Gate]) -> None:
    artifact = make_artifact(network, PLAIN, CHESTS, {}, {}, {})
    other = build(seed=1)
    other.get_layer("logit").bias.assign([3.0])
    with pytest.raises(ExportError, match="not those of the artifact"):
        put_gate(artifact, other, fitted)


def test_the_features_are_all_depths_of_the_network(network: keras.Model) -> None:
    features = read_features(network, CHESTS[:2])
    assert features.shape == (2, sum(network.get_layer(name).output.shape[-1] for name in DEPTHS))
    whole = keras.Model(network.input, network.get_layer(DEPTHS[0]).output)(CHESTS[:2, ..., None])
    assert np.allclose(features[:, :128], np.asarray(whole).mean(axis=(1, 2)), atol=1e-4)


def test_the_command_puts_a_gate_on_an_artifact(
    network: keras.Model, draw_folder: Callable[..., Path], tmp_path: Path
) -> None:
    config = replace(SMALL, gate_drawings=2, validation_fraction=0.5)
    artifact = make_artifact(network, PLAIN, CHESTS, {"n": 1}, {}, {"config": config.as_dict()})
    write_artifact(artifact, tmp_path / "old")
    network.save_weights(tmp_path / "network.weights.h5")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "cat.png").write_bytes(png(CHESTS[0, ::-1]))
    options = {
        "weights": tmp_path / "network.weights.h5",
        "data": draw_folder(4, 4),
        "not_chest": tmp_path / "strange",
    }
    call_command("fit_gate", tmp_path / "old", output=tmp_path / "new", **options)
    gate = read_artifact(tmp_path / "new").card.gate
    assert gate
    assert gate.figures["kind_left_out"]["strange"]["images"] == 2
    with pytest.raises(CommandError, match="exists already"):
        call_command("fit_gate", tmp_path / "old", output=tmp_path / "new", **options)


def test_the_gate_is_fitted_on_no_more_images_than_the_run_had(
    network: keras.Model, draw_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SMALL, validation_fraction=0.5, fraction=0.5)
    write_artifact(make_artifact(network, PLAIN, CHESTS, {}, {}, {"config": config.as_dict()}), tmp_path / "old")
    network.save_weights(tmp_path / "network.weights.h5")
    given: dict[str, Dataset] = {}

    def stop_here(parts: dict[str, Dataset], *_: object) -> None:
        given.update(parts)
        raise DatasetError("Enough is seen.")

    monkeypatch.setattr(trainer, "make_gallery", stop_here)
    with pytest.raises(CommandError, match="Enough is seen"):
        call_command(
            "fit_gate",
            tmp_path / "old",
            weights=tmp_path / "network.weights.h5",
            data=draw_folder(8, 8),
            output=tmp_path / "new",
        )
    assert {name: len(part.examples) for name, part in given.items()} == {"training": 4, "validation": 4}


def test_the_command_names_weights_that_cannot_be_read(
    network: keras.Model, draw_folder: Callable[..., Path], tmp_path: Path
) -> None:
    write_artifact(make_artifact(network, PLAIN, CHESTS, {}, {}, {}), tmp_path / "old")
    (tmp_path / "none.weights.h5").write_bytes(b"no weights")
    with pytest.raises(CommandError, match=r"none\.weights\.h5 cannot be read"):
        call_command(
            "fit_gate",
            tmp_path / "old",
            weights=tmp_path / "none.weights.h5",
            data=draw_folder(2, 2),
            output=tmp_path / "new",
        )
    assert not (tmp_path / "new").exists()
