"""The second factor: set up, asked for at every door, replaced by recovery codes, turned off."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.people.adapter import AccountAdapter
from diagnosis.people.tokens import ApiToken, make_token
from tests.diagnosis.pages import HTMX, browser_of, words
from tests.factories import PASSWORD
from tests.second_factor import code_of, recovery_codes_of, show_again_who_one_is, with_second_factor

INDEX, SET_UP = "/accounts/2fa/", "/accounts/2fa/totp/activate/"
ASKED, OFF = "/accounts/2fa/authenticate/", "/accounts/2fa/totp/deactivate/"
TOKEN = "/api/v1/auth/token/"
WRONG = "000000"


def log_in(client: Client, name: str = "alice", **extra: Any) -> Any:
    return client.post("/accounts/login/", {"login": name, "password": PASSWORD, **extra})


def ask_for_token(**extra: str) -> Any:
    facts = {"username": "alice", "password": PASSWORD, **extra}
    return Client().post(TOKEN, facts, content_type="application/json")


def assert_problem(answer: Any, status: int, sentence: str) -> None:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


@pytest.fixture
def secret(alice: User) -> str:
    return with_second_factor(alice)


@pytest.mark.django_db(transaction=True)
def test_it_is_set_up_by_a_picture_and_a_code_and_gives_recovery_codes_once(alice: User) -> None:
    client = browser_of(alice)
    assert client.get(SET_UP)["Location"].startswith("/accounts/reauthenticate/")
    show_again_who_one_is(client)
    page = words(client.get(SET_UP))
    assert '<svg viewBox="0 0' in page
    assert "style=" not in page
    assert "data:image" not in page
    found = re.search(r'id="secret" tabindex="0">([A-Z2-7]{32})<', page)
    assert found
    wrong = client.post(SET_UP, {"code": WRONG})
    assert "This code is not right" in words(wrong)
    done = client.post(SET_UP, {"code": code_of(found[1])}, follow=True)
    assert "The second factor is on." in words(done)
    codes = recovery_codes_of(alice)
    assert len(codes) == 10
    assert all(code in words(done) for code in codes)
    again = words(client.get("/accounts/2fa/recovery-codes/"))
    assert not any(code in again for code in codes)
    assert client.get("/accounts/2fa/recovery-codes/download/").status_code == 403
    assert "The second factor is on" in mail.outbox[-1].subject


def test_logging_in_takes_the_code_and_leads_to_where_one_wanted(secret: str) -> None:
    client = Client()
    assert log_in(client, next="/radiographs/")["Location"].startswith(ASKED)
    assert client.get("/radiographs/").status_code == 302
    assert "Ask your administrator to remove the second factor." in words(client.get(ASKED))
    assert "This code is not right" in words(client.post(ASKED, {"code": WRONG}))
    assert client.get("/radiographs/").status_code == 302
    assert client.post(ASKED, {"code": code_of(secret)})["Location"] == "/radiographs/"
    assert client.get("/radiographs/").status_code == 200


@pytest.mark.parametrize("step", [-1, 1])
def test_a_clock_may_differ_by_half_a_minute(secret: str, step: int) -> None:
    client = Client()
    log_in(client)
    assert client.post(ASKED, {"code": code_of(secret, step)})["Location"] == "/"


def test_a_code_is_good_for_one_login_even_after_allauth_has_forgotten_it(secret: str) -> None:
    code = code_of(secret, 1)
    for location in ("/", None):
        client = Client()
        log_in(client)
        answer = client.post(ASKED, {"code": code})
        assert answer.get("Location") == location
        user = User.objects.get()
        cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={code}")


def test_wrong_codes_are_counted_and_then_even_the_right_one_has_to_wait(secret: str) -> None:
    client = Client()
    log_in(client)
    for _ in range(5):
        client.post(ASKED, {"code": WRONG})
    assert "Too many failed login attempts." in words(client.post(ASKED, {"code": code_of(secret)}))
    assert_problem(ask_for_token(otp=code_of(secret)), 429, "Too many failed logins.")


def test_a_recovery_code_lets_in_once(secret: str, alice: User) -> None:
    code = recovery_codes_of(alice)[3]
    for location in ("/", None):
        client = Client()
        log_in(client)
        assert client.post(ASKED, {"code": code}).get("Location") == location
    assert len(recovery_codes_of(alice)) == 9


def test_the_admin_pages_let_nobody_in_by_the_password_alone(charlie: User) -> None:
    secret = with_second_factor(charlie)
    client = Client()
    client.post("/admin/login/", {"username": "charlie", "password": PASSWORD})
    log_in(client, "charlie", next="/admin/")
    assert client.get("/admin/").status_code == 302
    client.post(ASKED, {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200


def test_a_program_needs_the_code_too(secret: str) -> None:
    assert_problem(ask_for_token(), 400, "Send the code that your app shows, or a recovery code, as 'otp'.")
    assert_problem(ask_for_token(otp=WRONG), 400, "This code is not right")
    assert not ApiToken.objects.exists()
    code = code_of(secret)
    assert set(ask_for_token(otp=code).json()) == {"token", "expiry"}
    assert_problem(ask_for_token(otp=code), 400, "This code is not right")


def test_who_has_the_code_but_not_the_password_gets_no_token(secret: str) -> None:
    assert_problem(ask_for_token(password="wrong", otp=code_of(secret)), 400, "do not fit together")


def test_a_program_whose_codes_are_wrong_has_to_wait_like_a_person(secret: str) -> None:
    for _ in range(5):
        ask_for_token(otp=WRONG)
    assert_problem(ask_for_token(otp=code_of(secret)), 429, "Too many failed logins.")
    client = Client()
    log_in(client)
    assert "Too many failed login attempts." in words(client.post(ASKED, {"code": code_of(secret)}))


def test_secrets_lie_encrypted_in_the_database(secret: str, alice: User) -> None:
    stored = str(list(Authenticator.objects.values("data")))
    assert secret not in stored
    assert stored.count("gAAAA") == 2  # how Fernet's begin: secret and seed


def test_with_another_secret_key_no_code_fits_and_with_the_old_one_kept_it_does(
    secret: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key"
    client = Client()
    log_in(client)
    assert "This code is not right" in words(client.post(ASKED, {"code": code_of(secret)}))
    assert "SECRET_KEY was changed" in caplog.text
    settings.SECRET_KEY_FALLBACKS = [old]
    client = Client()
    log_in(client)
    assert client.post(ASKED, {"code": code_of(secret)})["Location"] == "/"


def test_it_is_turned_off_by_who_shows_who_they_are(secret: str, alice: User) -> None:
    client = browser_of(alice)
    assert client.get(OFF)["Location"].startswith("/accounts/reauthenticate/")
    show_again_who_one_is(client)
    assert "Turn the second factor off?" in words(client.get(OFF))
    done = client.post(OFF, follow=True)
    assert "The second factor is off." in words(done)
    assert not Authenticator.objects.exists()
    assert log_in(Client())["Location"] == "/"


def test_one_shows_who_one_is_by_a_code_too(secret: str, alice: User) -> None:
    client = browser_of(alice)
    assert "/accounts/2fa/reauthenticate/" in words(client.get("/accounts/reauthenticate/"))
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": OFF})["Location"] == OFF
    assert client.get(OFF).status_code == 200


def test_new_recovery_codes_end_the_old_ones(secret: str, alice: User) -> None:
    client, old = browser_of(alice), recovery_codes_of(alice)
    show_again_who_one_is(client)
    assert "The codes that you have now are of no use any more then." in words(
        client.get("/accounts/2fa/recovery-codes/generate/")
    )
    shown = words(client.post("/accounts/2fa/recovery-codes/generate/", follow=True))
    fresh = recovery_codes_of(alice)
    assert not set(fresh) & set(old)
    assert all(code in shown for code in fresh)


def test_a_mail_server_that_is_away_undoes_nothing(
    secret: str, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(AccountAdapter, "send_mail", away)
    client = browser_of(alice)
    show_again_who_one_is(client)
    assert client.post(OFF)["Location"] == INDEX
    assert not Authenticator.objects.exists()
    assert "could not be mailed: ConnectionRefusedError" in caplog.text
    assert "alice" not in caplog.text


def test_where_no_mail_server_is_named_a_notice_is_printed_nowhere(
    secret: str, alice: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    client = browser_of(alice)
    show_again_who_one_is(client)
    client.post(OFF)
    assert "alice@example.org" not in capsys.readouterr().out


@pytest.fixture
def needed(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True


@pytest.mark.usefixtures("needed")
def test_an_administrator_who_must_have_one_is_led_to_it_from_everywhere(charlie: User, alice: User) -> None:
    client = browser_of(charlie)
    for path in ("/admin/", "/radiographs/", "/"):
        assert client.get(path)["Location"] == INDEX
    assert "so it needs a second factor" in words(client.get("/admin/", follow=True))
    assert client.get(SET_UP).status_code == 302
    assert_problem(client.get("/api/v1/radiographs/"), 403, "so it needs a second factor")
    program = Client(headers={"Authorization": f"Token {make_token(charlie)[1]}"})
    assert_problem(program.get("/api/v1/radiographs/"), 403, "so it needs a second factor")
    assert browser_of(alice).get("/radiographs/").status_code == 200
    with_second_factor(charlie)
    assert client.get("/admin/").status_code == 200
    assert program.get("/api/v1/radiographs/").status_code == 200


@pytest.mark.usefixtures("needed")
def test_a_part_of_a_page_says_so_in_place(charlie: User) -> None:
    answer = browser_of(charlie).get("/radiographs/outcomes/", headers=HTMX)
    assert answer.status_code == 403
    assert "so it needs a second factor" in words(answer)


@pytest.mark.usefixtures("needed")
def test_an_administrator_who_must_have_one_keeps_it(charlie: User) -> None:
    with_second_factor(charlie)
    client = browser_of(charlie)
    show_again_who_one_is(client)
    assert "so it stays on" in words(client.get(OFF))
    assert "so it stays on" in words(client.post(OFF))
    assert Authenticator.objects.exists()


def test_an_administrator_removes_the_second_factor_of_who_lost_it_and_sees_no_secret(
    secret: str, alice: User, charlie: User
) -> None:
    client = browser_of(charlie)
    row = Authenticator.objects.get(type="totp")
    page = words(client.get(f"/admin/mfa/authenticator/{row.pk}/change/"))
    assert "gAAAA" not in page
    assert client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert log_in(Client())["Location"] == "/"
