"""What can be done with many radiographs at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.history import tagging
from diagnosis.models import ModelVersion, Prediction, Radiograph, Tag
from diagnosis.pages.chosen import MOST_CHOSEN, NAMED
from tests.diagnosis.pages import HTMX, browser_of, files_under, words
from tests.factories import make_radiograph, succeeded

CHOSEN = "/radiographs/chosen/"
ACTIONS = ("delete", "tag", "untag", "classify", "export.csv", "export.json")


def send(client: Client, action: str, chosen: list[Radiograph], query: str = "", **more: Any) -> Any:
    facts = {"pk": [str(radiograph.pk) for radiograph in chosen], **more}
    return client.post(f"{CHOSEN}{action}/{query}".replace(".csv/", ".csv").replace(".json/", ".json"), facts)


def test_deleting_many_names_them_and_asks_first(alice: User) -> None:
    chosen = [make_radiograph(alice, filename=f"{number}.jpg") for number in range(NAMED + 2)]
    client = browser_of(alice)
    page = words(send(client, "delete", chosen))
    assert "Delete 12 X-rays?" in page
    assert page.count('class="filename"') == NAMED
    assert "and 2 more" in page
    fragment = words(client.post(f"{CHOSEN}delete/", {"pk": str(chosen[0].pk)}, headers=HTMX))
    assert "Delete 1 X-ray?" in fragment
    assert "<html" not in fragment
    assert Radiograph.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_deleting_many_removes_rows_files_and_empty_tags_and_nothing_else(
    alice: User, bob: User, settings: Settings
) -> None:
    kept, gone, of_bob = make_radiograph(alice), [make_radiograph(alice) for _ in range(2)], make_radiograph(bob)
    tagging.tag(alice, gone, "old")
    answer = send(browser_of(alice), "delete", [*gone, of_bob], "?status=pending", confirmed="yes")
    assert answer["Location"] == "/radiographs/?status=pending"
    assert set(Radiograph.objects.all()) == {kept, of_bob}
    assert Prediction.objects.count() == 2
    assert len(files_under(settings.MEDIA_ROOT)) == 2
    assert not Tag.objects.exists()


def test_tags_are_put_on_and_taken_off_for_their_owner_alone(alice: User, bob: User) -> None:
    first, second, of_bob = make_radiograph(alice), make_radiograph(alice), make_radiograph(bob)
    client = browser_of(alice)
    send(client, "tag", [first, of_bob], name="  Follow   up ")
    send(client, "tag", [second], name="follow UP")
    assert [tag.name for tag in Tag.objects.all()] == ["Follow up"]
    assert set(Tag.objects.get().radiographs.all()) == {first, second}
    assert "Follow up" in words(client.get("/radiographs/"))
    send(client, "untag", [first], name="FOLLOW up")
    assert set(Tag.objects.get().radiographs.all()) == {second}
    send(client, "untag", [second], name="Follow up")
    assert not Tag.objects.exists()


def test_two_users_may_have_a_tag_of_the_same_name(alice: User, bob: User) -> None:
    for owner in (alice, bob):
        send(browser_of(owner), "tag", [make_radiograph(owner)], name="mine")
    assert Tag.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Write the tag"),
        ("   ", "Write the tag"),
        ("x" * 41, "at most 40 characters"),
        ("a\0b", "Null characters"),
    ],
)
def test_a_tag_that_cannot_be_is_said(alice: User, name: str, sentence: str) -> None:
    client = browser_of(alice)
    send(client, "tag", [make_radiograph(alice)], name=name)
    assert sentence in words(client.get("/radiographs/"))
    assert not Tag.objects.exists()


def test_there_is_a_largest_number_of_tags_and_empty_ones_make_room(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "MOST_TAGS", 2)
    radiograph, client = make_radiograph(alice), browser_of(alice)
    Tag.objects.create(owner=alice, name="on none")
    for name in ("a", "b", "c"):
        send(client, "tag", [radiograph], name=name)
    assert [tag.name for tag in Tag.objects.all()] == ["a", "b"]
    assert "tags already" in words(client.get("/radiographs/"))


@pytest.mark.django_db(transaction=True)
def test_many_are_classified_again_and_earlier_answers_stay(
    alice: User, version: ModelVersion, rung: list[int | None]
) -> None:
    done = [make_radiograph(alice, **succeeded(version)), make_radiograph(alice, status="failed")]
    waiting = make_radiograph(alice)
    client = browser_of(alice)
    send(client, "classify", [*done, waiting])
    assert [radiograph.predictions.count() for radiograph in (*done, waiting)] == [2, 2, 1]
    assert done[0].predictions.last().probability == 0.94  # type: ignore[union-attr]
    assert {Radiograph.objects.get(pk=each.pk).prediction.status for each in done} == {"pending"}
    assert sorted(pk for pk in rung if pk) == sorted(Radiograph.objects.get(pk=each.pk).prediction.pk for each in done)
    page = words(client.get("/radiographs/", {"status": "pending"}))
    assert "2 X-rays are read again" in page
    assert "1 X-ray is waiting for an answer already" in page
    assert page.count('class="card row"') == 3


@pytest.mark.parametrize("action", ACTIONS)
def test_with_nothing_chosen_nothing_is_done_and_that_is_said(alice: User, bob: User, action: str) -> None:
    client, of_bob = browser_of(alice), make_radiograph(bob)
    for chosen in ([], [of_bob]):
        answer = send(client, action, chosen, "?label=NORMAL", name="x", confirmed="yes")
        assert answer["Location"] == "/radiographs/?label=NORMAL"
        assert "Tick at least one X-ray" in words(client.get("/radiographs/"))
    assert Radiograph.objects.exists()
    assert Prediction.objects.count() == 1


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_done_with_many_is_only_asked_for_by_a_form_of_this_site(alice: User, action: str) -> None:
    radiograph = make_radiograph(alice)
    address = CHOSEN + action + ("" if "." in action else "/")
    assert browser_of(alice).get(address).status_code == 405
    strict = browser_of(alice, enforce_csrf_checks=True)
    assert strict.post(address, {"pk": str(radiograph.pk), "confirmed": "yes", "name": "x"}).status_code == 403
    assert Client().post(address)["Location"].startswith("/accounts/login/")
    assert Radiograph.objects.exists()


def test_more_than_are_taken_at_once_is_said(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_CHOSEN >= 100
    monkeypatch.setattr("diagnosis.pages.chosen.MOST_CHOSEN", 1)
    client = browser_of(alice)
    send(client, "delete", [make_radiograph(alice), make_radiograph(alice)], confirmed="yes")
    assert Radiograph.objects.count() == 2
    assert "can be chosen at once" in words(client.get("/radiographs/"))
