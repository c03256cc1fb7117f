"""Registers an artifact as a ModelVersion, after it has proved what its card says."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from diagnosis.engine.artifact import read_artifact, write_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import Comparison, ModelVersion


def publish(folder: Path) -> tuple[ModelVersion, bool]:
    """Verify the artifact in ``folder``, copy it to where the workers read it and register it.

    Returns the version, and whether it is new: publishing the same artifact again changes nothing. Raises
    ArtifactError, with nothing written, where hash, preprocessing version or probe images do not fit, or where
    another artifact bears the same version, in the database or in the folder.
    """
    artifact = Classifier.load(folder).artifact
    card = artifact.card
    known = ModelVersion.objects.filter(version=card.version).first()
    if known and known.network_sha256 != card.network_sha256:
        raise ArtifactError(f"Version {card.version} is published already, with another network.")
    if known and known.model_card != card:
        raise ArtifactError(f"Version {card.version} is published already, with other facts on its card.")
    target = Path(settings.MODELS_DIR) / card.version
    if not target.exists():
        write_artifact(artifact, target)
    elif read_artifact(target) != artifact:
        raise ArtifactError(f"{target} holds another artifact of version {card.version}.")
    if known:
        return known, False
    return ModelVersion.objects.create(
        version=card.version, network_sha256=card.network_sha256, card=card.as_dict()
    ), True


def activate(version: str, force: bool = False) -> ModelVersion:
    """Switch to a published version, once its artifact has proved itself again.

    Raises ArtifactError where it has not, and, unless forced, where a comparison found it significantly worse than
    the version that is active now.
    """
    chosen = find_version(version)
    load(chosen)
    with transaction.atomic():
        if not force and (reason := _found_worse(chosen)):
            raise ArtifactError(f"{reason} It is activated only if forced: manage.py activate_model {chosen} --force")
        chosen.activate()
    return chosen


def _found_worse(chosen: ModelVersion) -> str:
    """Return the sentence of a comparison that speaks for the active version; empty where there is none."""
    active = ModelVersion.objects.filter(active=True).first()
    if active is None:
        return ""
    sentences = (each.against(chosen) for each in Comparison.objects.between(chosen, active))
    return next(filter(None, sentences), "")


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
