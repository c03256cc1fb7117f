"""The language that a user has chosen in the profile, and what goes before it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from diagnosis.people.language import language_of
from diagnosis.people.profile import Profile
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
PROFILE = {"display_name": "", "language": "de"}


def language_shown(client: Client, **headers: str) -> str:
    return str(client.get("/help/", headers=headers)["Content-Language"])


def test_the_choice_in_the_profile_holds_at_once_and_in_other_browsers(alice: User) -> None:
    here = Client()
    here.force_login(alice)
    assert language_shown(here) == "en-gb"
    assert "Ihr Profil" in here.post("/accounts/profile/", PROFILE, follow=True).content.decode()
    assert language_shown(here) == "de"
    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert language_shown(elsewhere, accept_language="en") == "de"
    assert language_of(alice) == "de"


def test_what_is_chosen_in_a_browser_goes_before_the_profile_until_that_is_saved_again(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    client.post("/accounts/profile/", PROFILE)
    client.post("/language/", {"language": "en-gb"})
    assert language_shown(client) == "en-gb"
    client.post("/accounts/profile/", PROFILE)
    assert language_shown(client) == "de"


def test_without_a_choice_the_browser_decides(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert language_shown(client, accept_language="de-AT,de;q=0.9") == "de"
    assert language_of(alice) == "en-gb"
    Profile.change(alice, language="")
    assert language_shown(client) == "en-gb"
