"""The administrators' first page says how the platform does, at the same cost however much there is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from diagnosis import worker_reports
from diagnosis.doctor.findings import ok, problem
from diagnosis.models import Drift, ModelVersion, Prediction, Radiograph, Review
from diagnosis.worker_reports import ProcessReport, WorkerReport
from tests.diagnosis.pages import text_of
from tests.factories import make_radiograph, make_user, succeeded

MOST_QUERIES = 25


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff_with(*permissions: str) -> User:
    user = make_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def shown_to(user: User) -> str:
    return text_of(browser(user).get("/admin/"))


def test_it_says_what_waits_what_failed_and_what_came_in(charlie: User, alice: User, version: ModelVersion) -> None:
    made = make_radiograph(alice, **succeeded(version))
    Radiograph.objects.filter(pk=made.pk).update(size=5_000_000)
    for code in ("rotated", "rotated", "cropped"):
        make_radiograph(alice, status="refused", reason_code=code, finished_at=timezone.now())
    waits = make_radiograph(alice).prediction
    Prediction.objects.filter(pk=waits.pk).update(queued_at=timezone.now() - timedelta(minutes=7))
    page = shown_to(charlie)
    assert "Waiting 1, the oldest for 7 minutes" in page
    assert "X-rays a day over the last 30 days: 5 in all" in browser(charlie).get("/admin/").content.decode()
    assert "rotated Refused 2 cropped Refused 1" in page
    assert "Uploads 5, about 23.8 MB" in page


def test_it_says_how_readers_agree_with_the_active_version(charlie: User, alice: User, version: ModelVersion) -> None:
    other = ModelVersion.objects.create(version="other", network_sha256="1" * 64, card=version.card)
    for maker, said, current in (
        (version, "PNEUMONIA", True),
        (version, "NORMAL", True),
        (version, "NORMAL", False),
        (version, "UNCLEAR", True),
        (other, "NORMAL", True),
    ):
        radiograph = make_radiograph(alice, **succeeded(maker))
        Review.objects.create(
            radiograph=radiograph, reader=alice, label=said, current=current, prediction=radiograph.prediction
        )
    page = shown_to(charlie)
    assert f"Version {version}, 2 recent verdicts" in page
    assert "The same label 50.0 %" in page


def test_it_names_the_workers_with_model_and_memory(charlie: User, real_redis: Redis) -> None:
    facts: dict[str, Any] = {
        "host": "here", "started": time.time(), "program": "x", "heard": 1.0, "wanted": 2,
        "main": ProcessReport(1, 50 * 1024**2), "processes": [ProcessReport(2, 150 * 1024**2, "2026.11")],
    }  # fmt: skip
    for name, age in (("one@here", 1.0), ("two@here", 600.0)):
        said = WorkerReport(name=name, time=time.time() - age, **facts)
        real_redis.hset(worker_reports.KEY, name, json.dumps(asdict(said)))
    page = shown_to(charlie)
    assert "one@here 2026.11 1 of 2 200.0 MB at work" in page
    assert "two@here 2026.11 1 of 2 200.0 MB silent for 10 minutes" in page
    assert "Redis answers, version" in page


def test_it_opens_without_redis_and_says_so(charlie: User, redis_is_away: None) -> None:
    page = shown_to(charlie)
    assert "Redis does not answer. Uploads are kept" in page
    assert "Waiting 0" in page


def test_a_drift_is_said(charlie: User, version: ModelVersion) -> None:
    Drift.objects.create(model_version=version, is_large=True, findings=[{"what": "ages", "is_large": True}])
    assert "is no longer as it was" in shown_to(charlie)


def test_staff_see_what_they_may_and_nobody_else_anything(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, status="refused", reason_code="rotated", finished_at=timezone.now())
    user = staff_with()
    page = shown_to(user)
    assert "Waiting 0" in page
    for hidden in ("X-rays a day", "rotated", "Agreement with readers", "Examine it now"):
        assert hidden not in page
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    assert "rotated" in shown_to(user)
    assert browser(alice).get("/admin/").status_code == 302
    assert browser(user).post("/admin/examine/").status_code == 403


def test_an_examination_is_made_when_asked_for_and_remembered(charlie: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def examine(**_: Any) -> dict[str, Any]:
        asked.append(1)
        return {"disk": [ok("There is room.")], "clock": [problem("The clock is wrong.", "Set it.")]}

    monkeypatch.setattr("diagnosis.administration.examining.examine", examine)
    assert "was not examined lately" in shown_to(charlie)
    assert not asked
    page = text_of(browser(charlie).post("/admin/examine/"))
    assert "Problem The clock is wrong. Set it. Good There is room." in page
    page = shown_to(charlie)
    assert "Problems: 1, warnings: 0." in page
    assert "The clock is wrong." in page
    assert len(asked) == 1


def test_it_takes_the_same_queries_however_much_there_is_and_few_within_a_minute(
    charlie: User, alice: User, version: ModelVersion
) -> None:
    client = browser(charlie)
    client.get("/help/")
    counts = []
    for _ in range(2):
        for _ in range(3):
            radiograph = make_radiograph(alice, **succeeded(version))
            Review.objects.create(radiograph=radiograph, label="NORMAL", prediction=radiograph.prediction)
        cache.clear()
        for _ in range(2):
            with CaptureQueriesContext(connection) as captured:
                client.get("/admin/")
                counts.append(len(captured.captured_queries))
    cold, warm, cold_again, warm_again = counts
    assert cold == cold_again <= MOST_QUERIES
    assert warm == warm_again <= 6
