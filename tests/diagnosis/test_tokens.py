"""API tokens: made, shown once, scoped, listed, revoked; and those of earlier versions."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.crypto import hash_token

from diagnosis.models import Radiograph
from diagnosis.people.tokens import ApiToken, make_token
from tests.diagnosis.pages import browser_of, words
from tests.factories import PASSWORD, make_radiograph, upload
from tests.second_factor import show_again_who_one_is

pytestmark = pytest.mark.usefixtures("rung")
TOKENS, API = "/accounts/tokens/", "/api/v1/"
FACTS = {"name": "scanner", "scope": "read", "days": "30"}


def program_with(text: str) -> Client:
    return Client(headers={"Authorization": f"Token {text}"})


def assert_problem(answer: Any, status: int, sentence: str) -> None:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


def made_on_the_page(client: Client, **facts: str) -> str:
    found = re.search(r"pneumo_[0-9a-f]{64}", words(client.post(TOKENS, FACTS | facts)))
    assert found
    return found[0]


@pytest.fixture
def client_of_alice(alice: User) -> Client:
    client = browser_of(alice)
    show_again_who_one_is(client)
    return client


def test_a_token_is_made_on_the_page_and_opens_the_api(client_of_alice: Client, alice: User) -> None:
    text = made_on_the_page(client_of_alice)
    assert program_with(text).get(f"{API}radiographs/").status_code == 200
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.scope) == (alice, "scanner", "read")
    assert token.expiry
    assert timedelta(days=29) < token.expiry - timezone.now() <= timedelta(days=30)


def test_a_token_is_shown_once_and_stored_as_its_hash(client_of_alice: Client) -> None:
    text = made_on_the_page(client_of_alice)
    assert ApiToken.objects.get().digest == hash_token(text)
    listed = words(client_of_alice.get(TOKENS))
    assert text not in listed
    assert text[:15] in listed
    row = ApiToken.objects.values_list().get()
    assert text not in str(row)


def test_a_page_that_shows_a_token_is_kept_nowhere(client_of_alice: Client) -> None:
    assert "no-store" in client_of_alice.post(TOKENS, FACTS)["Cache-Control"]


def test_whoever_makes_a_token_shows_first_who_they_are_and_loses_nothing(alice: User) -> None:
    client = browser_of(alice)
    answer = client.post(TOKENS, FACTS)
    assert answer["Location"] == f"/accounts/reauthenticate/?next={TOKENS.replace('/', '%2F')}"
    assert not ApiToken.objects.exists()
    shown = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": TOKENS})
    assert re.search(r"pneumo_[0-9a-f]{64}", words(shown))
    assert ApiToken.objects.get().name == "scanner"


def test_the_owner_hears_of_a_new_token_by_mail(client_of_alice: Client) -> None:
    text = made_on_the_page(client_of_alice)
    (message,) = mail.outbox
    assert message.to == ["alice@example.org"]
    assert "A new API token: scanner" in message.subject
    assert "Was it not you?" in str(message.body)
    assert text not in str(message.body)


def test_a_form_that_is_sent_twice_makes_one_token(client_of_alice: Client) -> None:
    made_on_the_page(client_of_alice)
    again = client_of_alice.post(TOKENS, FACTS | {"name": " Scanner "})
    assert again.status_code == 400
    assert "You have a token of this name already." in words(again)
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Write a name"),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"scope": "everything"}, "Select a valid choice"),
        ({"days": "36500"}, "Select a valid choice"),
    ],
)
def test_a_form_that_cannot_be_taken_says_why(client_of_alice: Client, wrong: dict[str, str], sentence: str) -> None:
    answer = client_of_alice.post(TOKENS, FACTS | wrong)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert not ApiToken.objects.exists()


def test_a_token_that_may_only_read_changes_nothing(alice: User) -> None:
    program = program_with(make_token(alice, "viewer", "read")[1])
    radiograph = make_radiograph(alice)
    own = f"{API}radiographs/{radiograph.pk}/"
    assert program.get(own).status_code == 200
    assert program.options(own).status_code == 200
    for answer in (
        program.post(f"{API}radiographs/", {"file": upload()}),
        program.post(f"{own}predictions/"),
        program.delete(own),
        program.delete(f"{API}auth/tokens/{ApiToken.objects.get().pk}/"),
    ):
        assert_problem(answer, 403, "This token may only read.")
    assert Radiograph.objects.count() == 1


def test_a_token_that_may_write_writes(alice: User) -> None:
    program = program_with(make_token(alice, scope="write")[1])
    assert program.post(f"{API}radiographs/", {"file": upload()}).status_code == 201


def test_a_program_names_the_token_that_it_asks_for(alice: User) -> None:
    facts = {"username": "alice", "password": PASSWORD, "name": "night shift", "scope": "read"}
    answer = Client().post(f"{API}auth/token/", facts, content_type="application/json")
    assert set(answer.json()) == {"token", "expiry"}
    token = ApiToken.objects.get()
    assert (token.name, token.scope) == ("night shift", "read")


def test_a_program_that_asks_for_a_scope_that_is_none_is_told_so(alice: User) -> None:
    facts = {"username": "alice", "password": PASSWORD, "scope": "root"}
    answer = Client().post(f"{API}auth/token/", facts, content_type="application/json")
    assert_problem(answer, 400, "scope:")
    assert not ApiToken.objects.exists()


def test_an_expired_token_is_refused_with_a_sentence_and_stays_on_the_list(alice: User) -> None:
    _, text = make_token(alice, "old")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert_problem(program_with(text).get(f"{API}radiographs/"), 401, "This token has expired.")
    page = words(browser_of(alice).get(TOKENS))
    assert "Expired" in page
    assert "old" in page


def test_what_expired_long_ago_goes_when_another_one_is_made(alice: User, bob: User) -> None:
    for user in (alice, bob):
        make_token(user, "old")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(days=31))
    make_token(alice, "new")
    assert {(token.user, token.name) for token in ApiToken.objects.all()} == {(alice, "new"), (bob, "old")}


@pytest.mark.parametrize("header", ["Token pneumo_0123", "Token \xff\xfe", "Token " + "0" * 5000])
def test_a_token_that_is_none_is_401(db: Any, header: str) -> None:
    answer = Client(headers={"Authorization": header}).get(f"{API}radiographs/")
    assert_problem(answer, 401, "This token is not known here.")


def test_a_closed_account_has_no_use_of_its_tokens(alice: User) -> None:
    _, text = make_token(alice)
    User.objects.update(is_active=False)
    assert program_with(text).get(f"{API}radiographs/").status_code == 401


def test_its_last_use_is_written_once_a_minute_and_not_at_each_call(alice: User) -> None:
    program = program_with(make_token(alice)[1])
    program.get(f"{API}models/")
    first = ApiToken.objects.get().last_used
    assert first
    program.get(f"{API}models/")
    assert ApiToken.objects.get().last_used == first
    ApiToken.objects.update(last_used=first - timedelta(minutes=2))
    program.get(f"{API}models/")
    last = ApiToken.objects.get().last_used
    assert last
    assert last >= first


def test_letting_a_token_in_takes_one_query(alice: User, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        row, text = make_token(alice)
    row.note_use()
    with django_assert_num_queries(1):
        program_with(text).options(f"{API}radiographs/")


def test_a_revoked_token_opens_nothing_any_more(alice: User) -> None:
    row, text = make_token(alice, "scanner")
    _, other_text = make_token(alice, "script")
    answer = browser_of(alice).post(f"{TOKENS}{row.pk}/revoke/", follow=True)
    assert "The token “scanner” is revoked." in words(answer)
    assert program_with(text).get(f"{API}radiographs/").status_code == 401
    assert program_with(other_text).get(f"{API}radiographs/").status_code == 200


def test_all_are_revoked_at_once_after_a_question(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        make_token(user)
    client = browser_of(alice)
    assert "Revoke all tokens?" in words(client.get(f"{TOKENS}revoke/"))
    assert ApiToken.objects.count() == 3
    client.post(f"{TOKENS}revoke/")
    assert [token.user for token in ApiToken.objects.all()] == [bob]


def test_somebody_elses_token_does_not_exist(alice: User, bob: User) -> None:
    row, _ = make_token(alice, "ward seven")
    program = program_with(make_token(bob)[1])
    assert browser_of(bob).post(f"{TOKENS}{row.pk}/revoke/").status_code == 404
    assert "ward seven" not in words(browser_of(bob).get(TOKENS))
    for answer in (program.get(f"{API}auth/tokens/{row.pk}/"), program.delete(f"{API}auth/tokens/{row.pk}/")):
        assert answer.status_code == 404
    assert ApiToken.objects.filter(pk=row.pk).exists()


def test_the_api_lists_and_revokes_them_too(alice: User, bob: User) -> None:
    make_token(bob, "somebody else's")
    other, _ = make_token(alice, "scanner", "read")
    program = program_with(make_token(alice, "this one")[1])
    listed = program.get(f"{API}auth/tokens/").json()["results"]
    assert [(each["name"], each["scope"], each["is_current"]) for each in listed] == [
        ("this one", "write", True),
        ("scanner", "read", False),
    ]
    assert not any("digest" in each or "token" in each for each in listed)
    assert program.delete(f"{API}auth/tokens/{other.pk}/").status_code == 204
    assert not ApiToken.objects.filter(pk=other.pk).exists()


def test_tokens_of_an_earlier_version_outlive_the_upgrade(alice: User) -> None:
    text, now = "0123456789abcdef" * 4, timezone.now()
    facts = [hash_token(text), text[:15], alice.pk, now, now + timedelta(days=9)]
    with connection.cursor() as cursor:
        columns = "digest, token_key, user_id, created, expiry"
        cursor.execute(f"INSERT INTO knox_authtoken ({columns}) VALUES (%s, %s, %s, %s, %s)", facts)
    migration: Any = importlib.import_module("diagnosis.migrations.0014_profiles_tokens")
    migration.take_over_tokens(apps, connection.SchemaEditorClass(connection))
    assert program_with(text).post(f"{API}radiographs/", {"file": upload()}).status_code == 201
    assert alice.delete()
