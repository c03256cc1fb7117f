"""The history as a file: all columns, the same filters, and no formula that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from diagnosis.history import exporting, tagging
from diagnosis.models import ModelVersion, Radiograph
from tests.diagnosis.pages import browser_of
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def sheet_of(answer: Any) -> list[dict[str, str]]:
    text = text_of(answer)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_a_row_has_all_columns_as_json_and_as_csv(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, filename='with "quotes", and\nlines.jpg', **succeeded(version))
    Radiograph.objects.update(acquisition={"age": 34, "view": "LL"}, source="api")
    tagging.tag(alice, [radiograph], "b")
    tagging.tag(alice, [radiograph], "A, too")
    browser = browser_of(alice)
    [row] = json.loads(text_of(browser.get("/radiographs/export.json")))
    assert list(row) == list(exporting.COLUMNS)
    expected = {
        "id": str(radiograph.pk),
        "filename": 'with "quotes", and\nlines.jpg',
        "source": "api",
        "tags": ["A, too", "b"],
        "status": "succeeded",
        "label": "PNEUMONIA",
        "probability": 0.94,
        "band": "likely",
        "model_version": version.version,
        "age": 34,
        "sex": None,
        "warnings": ["adult", "not_frontal"],
    }
    assert {name: row[name] for name in expected} == expected
    answer = browser.get("/radiographs/export.csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="PneumoDetect 2')
    [cells] = sheet_of(answer)
    assert list(cells) == list(exporting.COLUMNS)
    assert (cells["tags"], cells["sex"], cells["probability"]) == ("A, too; b", "", "0.94")
    assert cells["filename"] == row["filename"]
    assert cells["created"] == row["created"] == radiograph.created.isoformat()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("http://x","y")', "|=x", "a=1"]
)
def test_no_cell_of_a_spreadsheet_begins_as_a_formula(alice: User, text: str) -> None:
    radiograph = make_radiograph(alice, filename=text, status="failed", reason=text)
    tagging.tag(alice, [radiograph], text)
    Radiograph.objects.update(acquisition={"manufacturer": text})
    [cells] = sheet_of(browser_of(alice).get("/radiographs/export.csv"))
    for name in ("filename", "reason", "tags", "manufacturer"):
        harmless = text in ("|=x", "a=1")
        assert cells[name] == (text if harmless else f"'{text}")
    [row] = json.loads(text_of(browser_of(alice).get("/radiographs/export.json")))
    assert row["filename"] == text


def test_the_export_is_filtered_and_sorted_as_the_list_is(alice: User, bob: User, version: ModelVersion) -> None:
    for name, status in {"b.jpg": "failed", "a.jpg": "failed", "c.jpg": "pending"}.items():
        make_radiograph(alice, filename=name, status=status)
    make_radiograph(bob, status="failed")
    query = {"status": "failed", "ordering": "filename"}
    assert [row["filename"] for row in sheet_of(browser_of(alice).get("/radiographs/export.csv", query))] == [
        "a.jpg",
        "b.jpg",
    ]
    rows = json.loads(text_of(api_of(alice).get(f"{RADIOGRAPHS}export.json", query)))
    assert [row["filename"] for row in rows] == ["a.jpg", "b.jpg"]
    assert len(sheet_of(api_of(alice).get(f"{RADIOGRAPHS}export.csv", headers={"Accept": "text/csv"}))) == 3
    assert_problem(api_of(alice).get(f"{RADIOGRAPHS}export.csv", {"status": "x"}), 400, "There is no “x”")
    assert browser_of(alice).get("/radiographs/export.csv", {"status": "x"}).status_code == 400


def test_what_is_chosen_can_be_exported_by_itself(alice: User) -> None:
    chosen = make_radiograph(alice, filename="chosen.jpg")
    make_radiograph(alice, filename="other.jpg")
    answer = browser_of(alice).post("/radiographs/chosen/export.csv", {"pk": str(chosen.pk)})
    assert [row["filename"] for row in sheet_of(answer)] == ["chosen.jpg"]


def test_an_export_reads_part_by_part_and_sends_each_at_once(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    names = [make_radiograph(alice).pk for _ in range(5)]
    answer: Any = browser_of(alice).get("/radiographs/export.json")
    pieces = iter(answer.streaming_content)
    with django_assert_num_queries(5):  # keys, rows, their predictions, tags and reviews; none of the other parts yet
        first = next(pieces)
    rows = json.loads(first + b"".join(pieces))
    assert [row["id"] for row in rows] == [str(pk) for pk in reversed(names)]


def test_an_empty_history_is_an_empty_file(alice: User) -> None:
    assert json.loads(text_of(browser_of(alice).get("/radiographs/export.json"))) == []
    assert sheet_of(browser_of(alice).get("/radiographs/export.csv")) == []


def test_a_visitor_gets_no_file(db: Any) -> None:
    from django.test import Client

    assert Client().get("/radiographs/export.csv")["Location"].startswith("/accounts/login/")
    assert_problem(Client().get(f"{RADIOGRAPHS}export.csv"), 401, "")
