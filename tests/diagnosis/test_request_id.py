"""One id from the request to the worker's last line, and lines of the log that name nobody."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from celery.app.trace import trace_task
from celery.signals import before_task_publish
from django.contrib.auth.models import User
from django.test import Client

from diagnosis import tasks, tracing
from diagnosis.logs import JsonFormatter, LineFormatter
from diagnosis.models import ModelVersion
from tests.diagnosis.pages import browser_of
from tests.factories import make_radiograph, upload


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged, as lines of JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def lines_of(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_an_id_that_comes_with_a_request_goes_back_with_the_answer() -> None:
    assert Client().get("/healthz", headers={"X-Request-ID": "proxy-4711-a"})["X-Request-ID"] == "proxy-4711-a"


BAD_IDS = ("", "short", "x" * 65, "two words of it", 'id"; drop', "line\u2028break-of-it", "-leading-dash")


@pytest.mark.parametrize("sent", BAD_IDS)
def test_an_id_that_is_none_is_replaced_by_one_of_our_own(sent: str) -> None:
    answered = Client().get("/healthz", headers={"X-Request-ID": sent})["X-Request-ID"]
    assert answered != sent
    assert len(answered) == 32
    assert tracing.current() == ""


@pytest.mark.django_db(transaction=True)
def test_every_line_of_an_upload_bears_its_id_and_none_names_file_or_user(
    alice: User, log: io.StringIO, rung: list[int]
) -> None:
    browser_of(alice).post("/", {"file": upload("Erika Mustermann.jpg")}, headers={"X-Request-ID": "upload-0001"})
    waits, answered = [line for line in lines_of(log) if line["logger"].startswith("diagnosis.")]
    assert waits["request_id"] == answered["request_id"] == "upload-0001"
    assert waits["prediction"] == rung[0]
    assert (answered["route"], answered["status"], answered["user"]) == ("", 302, alice.pk)
    for personal in ("Mustermann", "alice", "example.org"):
        assert personal not in log.getvalue()


def test_a_refused_request_is_logged_with_its_id(db: None, log: io.StringIO) -> None:
    Client().get("/metrics", headers={"X-Request-ID": "refused-0001"})
    assert {line.get("request_id") for line in lines_of(log)} == {"refused-0001"}


def test_the_id_of_the_request_is_written_on_the_message() -> None:
    sent: list[dict[str, Any]] = []

    def note(headers: dict[str, Any], **_: Any) -> None:
        sent.append(headers)

    before_task_publish.connect(note)
    token = tracing._current.set("ringing-0001")
    try:
        tasks.ring(1)
    finally:
        tracing._current.reset(token)
        before_task_publish.disconnect(note)
    assert sent[0]["request_id"] == "ringing-0001"


def work_for(name: object, prediction_id: int, log: io.StringIO) -> list[dict[str, Any]]:
    """Do the task as a worker does it that finds ``name`` on the message."""
    trace_task(tasks.classify, "id", (prediction_id,), {}, {"id": "id", "request_id": name}, app=current_app)
    return [line for line in lines_of(log) if line["logger"] == "diagnosis.classification"]


def test_the_worker_logs_under_the_id_of_the_upload(alice: User, version: ModelVersion, log: io.StringIO) -> None:
    radiograph = make_radiograph(alice)
    (line,) = work_for("upload-0002", radiograph.prediction.pk, log)
    assert line["request_id"] == "upload-0002"
    assert (line["prediction"], line["radiograph"]) == (radiograph.prediction.pk, str(radiograph.pk))
    assert tracing.current() == ""


def test_what_is_done_for_another_upload_does_not_bear_the_id(
    alice: User, version: ModelVersion, log: io.StringIO
) -> None:
    other = make_radiograph(alice).prediction
    (line,) = work_for("upload-0003", other.pk + 1, log)
    assert line["prediction"] == other.pk
    assert "request_id" not in line


def test_whoever_takes_it_the_upload_keeps_its_id(alice: User, version: ModelVersion, log: io.StringIO) -> None:
    prediction = make_radiograph(alice).prediction
    token = tracing._current.set("upload-0004")
    tracing.remember([prediction.pk])
    tracing._current.reset(token)
    (line,) = work_for("sweep-00001", prediction.pk + 1, log)
    assert (line["prediction"], line["request_id"]) == (prediction.pk, "upload-0004")


@pytest.mark.parametrize("name", [None, 5, "no\nid at all", ["x"]])
def test_a_message_with_no_id_that_makes_sense_is_done_without_one(
    alice: User, version: ModelVersion, log: io.StringIO, name: object
) -> None:
    (line,) = work_for(name, make_radiograph(alice).prediction.pk, log)
    assert "request_id" not in line


def test_lines_for_people_end_with_the_id() -> None:
    record = logging.LogRecord("diagnosis.tasks", logging.INFO, "", 0, "It rings for %s.", (7,), None)
    assert LineFormatter().format(record).endswith("INFO diagnosis.tasks: It rings for 7.")
    token = tracing._current.set("line-00001")
    assert LineFormatter().format(record).endswith("It rings for 7. [line-00001]")
    tracing._current.reset(token)


def test_a_line_of_json_holds_one_line_whatever_it_tells(log: io.StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("diagnosis").exception("It\nfails", extra={"filename_of": "Erika.jpg"})
    (line,) = lines_of(log)
    assert line["message"] == "It\nfails"
    assert "ValueError: two" in line["exception"]
    assert "Erika" not in log.getvalue()
