"""What users take up is shown beside them, at a cost that does not grow with it; and tokens and calls are steered."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from diagnosis import submission
from diagnosis.administration import users
from diagnosis.models import ApiToken, Radiograph, ReadingGroup, Review, Webhook
from diagnosis.people.tokens import make_token
from tests.diagnosis.pages import text_of
from tests.dicoms import dicom_bytes
from tests.factories import make_radiograph, upload


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    client.get("/help/")
    return client


def test_the_list_of_users_says_what_each_takes_up_in_one_query_more(
    admin: Client, alice: User, bob: User, rung: list[int | None]
) -> None:
    sent = [submission.submit(alice, upload()) for _ in range(2)]
    make_token(alice, "the scanner")
    ReadingGroup.found("Ward 3", alice)
    size = sum(radiograph.file.size for radiograph in sent)
    with CaptureQueriesContext(connection) as captured:
        page = text_of(admin.get("/admin/auth/user/"))
        assert len(captured.captured_queries) <= 8
    assert sum(radiograph.size or 0 for radiograph in Radiograph.objects.all()) == size
    row = page[page.index(" alice ") : page.index(" bob ")]
    assert row.startswith(f" alice 2 {size / 1024:.1f} KB ")
    assert " 1 1 - alice@example.org" in row


def test_what_is_much_is_not_counted_to_its_end(admin: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "MOST_SIZES", 1)
    for _ in range(2):
        make_radiograph(alice)
    Radiograph.objects.update(size=1_500_000)
    assert "2 about 2.9 MB" in text_of(admin.get("/admin/auth/user/"))
    monkeypatch.setattr(users, "MOST_COUNTED", 1)
    assert "more than 1 more than 1.4 MB" in text_of(admin.get("/admin/auth/user/"))


def test_the_size_of_a_dicom_file_is_that_of_the_copy_which_is_kept(alice: User, rung: list[int | None]) -> None:
    radiograph = submission.submit(alice, SimpleUploadedFile("a.dcm", dicom_bytes()))
    assert radiograph.size == radiograph.file.size


def test_a_user_is_found_by_name_in_full_and_by_a_part_of_it_or_of_an_address(
    admin: Client, alice: User, bob: User
) -> None:
    EmailAddress.objects.create(user=alice, email="alice@elsewhere.example")
    for address, term in (
        ("auth/user", "alice"),
        ("auth/user", "lic"),
        ("auth/user", "alice@example"),
        ("account/emailaddress", "alice@elsewhere.example"),
        ("account/emailaddress", "alice"),
    ):
        page = admin.get(f"/admin/{address}/", {"q": term}).content.decode()
        assert "alice@" in page
        assert "bob@" not in page


def test_a_deleted_user_takes_reviews_and_all_else_along(admin: Client, alice: User, bob: User) -> None:
    radiograph = make_radiograph(alice)
    Review.objects.create(radiograph=radiograph, reader=bob, label="NORMAL")
    assert admin.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Radiograph.objects.exists()
    assert not Review.objects.exists()


def test_tokens_are_revoked_and_let_nobody_in_after_that(admin: Client, alice: User) -> None:
    row, text = make_token(alice, "the scanner")
    assert "Revoke the selected tokens" in admin.get("/admin/diagnosis/apitoken/").content.decode()
    chosen: dict[str, Any] = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin.post("/admin/diagnosis/apitoken/", chosen)
    assert not ApiToken.objects.exists()
    answer = Client().get("/api/v1/radiographs/", headers={"Authorization": f"Token {text}"})
    assert answer.status_code == 401


def test_calls_are_sent_once_more_but_not_those_that_wait_or_whose_webhook_is_paused(
    admin: Client, alice: User
) -> None:
    open_, paused = (
        Webhook.objects.create(owner=alice, url="https://archive.example.org/hook", paused=why)
        for why in ("", "owner")
    )
    given_up = open_.deliveries.create(event="ping", state="given_up", due=None, attempts=9)
    rows = [given_up, open_.deliveries.create(event="ping"), paused.deliveries.create(event="ping", due=None)]
    chosen = {"action": "send_again", "_selected_action": [row.pk for row in rows]}
    page = text_of(admin.post("/admin/diagnosis/delivery/", chosen, follow=True))
    assert "1 call is sent once more." in page
    assert "2 are not" in page
    given_up.refresh_from_db()
    assert (given_up.state, given_up.attempts) == ("pending", 0)
    assert given_up.due
    rows[2].refresh_from_db()
    assert rows[2].due is None
