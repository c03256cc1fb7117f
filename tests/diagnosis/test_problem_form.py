"""Every error below /api/v1/, whoever notices it, has one form: application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from tests.diagnosis.test_api import RADIOGRAPHS, TOKEN, api_of, post
from tests.factories import PASSWORD, make_radiograph

pytestmark = pytest.mark.usefixtures("rung")


def assert_is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert (problem["status"], problem["title"]) == (status, HTTPStatus(status).phrase)
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    "address", ["nothing/", "radiographs/1/", "radiographs/%00/", "models/no/such/", "%F0%9F%AB%81/"]
)
def test_an_unknown_address_is_404(alice: User, address: str) -> None:
    for client in (Client(), api_of(alice)):
        assert_is_problem(client.get(f"/api/v1/{address}"), 404)


@pytest.mark.parametrize("version", ["none", "%00", "%ED%A0%80", "a" * 5000])
def test_an_unknown_version_is_404(alice: User, version: str) -> None:
    assert_is_problem(api_of(alice).get(f"/api/v1/models/{version}/"), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"])
def test_a_method_that_is_not_offered_is_405_and_names_those_that_are(alice: User, method: str) -> None:
    answer = api_of(alice).generic(method, RADIOGRAPHS)
    assert_is_problem(answer, 405)
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_body_of_the_wrong_kind_is_415(alice: User) -> None:
    assert_is_problem(api_of(alice).post(RADIOGRAPHS, "<x/>", content_type="application/xml"), 415)
    assert_is_problem(Client().post(TOKEN, "x", content_type="text/plain"), 415)


@pytest.mark.parametrize("address", ["radiographs/", "models/", "radiographs/{pk}/image/", "radiographs/export.csv"])
def test_a_kind_of_answer_that_is_not_offered_is_406(alice: User, address: str) -> None:
    place = "/api/v1/" + address.format(pk=make_radiograph(alice).pk)
    assert_is_problem(api_of(alice).get(place, headers={"Accept": "audio/ogg"}), 406)
    assert_is_problem(api_of(alice).get(place, headers={"Accept": "nonsense"}), 406)


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "cD0wMDAw"}, {"cursor": "cD0lMDA="}, {"cursor": "\0"}])
@pytest.mark.parametrize("address", ["radiographs/", "models/", "radiographs/{pk}/predictions/"])
def test_a_cursor_that_no_page_gave_is_404_in_every_list(alice: User, address: str, query: dict[str, str]) -> None:
    place = "/api/v1/" + address.format(pk=make_radiograph(alice).pk)
    assert_is_problem(api_of(alice).get(place, query), 404)


@pytest.mark.parametrize(
    "text", ["\0", "9" * 400, "\ud800".encode("utf-8", "surrogatepass"), "a" * 300, "[]{}", "\u202e"]
)
def test_whatever_a_filter_holds_is_understood_or_named(alice: User, text: str | bytes) -> None:
    make_radiograph(alice)
    fields = ["search", "status", "label", "band", "model_version", "tag", "source", "ordering", "created_after"]
    for name in (*fields, "created_before", "page_size", "prediction"):
        answer = api_of(alice).get(RADIOGRAPHS, {name: text})
        if answer.status_code != 200:
            assert_is_problem(answer, 400)


@pytest.mark.parametrize("text", ["\0", "9" * 400, "x"])
@pytest.mark.parametrize("part", ["heatmap", "report"])
def test_a_prediction_that_is_none_is_404(alice: User, part: str, text: str) -> None:
    address = f"{RADIOGRAPHS}{make_radiograph(alice).pk}/{part}/"
    assert_is_problem(api_of(alice).get(address, {"prediction": text}), 404)


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'"x"', b"1", b"null", b"\xff", b'{"username": "\\u0000"}', b"{}"])
def test_a_body_that_is_no_credentials_is_400(db: None, body: bytes) -> None:
    assert_is_problem(Client().post(TOKEN, body, content_type="application/json"), 400)


@pytest.mark.parametrize("name", ["a\0", "\ud800", "9" * 5000])
def test_credentials_of_strange_characters_are_400(db: None, name: str) -> None:
    body = json.dumps({"username": name, "password": name})
    assert_is_problem(Client().post(TOKEN, body, content_type="application/json"), 400)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b'{"model_version": "\\u0000"}', b'{"model_version": []}'])
def test_a_body_that_asks_for_no_version_is_400(alice: User, body: bytes) -> None:
    address = f"{RADIOGRAPHS}{make_radiograph(alice, status='failed').pk}/predictions/"
    assert_is_problem(api_of(alice).post(address, body, content_type="application/json"), 400)


def test_without_a_token_it_is_401_and_without_the_forms_secret_403(alice: User) -> None:
    assert_is_problem(Client().get(RADIOGRAPHS), 401)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert_is_problem(post(browser), 403)


def test_too_much_is_413(alice: User, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1024
    assert_is_problem(post(api_of(alice), bytes(3 * 1024**2)), 413)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert_is_problem(Client().post(TOKEN, {"username": "a" * 20}, content_type="application/json"), 413)


def test_too_often_is_429(alice: User, settings: Settings) -> None:
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 0)
    assert_is_problem(api_of(alice).get(RADIOGRAPHS), 429)


def test_a_fault_of_ours_is_500_without_a_word_of_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("diagnosis.api.pagination.page_of", fault)
    client = api_of(alice)
    client.raise_request_exception = False
    assert "secret" not in json.dumps(assert_is_problem(client.get(RADIOGRAPHS), 500))


def test_a_host_that_is_not_ours_is_400(alice: User) -> None:
    assert_is_problem(api_of(alice).get(RADIOGRAPHS, headers={"Host": "elsewhere.example"}), 400)


def test_a_log_in_after_too_many_failures_is_429(alice: User) -> None:
    for password in (*"abcde", PASSWORD):
        body = {"username": "alice", "password": password}
        answer = Client().post(TOKEN, body, content_type="application/json")
    assert_is_problem(answer, 429)
