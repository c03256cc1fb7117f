"""An artifact is used whole and proven, or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from diagnosis.engine.artifact import read_artifact, write_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from tests.conftest import BUNDLED_MODEL


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "artifact"))


def change_card(folder: Path, **facts: Any) -> None:
    card = json.loads((folder / "card.json").read_text())
    for name, value in facts.items():
        if value is None:
            del card[name]
        else:
            card[name] = value
    (folder / "card.json").write_text(json.dumps(card))


def test_the_bundled_model_answers_its_probes_and_is_small() -> None:
    Classifier.load(BUNDLED_MODEL)
    assert sum(file.stat().st_size for file in BUNDLED_MODEL.iterdir()) < 8_000_000


def test_writing_and_reading_gives_the_same_artifact(folder: Path, tmp_path: Path) -> None:
    artifact = read_artifact(folder)
    write_artifact(artifact, tmp_path / "copy")
    assert read_artifact(tmp_path / "copy") == artifact


def test_nothing_is_left_where_writing_fails(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = read_artifact(folder)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_artifact(artifact, tmp_path / "new" / "copy")
    assert list((tmp_path / "new").iterdir()) == []


def test_an_artifact_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="never overwritten"):
        write_artifact(read_artifact(folder), folder)


def test_one_changed_byte_of_the_network_is_noticed(folder: Path) -> None:
    network = bytearray((folder / "network.tflite").read_bytes())
    network[-1000] ^= 1
    (folder / "network.tflite").write_bytes(network)
    with pytest.raises(ArtifactError, match="hash differs"):
        Classifier.load(folder)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"preprocessing_version": 99}, "preprocessing version 99"),
        ({"threshold": None}, "lacks threshold"),
        ({"colour": "blue"}, "does not know: colour"),
        ({"threshold": 0.999999}, "must rise in this order"),
        ({"probes": []}, "at least one probe"),
        ({"probes": [{"seed": 1, "logit": 77.0}]}, "answers probe 1"),
        ({"version": "../../etc"}, "letters, digits"),
        ({"labels": 5}, "wrong kind"),
    ],
)
def test_a_card_that_cannot_be_honoured_is_refused_by_name(folder: Path, facts: dict[str, Any], sentence: str) -> None:
    change_card(folder, **facts)
    with pytest.raises(ArtifactError, match=sentence):
        Classifier.load(folder)


def test_a_folder_without_a_card_is_no_artifact(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"lacks card\.json"):
        read_artifact(tmp_path)
