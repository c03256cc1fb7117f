"""The artifact: a folder with ``network.tflite`` and ``card.json``, all that passes from training to diagnosis."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

from diagnosis.engine import preprocessing
from diagnosis.engine.errors import ArtifactError
from diagnosis.engine.gate import Gate

NETWORK = "network.tflite"
CARD = "card.json"
LONGEST_VERSION = 64


@dataclass(frozen=True)
class Probe:
    """The logit that the network gave, when it was exported, for the drawing ``draw_probe(seed)``."""

    seed: int
    logit: float


@dataclass(frozen=True)
class ModelCard:
    """The facts that travel with the weights.

    ``labels`` are the class names, the positive one last. The probability of the positive class is
    ``sigmoid(slope * logit + intercept)``; at ``threshold`` and above the label is the positive one. Between
    ``band_low`` and ``band_high`` the answer is called uncertain. Without a ``gate``, nothing but size, emptiness and
    colour keeps a picture of something else from being answered for: so it is with networks made elsewhere.
    ``metrics``, ``data`` and ``training`` are for people: figures, what the network was trained on, and how.
    """

    version: str
    created: str
    architecture: str
    labels: tuple[str, str]
    preprocessing_version: int
    network_sha256: str
    slope: float
    intercept: float
    threshold: float
    band_low: float
    band_high: float
    probes: tuple[Probe, ...]
    gate: Gate | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> ModelCard:
        """Raise ArtifactError, naming what is missing, unknown or out of range."""
        names = {f.name for f in fields(cls)}
        if missing := names - {"gate", "metrics", "data", "training"} - facts.keys():
            raise ArtifactError(f"The card lacks {', '.join(sorted(missing))}.")
        if unknown := facts.keys() - names:
            raise ArtifactError(f"The card holds facts this version does not know: {', '.join(sorted(unknown))}.")
        try:
            probes = tuple(Probe(**probe) for probe in facts["probes"])
            gate = Gate.from_dict(facts["gate"]) if facts.get("gate") else None
            card = cls(**{**facts, "labels": tuple(facts["labels"]), "probes": probes, "gate": gate})
            card._check()
        except (TypeError, ValueError, KeyError) as error:
            raise ArtifactError(f"The card holds a fact of the wrong kind: {error}.") from error
        return card

    def _check(self) -> None:
        if self.preprocessing_version != preprocessing.VERSION:
            raise ArtifactError(
                f"The network was trained on pixels of preprocessing version {self.preprocessing_version}, "
                f"and this program makes version {preprocessing.VERSION}. Train it again with this program."
            )
        if not all(isinstance(number, int | float) and isfinite(number) for number in (self.slope, self.intercept)):
            raise ArtifactError("The card's slope and intercept must be numbers.")
        if not 0 < self.band_low <= self.threshold <= self.band_high < 1:
            raise ArtifactError(
                f"The card's band_low {self.band_low}, threshold {self.threshold} and band_high {self.band_high} "
                "must rise in this order between 0 and 1."
            )
        if len(self.labels) != 2 or not self.probes:
            raise ArtifactError("The card must name two labels and hold at least one probe.")
        if not all(isinstance(facts, dict) for facts in (self.metrics, self.data, self.training)):
            raise ArtifactError("The card's metrics, data and training must be objects of JSON.")
        if len(self.version) > LONGEST_VERSION:
            raise ArtifactError(f"The version has more than {LONGEST_VERSION} characters.")
        if not self.version or set(self.version) - set(_VERSION_CHARACTERS) or self.version.startswith("."):
            raise ArtifactError(f"The version {self.version!r} may hold letters, digits, '.', '-' and '_' only.")


_VERSION_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"


@dataclass(frozen=True)
class Artifact:
    """A verified artifact in memory."""

    card: ModelCard
    network: bytes


def read_artifact(folder: Path) -> Artifact:
    """Read and verify the artifact in ``folder``. Raises ArtifactError with the reason where it must not be used."""
    try:
        facts = json.loads((folder / CARD).read_text(encoding="utf-8"))
        network = (folder / NETWORK).read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(f"{folder} is no artifact: it lacks {Path(error.filename).name}.") from error
    except OSError as error:
        raise ArtifactError(f"{folder} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ArtifactError(f"{folder / CARD} is no JSON: {error}.") from error
    if not isinstance(facts, dict):
        raise ArtifactError(f"{folder / CARD} must hold one JSON object.")
    card = ModelCard.from_dict(facts)
    if hashlib.sha256(network).hexdigest() != card.network_sha256:
        raise ArtifactError(f"{folder / NETWORK} is not the network that its card describes: the hash differs.")
    return Artifact(card, network)


def write_artifact(artifact: Artifact, folder: Path) -> None:
    """Write ``folder`` whole or not at all. Raises ArtifactError where it exists already."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        raise ArtifactError(f"{folder} exists already; an artifact is never overwritten.")
    temporary = Path(tempfile.mkdtemp(prefix=".artifact-", dir=folder.parent))
    try:
        _write_durably(temporary / NETWORK, artifact.network)
        text = json.dumps(artifact.card.as_dict(), indent=2, ensure_ascii=False) + "\n"
        _write_durably(temporary / CARD, text.encode())
        temporary.chmod(0o755)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
