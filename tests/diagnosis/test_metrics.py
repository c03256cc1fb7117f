"""What Prometheus is told, what it costs, and who is told."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pytest_django.fixtures import Settings
from redis import Redis

from diagnosis import worker, worker_reports
from diagnosis.classification import classify_next
from diagnosis.metrics import tally
from diagnosis.models import ModelVersion, Prediction
from diagnosis.people.tokens import make_token
from diagnosis.sweep import sweep
from diagnosis.worker_reports import ProcessReport, WorkerReport
from tests.diagnosis.pages import browser_of, page_of
from tests.drawings import uniform_png_bytes
from tests.factories import make_radiograph, succeeded

METRICS_TOKEN = "a token for Prometheus alone"


@pytest.fixture
def token(settings: Settings) -> str:
    settings.METRICS_TOKEN = METRICS_TOKEN
    return METRICS_TOKEN


def ask(header: str = f"Bearer {METRICS_TOKEN}", **options: Any) -> Any:
    return Client().get("/metrics", headers={"Authorization": header, **options})


class Figures:
    """What a scrape answers, by name and labels."""

    def __init__(self) -> None:
        answer = ask()
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.content.decode())
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        found = [each.value for each in self.named(name) if labels.items() <= each.labels.items()]
        return sum(found) if found else None

    def named(self, name: str) -> list[Sample]:
        return [each for each in self.samples if each.name == f"pneumodetect_{name}"]


def test_a_stranger_and_a_member_are_told_nothing(alice: User, token: str) -> None:
    assert Client().get("/metrics").status_code == 401
    assert browser_of(alice).get("/metrics").status_code == 403
    assert ask(f"Token {make_token(alice)[1]}").status_code == 403
    assert ask("Bearer a token that is none").status_code == 401
    assert b"pneumodetect" not in Client().get("/metrics").content


def test_staff_are_told_by_session_and_by_token(charlie: User) -> None:
    assert browser_of(charlie).get("/metrics").status_code == 200
    answer = ask(f"Token {make_token(charlie)[1]}", Accept="text/plain")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")


def test_without_the_setting_no_empty_token_opens_it(db: Any) -> None:
    assert ask("Bearer ").status_code == 401
    assert ask("").status_code == 401


def test_requests_are_counted_by_route_and_never_by_address(alice: User, token: str) -> None:
    radiograph = make_radiograph(alice)
    labels = {"method": "GET", "route": "radiographs/<uuid:pk>/", "status": "200"}
    before = Figures()("http_requests_total", **labels) or 0
    browser_of(alice).get(page_of(radiograph))
    Client().generic("BREW", "/radiographs/coffee")
    figures = Figures()
    assert figures("http_requests_total", **labels) == before + 1
    assert figures("http_request_seconds_count", route=labels["route"])
    assert figures("http_requests_total", method="other", route="none", status="404")
    assert str(radiograph.pk) not in ask().content.decode()


def test_the_queue_has_a_length_and_an_age(alice: User, version: ModelVersion, token: str) -> None:
    assert (Figures()("queue_length"), Figures()("queue_oldest_seconds")) == (0, 0)
    make_radiograph(alice, queued_at=timezone.now() - datetime.timedelta(hours=1))
    make_radiograph(alice)
    make_radiograph(alice, **succeeded(version))
    figures = Figures()
    assert figures("queue_length") == 2
    assert 3600 <= (figures("queue_oldest_seconds") or 0) < 3700
    assert figures("model_active", version=version.version, sha256=version.network_sha256) == 1


def test_predictions_are_counted_by_outcome_with_their_times(
    alice: User, version: ModelVersion, token: str, real_redis: Redis
) -> None:
    queued = timezone.now() - datetime.timedelta(seconds=20)
    for data in (None, uniform_png_bytes(), b"no image at all"):
        classify_next(make_radiograph(alice, data, queued_at=queued).prediction.pk)
    make_radiograph(alice, attempts=3, status="running", lease_until=queued)
    sweep()
    figures = Figures()
    counted = {
        (each.labels["outcome"], each.labels["model_version"]): each.value
        for each in figures.named("predictions_total")
    }
    assert counted == {("succeeded", version.version): 1, ("refused", version.version): 1, ("failed", ""): 2}
    assert figures("waiting_seconds_bucket", le="10.0") == 0
    assert figures("waiting_seconds_bucket", le="30.0") == 3
    assert figures("inference_seconds_bucket", le="+Inf") == figures("inference_seconds_count") == 3
    assert 60 <= (figures("waiting_seconds_sum") or 0) < 90


def test_an_answer_that_came_after_the_claim_was_lost_is_not_counted(
    alice: User, version: ModelVersion, token: str, real_redis: Redis
) -> None:
    prediction = Prediction.objects.claim(make_radiograph(alice).prediction.pk, "slow")
    assert prediction
    Prediction.objects.filter(pk=prediction.pk).release()
    classify_next(prediction.pk)
    tally.count_final(prediction)
    assert Figures()("predictions_total") == 1


def test_each_process_of_a_worker_has_its_memory_and_model(
    monkeypatch: pytest.MonkeyPatch, token: str, real_redis: Redis, version: ModelVersion
) -> None:
    monkeypatch.setattr(worker, "_held", {})
    monkeypatch.setattr(worker, "_reported", None)
    worker.current_classifier()
    pid = int(worker.process_name().rpartition(":")[2])
    worker_reports.report("worker@here", [pid], 1, heard=2.5)
    figures = Figures()
    assert figures("workers") == 1
    memory = figures("worker_memory_bytes", worker="worker@here", process="0", model_version=version.version)
    assert (memory or 0) > 20 * 1024**2
    assert figures("worker_heard_seconds", worker="worker@here") == 2.5


def test_a_worker_that_has_stopped_reporting_is_not_counted(
    db: Any, token: str, real_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_reports.report("worker@here", [], 1, heard=0)
    monkeypatch.setattr(worker_reports, "AWAY_AFTER", -1.0)
    assert Figures()("workers") == 0
    (said,) = worker_reports.reports()
    assert isinstance(said, WorkerReport)
    assert isinstance(said.main, ProcessReport)


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_the_rest_is_told_still(alice: User, token: str) -> None:
    make_radiograph(alice)
    figures = Figures()
    assert (figures("answers", part="redis"), figures("answers", part="database")) == (0, 1)
    assert figures("queue_length") == 1
    assert figures("disk_free_bytes")
    assert figures("predictions_total") is None


@pytest.mark.usefixtures("redis_is_away", "version")
def test_without_redis_predictions_are_made_still(alice: User) -> None:
    radiograph = make_radiograph(alice)
    classify_next(radiograph.prediction.pk)
    assert radiograph.prediction.status == "succeeded"


def plans_of(queries: Iterable[str]) -> list[str]:
    """Return how the database finds the rows of each query."""
    with connection.cursor() as cursor:
        found = []
        for query in queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query}" if connection.vendor == "sqlite" else f"EXPLAIN {query}")
            found += [str(row[-1]) for row in cursor.fetchall()]
        return found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL scans what is small, whatever index there is")
def test_a_scrape_reads_indexes_and_no_whole_table(alice: User, token: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        Figures()
    queries = [each["sql"] for each in captured if "diagnosis_" in each["sql"]]
    assert 0 < len(queries) <= 4
    plans = plans_of(queries)
    assert [plan for plan in plans if "diagnosis_prediction" in plan and "prediction_not_final" not in plan] == []
