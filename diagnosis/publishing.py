"""Registers an artifact as a ModelVersion, after it has proved what its card says."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from diagnosis.engine.artifact import write_artifact
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import Comparison, ModelVersion


def publish(folder: Path) -> tuple[ModelVersion, bool]:
    """Verify the artifact in ``folder``, copy it to where the workers read it and register it.

    Returns the version, and whether it is new: publishing the same artifact again changes nothing. Raises
    ArtifactError, with nothing written, where hash, preprocessing version or probe images do not fit, or where
    another artifact bears the same version.
    """
    artifact = Classifier.load(folder).artifact
    card = artifact.card
    known = ModelVersion.objects.filter(version=card.version).first()
    if known and known.network_sha256 != card.network_sha256:
        raise ArtifactError(f"Version {card.version} is published already, with another network.")
    target = Path(settings.MODELS_DIR) / card.version
    if not target.exists():
        write_artifact(artifact, target)
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
    Classifier.load(chosen.folder)
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


def load_classifier(version: str | None) -> Classifier:
    """Load a published version, or the active one. Raises ArtifactError where there is none, or it is damaged."""
    if version is not None:
        return Classifier.load(find_version(version).folder)
    active = ModelVersion.objects.filter(active=True).first()
    if active is None:
        raise ArtifactError("No model version is active. Publish one: manage.py publish_model DIR --activate")
    return Classifier.load(active.folder)


def find_version(version: str) -> ModelVersion:
    """Raise ArtifactError, naming those that there are, where the version is not published."""
    chosen = ModelVersion.objects.filter(version=version).first()
    if chosen is None:
        known = ", ".join(ModelVersion.objects.values_list("version", flat=True)) or "none"
        raise ArtifactError(f"No version {version!r} is published. Published: {known}.")
    return chosen
