"""A network is published when it has proved what its card says, and can be switched and switched back."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from pytest_django.fixtures import Settings

from diagnosis import publishing, worker
from diagnosis.engine.artifact import Artifact, write_artifact
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
    monkeypatch.setattr(worker, "_held", {})
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


def test_a_full_disk_is_one_sentence_and_leaves_neither_row_nor_folder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("diagnosis.engine.artifact.os.fsync", full)
    with pytest.raises(CommandError, match=r"cannot be written: No space left on device\.$"):
        call_command("publish_model", BUNDLED_MODEL)
    assert not ModelVersion.objects.exists()
    assert list(settings.MODELS_DIR.iterdir()) == []


@pytest.mark.parametrize("ahead", ["before it looks", "while it writes"])
def test_two_who_publish_the_same_artifact_at_once_both_succeed(ahead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write, versions = write_artifact, []

    def be_overtaken(artifact: Artifact, folder: Path) -> None:
        monkeypatch.setattr(publishing, "write_artifact", write)
        versions.append(publishing.publish(BUNDLED_MODEL))
        if ahead == "before it looks":
            write(artifact, folder)
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(publishing, "write_artifact", be_overtaken)
    versions.append(publishing.publish(BUNDLED_MODEL))
    assert [is_new for _, is_new in versions] == [True, False]
    assert ModelVersion.objects.get() == versions[0][0] == versions[1][0]


def test_activating_switches_and_activating_the_older_rolls_back(tmp_path: Path) -> None:
    call_command("publish_model", BUNDLED_MODEL, "--activate")
    older = ModelVersion.objects.get()
    call_command("publish_model", artifact_named("newer", tmp_path), "--activate")
    assert ModelVersion.objects.get(active=True).version == "newer"
    call_command("activate_model", older.version)
    assert ModelVersion.objects.get(active=True) == older


def test_rolling_back_goes_back_step_by_step(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        call_command("publish_model", artifact_named(name, tmp_path), "--activate")
    for expected in ("two", "one"):
        call_command("activate_model", "--previous")
        assert ModelVersion.objects.get(active=True).version == expected
    with pytest.raises(CommandError, match="No other version was active before"):
        call_command("activate_model", "--previous")


def test_what_was_rolled_back_from_is_not_what_was_active_before(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        call_command("publish_model", artifact_named(name, tmp_path), "--activate")
    call_command("activate_model", "--previous")
    call_command("activate_model", "one")
    call_command("activate_model", "--previous")
    assert ModelVersion.objects.get(active=True).version == "two"


def test_a_published_version_that_was_never_active_is_not_rolled_back_to(tmp_path: Path) -> None:
    call_command("publish_model", BUNDLED_MODEL, "--activate")
    call_command("publish_model", artifact_named("newer", tmp_path))
    with pytest.raises(CommandError, match="nothing to roll back to"):
        call_command("activate_model", "--previous")


def test_a_version_and_the_previous_one_are_not_asked_for_at_once() -> None:
    for words in ((), ("one", "--previous")):
        with pytest.raises(CommandError):
            call_command("activate_model", *words)


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
