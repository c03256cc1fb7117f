"""Filters that are kept under a name."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from diagnosis.models import SavedFilter
from tests.diagnosis.pages import browser_of, words
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")
SAVE = "/radiographs/filters/"


def test_a_filter_is_kept_under_a_name_and_found_again(alice: User) -> None:
    make_radiograph(alice, filename="a.jpg", status="failed")
    client = browser_of(alice)
    query = "?status=failed&search=a+b%26c&label=&cursor=xyz&ordering=-created&unknown=1"
    assert client.post(SAVE + query, {"name": " To  look at "}).status_code == 302
    saved = SavedFilter.objects.get()
    assert (saved.owner, saved.name, saved.query) == (alice, "To look at", "search=a+b%26c&status=failed")
    page = client.get(saved.get_absolute_url())
    assert page.context["form"].cleaned_data["search"] == "a b&c"
    assert 'aria-current="true"><bdi>To look at</bdi>' in words(page)
    assert "Save filter" not in words(page)
    assert 'aria-current="true"' not in words(client.get("/radiographs/?status=failed"))


def test_the_same_name_replaces_the_earlier_filter(alice: User) -> None:
    client = browser_of(alice)
    client.post(f"{SAVE}?status=failed", {"name": "Mine"})
    client.post(f"{SAVE}?status=refused", {"name": "MINE"})
    assert [(saved.name, saved.query) for saved in SavedFilter.objects.all()] == [("MINE", "status=refused")]


@pytest.mark.parametrize(
    ("query", "name", "sentence"),
    [
        ("?status=failed", "", "Write a name for the filter"),
        ("?status=failed", "x" * 61, "at most 60 characters"),
        ("", "everything", "Filter the history first"),
        ("?status=nonsense", "wrong", "Filter the history first"),
    ],
)
def test_what_cannot_be_saved_is_said(alice: User, query: str, name: str, sentence: str) -> None:
    client = browser_of(alice)
    client.post(SAVE + query, {"name": name})
    assert not SavedFilter.objects.exists()
    assert sentence in words(client.get("/radiographs/"))


def test_there_is_a_largest_number_of_them(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnosis.pages.saved_filters.MOST_SAVED", 1)
    client = browser_of(alice)
    for name in ("first", "second"):
        client.post(f"{SAVE}?status=failed", {"name": name})
    assert [saved.name for saved in SavedFilter.objects.all()] == ["first"]
    assert "which is the most" in words(client.get("/radiographs/"))


def test_only_its_owner_sees_and_forgets_a_filter(alice: User, bob: User) -> None:
    browser_of(alice).post(f"{SAVE}?status=failed", {"name": "of alice"})
    forget = f"{SAVE}{SavedFilter.objects.get().pk}/forget/"
    assert "of alice" not in words(browser_of(bob).get("/radiographs/"))
    assert browser_of(bob).post(forget).status_code == 404
    assert browser_of(alice).get(forget).status_code == 405
    assert "is forgotten" in words(browser_of(alice).post(forget, follow=True))
    assert not SavedFilter.objects.exists()
