"""The home of one's account, and what one says of oneself there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.people.profile import Profile
from diagnosis.people.tokens import make_token
from tests.diagnosis.pages import browser_of, words
from tests.second_factor import with_second_factor

PROFILE = "/accounts/profile/"


def test_the_menu_leads_to_the_account_and_from_there_to_everything_else(alice: User) -> None:
    client = browser_of(alice)
    assert f'href="{PROFILE}"' in words(client.get("/"))
    home = words(client.get(PROFILE))
    for path in ("email/", "password/change/", "2fa/", "tokens/", "sessions/"):
        assert f'href="/accounts/{path}"' in home
        assert client.get(f"/accounts/{path}").status_code == 200


def test_a_stranger_is_led_to_the_login_page_and_back(db: Any) -> None:
    assert Client().get(PROFILE)["Location"] == f"/accounts/login/?next={PROFILE}"


def test_each_card_says_how_it_stands(alice: User) -> None:
    client = browser_of(alice)
    before = words(client.get(PROFILE))
    assert "None. Programs cannot act in your name." in before
    assert "Off. Your password alone opens the account." in before
    assert "alice@example.org" in before
    row, _ = make_token(alice, "scanner")
    make_token(alice, "script")
    row.note_use()
    with_second_factor(alice)
    browser_of(alice).get("/help/")
    after = words(client.get(PROFILE))
    assert "2 tokens, last used now." in after
    assert "On. 10 recovery codes are left." in after
    assert "Logged in in 2 browsers." in after


def test_looking_at_a_profile_makes_no_row_and_saving_makes_one(alice: User) -> None:
    client = browser_of(alice)
    client.get(PROFILE)
    assert not Profile.objects.exists()
    assert str(Profile.of(alice)) == "alice"
    for name in ("  Dr.  Alice\tLiddell ", "Alice"):
        answer = client.post(PROFILE, {"display_name": name}, follow=True)
        assert "Your profile is saved." in words(answer)
    assert Profile.objects.get().display_name == "Alice"
    assert str(Profile.of(alice)) == "Alice"


def test_a_name_is_kept_without_spaces_that_nobody_sees(alice: User) -> None:
    browser_of(alice).post(PROFILE, {"display_name": "  Dr.  Alice\tLiddell "})
    assert Profile.objects.get().display_name == "Dr. Alice Liddell"


def test_a_name_that_is_too_long_is_refused_beside_its_field(alice: User) -> None:
    answer = browser_of(alice).post(PROFILE, {"display_name": "x" * 81})
    assert answer.status_code == 400
    assert "at most 80 characters" in words(answer)
    assert not Profile.objects.exists()


@pytest.mark.parametrize(("language", "status"), [("de", 302), ("", 302), ("xx", 400)])
def test_one_chooses_among_the_languages_that_the_project_has(
    alice: User, settings: Settings, language: str, status: int
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    client = browser_of(alice)
    assert "Deutsch" in words(client.get(PROFILE))
    answer = client.post(PROFILE, {"display_name": "", "language": language})
    assert answer.status_code == status
    assert Profile.of(alice).language == (language if status == 302 else "")


def test_a_profile_goes_with_its_user(alice: User) -> None:
    Profile.change(alice, display_name="Alice")
    alice.delete()
    assert not Profile.objects.exists()
