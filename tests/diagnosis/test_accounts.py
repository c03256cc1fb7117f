"""Logging in and out, and passwords."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from knox.models import get_token_model
from pytest_django.fixtures import Settings

from tests.diagnosis.pages import browser_of
from tests.factories import PASSWORD

LOGIN = "/accounts/login/"
NEW_PASSWORD = "staple battery horse 7"


def log_in(client: Client, login: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(LOGIN, {"login": login, "password": password, **extra})


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("login", ["alice", "alice@example.org"])
def test_one_logs_in_by_name_or_by_email_and_gets_to_the_upload(alice: User, login: str) -> None:
    client = Client()
    assert log_in(client, login)["Location"] == "/"
    assert "Read chest X-rays" in words(client.get("/"))


def test_after_logging_in_one_gets_to_where_one_wanted(alice: User) -> None:
    form = words(Client().get(LOGIN, {"next": "/radiographs/"}))
    assert 'name="next" value="/radiographs/"' in form
    assert log_in(Client(), "alice", next="/radiographs/")["Location"] == "/radiographs/"


def test_nobody_is_led_to_another_site(alice: User) -> None:
    assert log_in(Client(), "alice", next="https://evil.example/")["Location"] == "/"


@pytest.mark.parametrize(("login", "password"), [("alice", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_get_the_same_sentence(alice: User, login: str, password: str) -> None:
    answer = log_in(Client(), login, password)
    assert answer.status_code == 200
    assert "Name and password do not fit together." in words(answer)


def test_after_several_wrong_passwords_one_has_to_wait(alice: User) -> None:
    client = Client()
    for _ in range(5):
        log_in(client, "alice", "wrong")
    assert "Too many failed login attempts. Try again later." in words(log_in(client, "alice"))


@pytest.mark.usefixtures("redis_is_away")
def test_one_logs_in_while_redis_is_away(alice: User) -> None:
    assert log_in(Client(), "alice")["Location"] == "/"
    credentials = {"username": "alice", "password": PASSWORD}
    answer = Client().post("/api/v1/auth/token/", credentials, content_type="application/json")
    assert answer.status_code == 200
    test_after_several_wrong_passwords_one_has_to_wait(alice)


def test_the_admin_pages_have_no_login_of_their_own(alice: User, charlie: User) -> None:
    client = Client()
    login = client.get("/admin/login/", {"next": "/admin/"})
    assert login["Location"] == f"{LOGIN}?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "charlie", "password": PASSWORD})["Location"].startswith(LOGIN)
    assert client.get("/admin/").status_code == 302
    assert log_in(client, "charlie", next="/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    client.force_login(alice)
    assert client.get("/admin/login/").status_code == 403


def test_a_login_without_its_csrf_token_is_403(alice: User) -> None:
    answer = log_in(Client(enforce_csrf_checks=True), "alice")
    assert answer.status_code == 403
    assert "The form has expired" in words(answer)


def test_logging_out_takes_a_post(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert "Log out?" in words(client.get("/accounts/logout/"))
    assert client.get("/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == LOGIN
    assert client.get("/").status_code == 302


def test_the_login_page_says_who_makes_accounts(db: Any, settings: Settings) -> None:
    assert "ask your administrator" in words(Client().get(LOGIN))
    settings.SIGNUP_OPEN = True
    assert "ask your administrator" not in words(Client().get(LOGIN))
    assert "/accounts/signup/" in words(Client().get(LOGIN))


def test_nobody_makes_an_account_while_that_is_closed(db: Any) -> None:
    facts = {"username": "bob", "email": "bob@example.org", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    answer = Client().post("/accounts/signup/", facts)
    assert "Accounts are made by the administrator" in words(answer)
    assert not User.objects.exists()


def test_everybody_makes_an_account_where_that_is_open(db: Any, settings: Settings) -> None:
    settings.SIGNUP_OPEN = True
    facts = {"username": "bob", "email": "bob@example.org", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client = Client()
    assert "Make an account" in words(client.get("/accounts/signup/"))
    assert client.post("/accounts/signup/", facts)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert not User.objects.get().is_staff


def test_one_changes_ones_password(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    wrong = {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert "Please type your current password." in words(client.post("/accounts/password/change/", wrong))
    answer = client.post("/accounts/password/change/", wrong | {"oldpassword": PASSWORD}, follow=True)
    assert "Password successfully changed." in words(answer)
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)


def test_a_new_password_ends_the_tokens_that_the_old_one_gave(alice: User, bob: User) -> None:
    for user in (alice, bob):
        get_token_model().objects.create(user)
    client = Client()
    client.force_login(alice)
    facts = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post("/accounts/password/change/", facts)
    assert [token.user for token in get_token_model().objects.all()] == [bob]


def test_a_password_that_an_administrator_sets_ends_tokens_and_browsers_too(alice: User, charlie: User) -> None:
    get_token_model().objects.create(alice)
    theirs, admin = browser_of(alice), browser_of(charlie)
    path, facts = f"/admin/auth/user/{alice.pk}/password/", {"password1": NEW_PASSWORD, "password2": "another one"}
    admin.post(path, facts)
    assert get_token_model().objects.exists()
    assert admin.post(path, facts | {"password2": NEW_PASSWORD}).status_code == 302
    assert not get_token_model().objects.exists()
    assert theirs.get("/").status_code == 302
    assert admin.get("/").status_code == 200


def test_a_forgotten_password_is_reset_by_mail(alice: User) -> None:
    client = Client()
    answer = client.post("/accounts/password/reset/", {"email": "alice@example.org"}, follow=True)
    assert "Look into your mail" in words(answer)
    get_token_model().objects.create(alice)
    message = str(mail.outbox[0].body)
    (path,) = re.findall(r"http://[^/]+(/accounts/password/reset/key/\S+)", message)
    form = client.get(path, follow=True)
    assert "Choose a new password" in words(form)
    facts = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    done = client.post(form.redirect_chain[-1][0], facts, follow=True)
    assert "Your password is changed" in words(done)
    assert not get_token_model().objects.exists()
    assert log_in(Client(), "alice", NEW_PASSWORD)["Location"] == "/"
    assert "This link no longer works" in words(Client().get(path, follow=True))


def test_a_reset_does_not_say_whether_there_is_such_an_account(db: Any) -> None:
    answer = Client().post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert "Look into your mail" in words(answer)


@pytest.mark.parametrize(
    "path",
    ["email/", "password/change/", "logout/", "reauthenticate/", "inactive/", "confirm-email/", "confirm-email/x/"],
)
def test_every_account_page_looks_like_the_rest(alice: User, path: str) -> None:
    client = Client()
    client.force_login(alice)
    page = words(client.get(f"/accounts/{path}", follow=True))
    assert '<header class="site-header">' in page
    assert "Not a diagnosis and not a medical device" in page


def test_the_account_pages_speak_as_the_others_do(alice: User) -> None:
    client = browser_of(alice)
    assert "A link for a forgotten password goes to the primary one." in words(client.get("/accounts/email/"))
    alice.emailaddress_set.all().delete()  # type: ignore[attr-defined]  # allauth's
    User.objects.update(email="")
    addresses, password = words(client.get("/accounts/email/")), words(client.get("/accounts/password/change/"))
    assert "<h1>Email addresses</h1>" in addresses
    assert "a forgotten password can be replaced by your administrator alone" in addresses
    assert ">New password (again)</label>" in password
    assert "You are logged out." in words(client.post("/accounts/logout/", follow=True))
