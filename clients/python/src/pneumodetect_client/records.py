"""What the server answers, as objects. Fields that a newer server adds are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FINAL = ("succeeded", "refused", "failed")


@dataclass(frozen=True)
class Problem:
    """Why something was refused (RFC 9457). ``errors`` says for each bad field what is wrong with it."""

    status: int
    title: str
    detail: str
    errors: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Problem:
        return cls(data["status"], data["title"], data["detail"], data.get("errors") or {})


@dataclass(frozen=True)
class Reason:
    """Why a radiograph was not answered, or what to bear in mind with an answer."""

    code: str
    detail: str

    @classmethod
    def of(cls, data: Mapping[str, str] | None) -> Reason | None:
        return cls(data["code"], data["detail"]) if data else None


@dataclass(frozen=True)
class Prediction:
    """What a version of the network says of a radiograph, and how far it is."""

    id: int
    status: str
    label: str | None
    probability: float | None
    threshold: float | None
    band: str | None
    refusal: Reason | None
    error: Reason | None
    model_version: str | None
    heatmap_url: str | None
    report_url: str | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Prediction:
        plain = ("id", "status", "label", "probability", "threshold", "band", "model_version")
        facts = {name: data[name] for name in (*plain, "heatmap_url", "report_url")}
        return cls(refusal=Reason.of(data["refusal"]), error=Reason.of(data["error"]), **facts)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True)
class Radiograph:
    """One uploaded image with its newest prediction. ``data`` holds all that the server said of it."""

    id: str
    url: str
    created: datetime
    filename: str
    status: str
    sha256: str
    prediction: Prediction
    data: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Radiograph:
        facts = {name: data[name] for name in ("id", "url", "filename", "status", "sha256")}
        created = datetime.fromisoformat(data["created"])
        return cls(created=created, prediction=Prediction.of(data["prediction"]), data=data, **facts)


@dataclass(frozen=True)
class Result:
    """What became of one file that was sent: its radiograph, or its problem."""

    name: str
    radiograph: Radiograph | None = None
    problem: Problem | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Result:
        radiograph, problem = data["radiograph"], data["problem"]
        return cls(data["name"], radiograph and Radiograph.of(radiograph), problem and Problem.of(problem))
