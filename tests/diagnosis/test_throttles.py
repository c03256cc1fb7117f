"""Each user may make so many calls of a kind in a minute, and is told how many are left."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.models import Radiograph
from tests.diagnosis.test_api import RADIOGRAPHS, TOKEN, api_of, assert_problem, post
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("diagnosis.api.throttles.time.time", lambda: 60 * 1000 + 15.5)
    settings.API_RATES = {"upload": 2, "write": 2, "read": 3, "token": 2}


def test_each_answer_says_what_is_left(alice: User) -> None:
    client = api_of(alice)
    left = [client.get(RADIOGRAPHS)["RateLimit"] for _ in range(3)]
    assert left == ['"read";r=2;t=45', '"read";r=1;t=45', '"read";r=0;t=45']
    assert client.get(RADIOGRAPHS)["RateLimit-Policy"] == '"read";q=3;w=60'


def test_one_more_than_the_limit_is_429_and_says_when_to_come_again(alice: User) -> None:
    client = api_of(alice)
    for _ in range(2):
        assert post(client).status_code == 201
    refused = post(client)
    assert_problem(refused, 429, "45 seconds")
    assert refused["Retry-After"] == "45"
    assert refused["RateLimit"] == '"upload";r=0;t=45'
    assert Radiograph.objects.count() == 2


def test_the_next_minute_is_a_new_one(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api_of(alice)
    assert [client.get(RADIOGRAPHS).status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr("diagnosis.api.throttles.time.time", lambda: 60 * 1001 + 0.5)
    assert client.get(RADIOGRAPHS).status_code == 200


def test_users_and_kinds_of_calls_are_counted_apart(alice: User, bob: User) -> None:
    client = api_of(alice)
    for _ in range(4):
        refused = client.get(RADIOGRAPHS)
    assert refused.status_code == 429
    assert api_of(bob).get(RADIOGRAPHS).status_code == 200
    assert post(client).status_code == 201
    assert client.delete(f"{RADIOGRAPHS}{make_radiograph(alice).pk}/").status_code == 204


def test_a_user_has_one_limit_however_many_tokens(alice: User) -> None:
    assert [api_of(alice).get(RADIOGRAPHS).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_asking_for_tokens_is_counted_by_address(db: None) -> None:
    def ask(address: str) -> int:
        body = {"username": "nobody", "password": "x"}
        return Client(REMOTE_ADDR=address).post(TOKEN, body, content_type="application/json").status_code

    assert [ask("192.0.2.1") for _ in range(3)] == [400, 400, 429]
    assert ask("192.0.2.2") == 400


def test_pages_are_not_counted(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    for _ in range(5):
        page = client.get("/radiographs/")
        assert (page.status_code, "RateLimit" in page) == (200, False)
