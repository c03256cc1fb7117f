"""A network is published when it has proved what its card says, and can be switched and switched back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from pytest_django.fixtures import Settings

from diagnosis import publishing, worker
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ModelVersion
from tests.conftest import BUNDLED_MODEL
from tests.factories import artifact_named

pytestmark = pytest.mark.django_db


def test_a_published_version_has_its_own_copy_and_card(settings: Settings) -> None:
    version, is_new = publishing.publish(BUNDLED_MODEL)
    assert is_new
    assert not version.active
    assert (version.folder / "network.tflite").read_bytes() == (BUNDLED_MODEL / "network.tflite").read_bytes()
    assert version.card["version"] == version.version
    assert version.folder.parent == settings.MODELS_DIR


def test_publishing_twice_changes_nothing() -> None:
    first, _ = publishing.publish(BUNDLED_MODEL)
    again, is_new = publishing.publish(BUNDLED_MODEL)
    assert (again, is_new) == (first, False)


def test_another_network_cannot_take_a_published_name(tmp_path: Path) -> None:
    version, _ = publishing.publish(BUNDLED_MODEL)
    ModelVersion.objects.update(network_sha256="0" * 64)
    with pytest.raises(ArtifactError, match="published already, with another network"):
        publishing.publish(BUNDLED_MODEL)
    assert ModelVersion.objects.get() == version


def test_other_facts_cannot_take_a_published_name(tmp_path: Path) -> None:
    version, _ = publishing.publish(artifact_named("one", tmp_path / "first"))
    with pytest.raises(ArtifactError, match="published already, with other facts"):
        publishing.publish(artifact_named("one", tmp_path / "second", threshold=0.5, band_low=0.4, band_high=0.6))
    assert ModelVersion.objects.get().model_card == version.model_card


def test_a_folder_that_lies_there_already_must_hold_the_same_artifact(tmp_path: Path, settings: Settings) -> None:
    artifact_named("one", settings.MODELS_DIR, threshold=0.5, band_low=0.4, band_high=0.6)
    with pytest.raises(ArtifactError, match="holds another artifact"):
        publishing.publish(artifact_named("one", tmp_path / "new"))
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("facts", [{"network_sha256": "1" * 64}, {"slope": 99.0}])
def test_what_is_served_is_what_the_row_says(
    version: ModelVersion, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_held", None)
    changed = {key: facts[key] for key in facts if key == "network_sha256"}
    ModelVersion.objects.update(card=version.card | facts, **changed)
    for use in (worker.current_classifier, lambda: publishing.activate(version.version)):
        with pytest.raises(ArtifactError, match="not the artifact that was published"):
            use()
    for chosen in (None, version.version):
        with pytest.raises(ArtifactError, match="not the artifact that was published"):
            publishing.load_classifier(chosen)


def test_a_file_instead_of_a_folder_is_named_in_one_sentence() -> None:
    with pytest.raises(CommandError, match="cannot be read: Not a directory"):
        call_command("publish_model", BUNDLED_MODEL / "card.json")


def test_a_damaged_artifact_leaves_neither_row_nor_folder(tmp_path: Path, settings: Settings) -> None:
    folder = artifact_named("broken", tmp_path)
    (folder / "network.tflite").write_bytes(b"rubbish")
    with pytest.raises(CommandError, match="hash differs"):
        call_command("publish_model", folder)
    assert not ModelVersion.objects.exists()
    assert not settings.MODELS_DIR.exists()


def test_activating_switches_and_activating_the_older_rolls_back(tmp_path: Path) -> None:
    call_command("publish_model", BUNDLED_MODEL, "--activate")
    older = ModelVersion.objects.get()
    call_command("publish_model", artifact_named("newer", tmp_path), "--activate")
    assert ModelVersion.objects.get(active=True).version == "newer"
    call_command("activate_model", older.version)
    assert ModelVersion.objects.get(active=True) == older


def test_the_bundled_model_does_not_push_aside_what_is_active(tmp_path: Path) -> None:
    call_command("publish_model", artifact_named("chosen", tmp_path), "--activate")
    call_command("publish_model", BUNDLED_MODEL, "--activate-if-none")
    assert ModelVersion.objects.get(active=True).version == "chosen"
    assert ModelVersion.objects.count() == 2


def test_an_unknown_version_is_answered_with_those_that_there_are() -> None:
    version, _ = publishing.publish(BUNDLED_MODEL)
    with pytest.raises(CommandError, match=f"Published: {version}"):
        call_command("activate_model", "nonsense")


def test_what_was_damaged_after_publishing_is_not_activated() -> None:
    version, _ = publishing.publish(BUNDLED_MODEL)
    (version.folder / "network.tflite").write_bytes(b"rubbish")
    with pytest.raises(CommandError, match="hash differs"):
        call_command("activate_model", version.version)
    assert not ModelVersion.objects.filter(active=True).exists()


def test_the_database_itself_lets_only_one_version_be_active() -> None:
    facts = {"network_sha256": "0" * 64, "card": {}, "active": True}
    ModelVersion.objects.create(version="one", **facts)
    with pytest.raises(IntegrityError):
        ModelVersion.objects.create(version="two", **facts)
