"""Where one is logged in: listed, and ended from afar."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from diagnosis.people.sessions import browser_in_words
from tests.diagnosis.pages import words
from tests.factories import PASSWORD

SESSIONS = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
EDGE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0"


def logged_in(name: str, user_agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    client = Client(headers={"User-Agent": user_agent}, REMOTE_ADDR=address)
    assert client.post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 302
    return client


def is_logged_in(client: Client) -> bool:
    return bool(client.get("/help/").context["user"].is_authenticated)


def test_every_browser_is_listed_in_words_and_this_one_is_marked(alice: User, bob: User) -> None:
    here = logged_in("alice")
    logged_in("alice", CHROME, "198.51.100.9")
    logged_in("bob", EDGE)
    page = words(here.get(SESSIONS))
    assert page.index("Firefox on Windows") < page.index("This one") < page.index("Chrome on Android")
    assert "From 198.51.100.9, last seen now" in page
    assert "Edge" not in page


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (CHROME, "Chrome on Android"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on macOS"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent: str, name: str) -> None:
    assert browser_in_words(user_agent) == name


def test_another_browser_is_logged_out_from_afar(alice: User) -> None:
    here, there = logged_in("alice"), logged_in("alice", CHROME)
    row = UserSession.objects.get(user_agent=CHROME)
    answer = here.post(f"{SESSIONS}{row.pk}/end/", follow=True)
    assert "That browser is logged out." in words(answer)
    assert "Chrome" not in words(answer)
    assert not is_logged_in(there)
    assert is_logged_in(here)


def test_all_others_are_logged_out_at_once(alice: User, bob: User) -> None:
    here, others = logged_in("alice"), [logged_in("alice", CHROME), logged_in("alice", EDGE)]
    stranger = logged_in("bob")
    answer = here.post(f"{SESSIONS}end/", follow=True)
    assert "2 other browsers are logged out." in words(answer)
    assert [is_logged_in(each) for each in (here, stranger, *others)] == [True, True, False, False]


def test_ending_this_one_logs_out(alice: User) -> None:
    here = logged_in("alice")
    answer = here.post(f"{SESSIONS}{UserSession.objects.get().pk}/end/")
    assert answer["Location"] == "/accounts/login/"
    assert not is_logged_in(here)
    assert not Session.objects.filter(session_key=here.cookies["sessionid"].value).exists()


def test_somebody_elses_browser_does_not_exist(alice: User, bob: User) -> None:
    theirs, mine = logged_in("alice"), logged_in("bob")
    row = UserSession.objects.get(user=alice)
    assert mine.post(f"{SESSIONS}{row.pk}/end/").status_code == 404
    assert is_logged_in(theirs)


def test_a_session_of_before_the_upgrade_is_found_when_its_browser_comes(alice: User) -> None:
    old, here = Client(headers={"User-Agent": EDGE}), logged_in("alice")
    old.force_login(alice)
    assert "Edge" not in words(here.get(SESSIONS))
    old.get("/help/")
    assert "Edge on macOS" in words(here.get(SESSIONS))


def test_an_expired_session_is_listed_no_more(alice: User) -> None:
    here, there = logged_in("alice"), logged_in("alice", CHROME)
    key = there.cookies["sessionid"].value
    Session.objects.filter(session_key=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert "Chrome" not in words(here.get(SESSIONS))


def test_it_is_written_once_a_minute_and_not_at_every_request(alice: User, django_assert_num_queries: Any) -> None:
    client = logged_in("alice", address="192.0.2.7")
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    client.get("/help/")
    assert timezone.now() - UserSession.objects.get().last_seen_at > timedelta(minutes=59)
    cache.clear()  # a minute later
    client.get("/help/", REMOTE_ADDR="198.51.100.9")
    row = UserSession.objects.get()
    assert timezone.now() - row.last_seen_at < timedelta(minutes=1)
    assert row.ip == "198.51.100.9"
    with django_assert_num_queries(2):  # session and user
        client.get("/accounts/inactive/")


def test_a_new_password_logs_out_all_other_browsers_and_they_are_listed_no_more(alice: User) -> None:
    here, there = logged_in("alice"), logged_in("alice", CHROME)
    facts = {"oldpassword": PASSWORD, "password1": "staple battery horse 7", "password2": "staple battery horse 7"}
    here.post("/accounts/password/change/", facts)
    page = words(here.get(SESSIONS))
    assert "Chrome" not in page
    assert "This one" in page
    assert is_logged_in(here)
    assert not is_logged_in(there)


def test_a_database_that_cannot_write_it_down_spoils_no_answer(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = logged_in("alice")
    cache.clear()

    def locked(*_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("diagnosis.people.sessions._write_down", locked)
    assert client.get("/help/").status_code == 200
    assert "could not be written down" in caplog.text
