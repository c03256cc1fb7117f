"""The network: one version is active, its artifact is the one that was published, and it answers as recorded."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from diagnosis import publishing
from diagnosis.doctor.findings import Finding, ok, problem, warning
from diagnosis.engine.artifact import read_artifact
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ModelVersion

#: So many other versions are looked at, the newest first.
OTHERS = 5


def look() -> Iterator[Finding]:
    active = ModelVersion.objects.filter(active=True).first()
    if active is None:
        yield problem(
            "No model version is active, so nothing is read.",
            "manage.py publish_model diagnosis/bundled_model --activate",
        )
    else:
        yield _answers(active)
    for version in ModelVersion.objects.filter(active=False)[:OTHERS]:
        try:
            read_artifact(version.folder)
        except ArtifactError as error:
            yield warning(
                f"Version {version}, which is not active, cannot be used: {error}",
                f"Put its artifact back into {version.folder}, from a backup, before you activate it.",
            )


def _remedy(active: ModelVersion) -> str:
    bundled = settings.BASE_DIR / "diagnosis" / "bundled_model"
    if read_artifact(bundled).card.version == active.version:
        return f"It is the version that ships: mkdir -p {active.folder} && cp {bundled}/* {active.folder}/"
    return (
        f"Put its artifact back into {active.folder}, from a backup, or activate another version: "
        "manage.py activate_model --previous"
    )


def _answers(active: ModelVersion) -> Finding:
    """Load it as a worker does, which compares hashes and asks the probe images."""
    try:
        publishing.load(active)
    except ArtifactError as error:
        return problem(
            f"The active version {active} cannot be used, so workers that start now read nothing: {error}",
            _remedy(active),
        )
    return ok(f"Version {active} is active, unchanged, and answers its probes as recorded.")
