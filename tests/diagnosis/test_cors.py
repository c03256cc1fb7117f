"""Pages of other hosts may call the API where a setting names them, and nothing else of this server."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from tests.diagnosis.test_api import RADIOGRAPHS, api_of

ORIGIN = "https://reading.example.org"
ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture
def _named(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]


def test_nobody_is_named_unless_a_setting_does(alice: User, settings: Settings) -> None:
    assert settings.CORS_ALLOWED_ORIGINS == []
    assert not any("cors" in name for name in settings.MIDDLEWARE)
    assert ALLOWED not in api_of(alice).get(RADIOGRAPHS, headers={"Origin": ORIGIN})


@pytest.mark.usefixtures("_named")
def test_a_named_origin_reads_answers_and_what_is_left_but_in_no_session(alice: User) -> None:
    answer = api_of(alice).get(RADIOGRAPHS, headers={"Origin": ORIGIN})
    assert answer[ALLOWED] == ORIGIN
    assert {"ETag", "RateLimit", "Retry-After"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.usefixtures("_named")
def test_a_named_origin_may_send_what_the_api_takes(db: None) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    allowed = Client().options(RADIOGRAPHS, headers=asked)["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key", "prefer"} <= set(allowed)


@pytest.mark.usefixtures("_named")
def test_another_origin_and_the_pages_are_left_alone(alice: User) -> None:
    assert ALLOWED not in api_of(alice).get(RADIOGRAPHS, headers={"Origin": "https://elsewhere.example"})
    assert ALLOWED not in Client().get("/accounts/login/", headers={"Origin": ORIGIN})
