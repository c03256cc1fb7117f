"""Who sees which page, and what every page has in common."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis.models import ModelVersion, Radiograph
from tests.diagnosis.pages import HTMX, browser_of, files_under, page_of, words
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


PARTS = ["radiograph", "status", "image", "delete"]


@pytest.mark.parametrize("path", ["/", "/radiographs/", "/radiographs/outcomes/"])
def test_a_stranger_is_led_to_the_login_page_and_back(db: Any, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("part", PARTS)
def test_the_pages_of_a_radiograph_need_a_login(alice: User, part: str) -> None:
    radiograph = make_radiograph(alice)
    assert Client().get(page_of(radiograph, part))["Location"].startswith("/accounts/login/")


def test_whoever_was_logged_out_meanwhile_is_told_so_in_place(alice: User) -> None:
    for answer in (
        Client().get(page_of(make_radiograph(alice), "status"), headers=HTMX),
        Client().post("/", {"file": upload()}, headers=HTMX),
    ):
        assert answer.status_code == 401
        assert "You are logged out" in words(answer)
        assert "<html" not in words(answer)
    assert Radiograph.objects.count() == 1


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_someone_elses_radiograph_does_not_exist(alice: User, bob: User, part: str, headers: Any) -> None:
    radiograph = make_radiograph(alice)
    answer = browser_of(bob).get(page_of(radiograph, part), headers=headers)
    assert answer.status_code == 404
    assert "There is nothing at this address" in words(answer)


def test_nobody_deletes_someone_elses_radiograph(alice: User, bob: User, settings: Settings) -> None:
    radiograph = make_radiograph(alice)
    assert browser_of(bob).post(page_of(radiograph, "delete")).status_code == 404
    assert Radiograph.objects.filter(pk=radiograph.pk).exists()
    assert len(files_under(settings.MEDIA_ROOT)) == 1


def test_not_even_the_administrator_sees_it_in_the_portal(alice: User, charlie: User) -> None:
    assert browser_of(charlie).get(page_of(make_radiograph(alice))).status_code == 404


def test_an_id_that_never_was_is_404(alice: User) -> None:
    assert browser_of(alice).get(f"/radiographs/{uuid.uuid4()}/").status_code == 404
    assert browser_of(alice).get("/radiographs/1/").status_code == 404


def test_a_fault_of_ours_is_a_page_that_needs_neither_user_nor_database(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("diagnosis.pages.history.page_of", lambda *_, **__: 1 / 0)
    client = browser_of(alice)
    client.raise_request_exception = False
    with django_assert_num_queries(4):  # session, user and what can be filtered by, before the fault
        answer = client.get("/radiographs/")
    assert answer.status_code == 500
    assert "Something went wrong here" in words(answer)
    assert "Log out" not in words(answer)
    assert "Not a diagnosis" in words(answer)


def test_a_name_that_is_markup_is_shown_as_text(alice: User) -> None:
    radiograph = make_radiograph(alice, filename="<img src=x onerror=alert(1)>.jpg")
    for path in (page_of(radiograph), "/radiographs/", page_of(radiograph, "delete")):
        page = words(browser_of(alice).get(path))
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page


def test_only_staff_is_offered_the_admin(alice: User, charlie: User) -> None:
    assert "/admin/" not in words(browser_of(alice).get("/"))
    assert "/admin/" in words(browser_of(charlie).get("/"))


def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own(alice: User, version: ModelVersion) -> None:
    waiting, done = make_radiograph(alice), make_radiograph(alice, **succeeded(version))
    client = browser_of(alice)
    for path in ("/", "/radiographs/", page_of(waiting), page_of(done), page_of(done, "delete"), "/nowhere/"):
        page = words(client.get(path))
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert "https://" not in page


def test_pages_are_not_kept_by_the_browser_after_logging_out(alice: User) -> None:
    assert "no-store" in browser_of(alice).get("/radiographs/")["Cache-Control"]
