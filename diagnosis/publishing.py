"""Registers an artifact as a ModelVersion, after it has proved what its card says."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.engine.artifact import Artifact, read_artifact, write_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import Comparison, ComparisonSeen, ModelVersion


def publish(folder: Path) -> tuple[ModelVersion, bool]:
    """Verify the artifact in ``folder``, copy it to where the workers read it and register it.

    Returns the version, and whether it is new: publishing the same artifact again changes nothing. Raises
    ArtifactError, with nothing written, where hash, preprocessing version or probe images do not fit, where another
    artifact bears the same version, in the database or in the folder, or where there is no room for it.
    """
    artifact = Classifier.load(folder).artifact
    card = artifact.card
    known = ModelVersion.objects.filter(version=card.version).first()
    if known and known.network_sha256 != card.network_sha256:
        raise ArtifactError(f"Version {card.version} is published already, with another network.")
    if known and known.model_card != card:
        raise ArtifactError(f"Version {card.version} is published already, with other facts on its card.")
    _store(artifact, Path(settings.MODELS_DIR) / card.version)
    facts = {"network_sha256": card.network_sha256, "card": card.as_dict()}
    with transaction.atomic():
        version, is_new = ModelVersion.objects.get_or_create(version=card.version, defaults=facts)
        if is_new:
            record(Verb.ADDED, Kind.MODEL_VERSION, version.pk, label=version.version)
    return version, is_new


def _store(artifact: Artifact, target: Path) -> None:
    """See to it that the folder ``target`` holds the artifact, whoever writes it: two may publish it at once."""
    try:
        if not target.exists():
            write_artifact(artifact, target)
    except (ArtifactError, OSError) as error:
        if not target.exists():
            why = error.strerror if isinstance(error, OSError) else error
            raise ArtifactError(f"{target} cannot be written: {why}.") from error
    if read_artifact(target) != artifact:
        raise ArtifactError(f"{target} holds another artifact of version {artifact.card.version}.")


def activate(version: str, force: bool = False) -> ModelVersion:
    """Switch to a published version, once its artifact has proved itself again.

    Raises ArtifactError where it has not, and, unless forced, where a comparison found it significantly worse than
    the version that is active now, or where it answers silently and nobody has looked at how.
    """
    chosen = find_version(version)
    load(chosen)
    with transaction.atomic():
        _refuse_worse(chosen, force)
        _refuse_unseen(chosen, force)
        chosen.activate()
    return chosen


def roll_back(force: bool = False) -> ModelVersion:
    """Switch to the version that was active before. Raises ArtifactError as activate does, or where none was."""
    chosen = ModelVersion.objects.previous()
    if chosen is None:
        raise ArtifactError("No other version was active before, so there is nothing to roll back to.")
    load(chosen)
    with transaction.atomic():
        _refuse_worse(chosen, force)
        chosen.take_over_again()
    return chosen


def _refuse_worse(chosen: ModelVersion, force: bool) -> None:
    if not force and (reason := found_worse(chosen)):
        raise ArtifactError(f"{reason} It is activated only if forced: manage.py activate_model {chosen} --force")


def found_worse(chosen: ModelVersion) -> str:
    """Return the sentence of a comparison that speaks for the active version; empty where there is none."""
    active = ModelVersion.objects.filter(active=True).first()
    if active is None:
        return ""
    sentences = (each.against(chosen) for each in Comparison.objects.between(chosen, active))
    return next(filter(None, sentences), "")


def _refuse_unseen(chosen: ModelVersion, force: bool) -> None:
    if not force and is_unseen(chosen):
        raise ArtifactError(
            f"Version {chosen} answers silently, and no administrator has looked at how its answers compare with "
            "those of the active version: Admin → Model versions → Silent answers. Before that it is activated only "
            f"if forced: manage.py activate_model {chosen} --force"
        )


def is_unseen(chosen: ModelVersion) -> bool:
    """Whether it answers silently beside the active version, and nobody has looked at that."""
    active = ModelVersion.objects.filter(active=True).first()
    return bool(chosen.shadow and active and not ComparisonSeen.objects.of(chosen, active).exists())


def load(version: ModelVersion) -> Classifier:
    """Load what was published as ``version``. Raises ArtifactError where it is damaged, or no longer the same."""
    classifier = Classifier.load(version.folder)
    if classifier.card.network_sha256 != version.network_sha256 or classifier.card != version.model_card:
        raise ArtifactError(f"{version.folder} is not the artifact that was published as version {version}.")
    return classifier


def load_classifier(version: str | None) -> Classifier:
    """Load a published version, or the active one. Raises ArtifactError where there is none, or it is damaged."""
    if version is not None:
        return load(find_version(version))
    active = ModelVersion.objects.filter(active=True).first()
    if active is None:
        raise ArtifactError("No model version is active. Publish one: manage.py publish_model DIR --activate")
    return load(active)


def find_version(version: str) -> ModelVersion:
    """Raise ArtifactError, naming those that there are, where the version is not published."""
    chosen = ModelVersion.objects.filter(version=version).first()
    if chosen is None:
        known = ", ".join(ModelVersion.objects.values_list("version", flat=True)) or "none"
        raise ArtifactError(f"No version {version!r} is published. Published: {known}.")
    return chosen
