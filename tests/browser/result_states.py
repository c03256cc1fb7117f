"""What there can be on the pages about radiographs, and how it comes about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis.models import Disagreement, Drift, ModelVersion, Prediction, Radiograph
from diagnosis.retention import applying
from diagnosis.reviewing.blinding import set_blinded
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import page_of
from tests.diagnosis.retention import old, rule
from tests.diagnosis.reviews import reviewed
from tests.factories import make_radiograph, succeeded

Make = Callable[[User, ModelVersion], str]
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
REASON = "The image does not look like a chest X-ray. Send the chest X-ray itself, seen from the front."


def result(**facts: Any) -> Make:
    return lambda user, _: page_of(make_radiograph(user, filename="thorax 0815.jpg", **facts))


def answered(probability: float, band: str) -> Make:
    return lambda user, version: page_of(
        make_radiograph(user, filename="thorax 0815.jpg", **{**succeeded(version, probability), "band": band})
    )


def history(user: User, version: ModelVersion) -> str:
    make_radiograph(user, filename="first.jpg", **succeeded(version, 0.03))
    make_radiograph(user, filename="second.jpg", **succeeded(version))
    make_radiograph(
        user,
        filename="a very long name of a file as scanners like to give them 2026-11-25.jpg",
        status="refused",
        reason=REASON,
    )
    make_radiograph(user, filename="damaged.jpg", status="failed", reason="The file is damaged.")
    make_radiograph(user, filename="running.jpg", status="running")
    for _ in range(3):
        make_radiograph(user, filename="waiting.jpg")
    return "/radiographs/"


def cautioned(user: User, version: ModelVersion) -> str:
    radiograph = make_radiograph(user, **succeeded(version))
    Radiograph.objects.update(acquisition={"age": 61.0, "sex": "F", "view": "LATERAL", "modality": "DX"})
    return page_of(radiograph)


def read_twice(user: User, version: ModelVersion) -> str:
    radiograph = make_radiograph(user, **succeeded(version, 0.03))
    Prediction.objects.create(radiograph=radiograph, **succeeded(version))
    return page_of(radiograph)


def newer(version: ModelVersion) -> ModelVersion:
    facts = {"network_sha256": "1" * 64, "card": version.card}
    return ModelVersion.objects.get_or_create(version="2027.03.01-0123abcd", defaults=facts)[0]


def side_by_side(user: User, version: ModelVersion) -> str:
    seen = {"activation_map": [[float(row * column) for column in range(7)] for row in range(7)]}
    radiograph = make_radiograph(user, filename="thorax 0815.jpg", **{**succeeded(version, 0.12), **seen})
    Prediction.objects.create(radiograph=radiograph, **{**succeeded(newer(version)), **seen})
    Prediction.objects.create(radiograph=radiograph, **{**succeeded(version, 0.13), **seen})
    return page_of(radiograph, "side_by_side")


def image_removed(user: User, version: ModelVersion, part: str = "radiograph") -> str:
    radiograph = old(user, version)
    Prediction.objects.create(radiograph=radiograph, **succeeded(newer(version), 0.12))
    applying.apply(rule())
    rule("all", name="A year", days=365)
    return page_of(radiograph, part)


def upload_with_rules(*_: Any) -> str:
    rule(spare_reviewed=True)
    rule("all", name="A year", days=365, outcome="refused")
    return "/"


def disagreements(user: User, version: ModelVersion) -> str:
    for name in ("thorax 0815.jpg", "a very long name of a file as scanners like to give them 2026-11-25.jpg"):
        radiograph = make_radiograph(user, filename=name, **succeeded(version, 0.03))
        newest = Prediction.objects.create(radiograph=radiograph, **succeeded(newer(version)))
        Disagreement.objects.follow(newest)
    return "/radiographs/disagreements/"


def disagreements_blinded(user: User, version: ModelVersion) -> str:
    set_blinded(user, True)
    return disagreements(user, version)


def to_read(user: User, version: ModelVersion) -> str:
    for _ in range(3):
        make_radiograph(user, filename="thorax 0815.jpg", **succeeded(version))
    Radiograph.objects.update(acquisition={"age": 4.0, "sex": "F", "view": "PA"})
    return "/reading/"


def revealed(user: User, version: ModelVersion) -> str:
    to_read(user, version)
    return f"/reading/?last={record(make_radiograph(user, **succeeded(version)), user, 'NORMAL').pk}"


def reviewed_by_several(user: User, version: ModelVersion) -> str:
    radiograph = reviewed(user, version, "PNEUMONIA", "PNEUMONIA", "NORMAL")
    record(radiograph, user, "UNCLEAR")
    record(radiograph, user, "PNEUMONIA", "A shadow at the base of the left lung.")
    return page_of(radiograph)


def blinded(user: User, version: ModelVersion) -> str:
    set_blinded(user, True)
    return page_of(make_radiograph(user, filename="thorax 0815.jpg", **succeeded(version)))


def statistics(user: User, version: ModelVersion) -> str:
    for network, *labels in (
        ("PNEUMONIA", "PNEUMONIA", "PNEUMONIA"),
        ("PNEUMONIA", "NORMAL"),
        ("NORMAL", "PNEUMONIA", "NORMAL"),
        ("NORMAL", "NORMAL", "NORMAL"),
        ("NORMAL", "NORMAL", "UNCLEAR"),
    ):
        reviewed(user, version, network, *labels)
    findings = [
        {"what": "scores", "index": 0.412, "is_noticeable": True, "is_large": True, "distance": 0.2, "p": 0.00001},
        {"what": "format", "index": 0.01, "is_noticeable": False, "is_large": False},
        {"what": "refusals, card", "share": 0.03, "expected": [0, 0.006], "is_noticeable": True, "is_large": False},
    ]
    now = timezone.now()
    facts = {"baseline": {}, "baseline_from": now, "baseline_to": now, "checked": now, "answers": 500}
    Drift.objects.create(model_version=version, findings=findings, is_large=True, **facts)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return "/statistics/"


def no_model(*_: Any) -> str:
    Prediction.objects.all().delete()
    ModelVersion.objects.all().delete()
    return "/models/"
