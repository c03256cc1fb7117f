"""What answers, and the name of what does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from diagnosis import worker


def test_the_icon_that_browsers_ask_for_is_there(db: None) -> None:
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert answer["Location"].endswith(".svg")


def test_the_process_lives() -> None:
    assert Client().get("/healthz").status_code == 200


def test_ready_when_database_redis_and_a_worker_answer(db: Any) -> None:
    worker.report_alive()
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"


def test_without_a_worker_it_is_not_ready_and_says_which(db: Any) -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready", "database": "ok", "redis": "ok", "worker": "does not answer",
    }  # fmt: skip


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_it_says_so(db: Any) -> None:
    assert not worker.is_any_alive()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (503, "does not answer")


def test_a_database_without_the_tables_does_not_count_as_one_that_answers(db: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO of_another_program")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "does not answer")


def test_without_the_database_it_says_so(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cursor(*_: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr("diagnosis.health.connection", SimpleNamespace(cursor=no_cursor))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "does not answer")
