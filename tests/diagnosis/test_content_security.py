"""A page loads and runs nothing but what this server sends as a file of its own."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from tests.diagnosis.pages import browser_of, page_of
from tests.drawings import image_bytes
from tests.factories import make_radiograph

HEADER = "Content-Security-Policy"


def test_every_page_forbids_what_is_written_into_it_and_what_comes_from_elsewhere(alice: User, charlie: User) -> None:
    pages = [(alice, "/"), (alice, "/radiographs/"), (alice, "/nowhere/"), (alice, page_of(make_radiograph(alice)))]
    for user, address in [*pages, (charlie, "/admin/")]:
        policy = browser_of(user).get(address)[HEADER]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy, address
        assert "unsafe" not in policy
    assert HEADER in Client().get("/accounts/login/")


def test_an_uploaded_file_keeps_the_stricter_policy_of_its_own(alice: User) -> None:
    radiograph = make_radiograph(alice, image_bytes("JPEG"))
    assert browser_of(alice).get(page_of(radiograph, "image"))[HEADER] == "default-src 'none'; sandbox"


def test_what_is_no_page_goes_without(alice: User) -> None:
    assert HEADER not in browser_of(alice).get("/api/v1/radiographs/")
