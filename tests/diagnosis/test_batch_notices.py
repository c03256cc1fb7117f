"""When an upload of many is read, its owner is told: once, by mail or by webhook."""

from __future__ import annotations

import json
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.errands_process import is_anything_due
from diagnosis.models import Batch, Delivery, Letter, MailSettings, Prediction, Radiograph, Webhook
from diagnosis.people import letters
from diagnosis.people.batch_notices import tell_of_ended
from diagnosis.people.models import PATIENCE
from diagnosis.submission import submit, submit_all
from diagnosis.sweep import sweep
from diagnosis.webhooks.payload import body_of
from tests.archives import zip_bytes
from tests.diagnosis.pages import browser_of, words
from tests.drawings import jpeg_bytes
from tests.factories import upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

#: As the page calls what was dropped on it.
KEY = "0b6f7f0e-7a53-4a0f-9d3a-3f1f7f3b2c11.1"


def images(count: int, first: int = 0) -> list[Any]:
    return [upload(f"Mrs Miller {n}.jpg", jpeg_bytes(seed=n + 1)) for n in range(first, first + count)]


def read_all(seconds: float = 0.0, **facts: Any) -> None:
    """Let every answer be there, so long after the upload."""
    ended = timezone.now() + timedelta(seconds=seconds)
    Prediction.objects.update(**({"status": "failed", "finished_at": ended} | facts))
    Radiograph.objects.all().follow_newest()


def send(user: User, count: int, first: int = 0, files: int = 0, **facts: Any) -> None:
    """Send images one by one, as the page does."""
    client = browser_of(user)
    for image in images(count, first):
        answer = client.post("/", {"file": image, "batch": KEY, "batch_files": files or count, **facts})
        assert answer.status_code in (200, 302)


def test_a_long_upload_is_told_by_one_mail_with_numbers_and_a_link_and_no_names(
    alice: User, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://pneumodetect.example"
    submit_all(alice, images(3))
    assert tell_of_ended() == 0, "nothing is read"
    read_all(90)
    first = Radiograph.objects.first()
    assert first
    first.predictions.update(status="refused")
    Radiograph.objects.all().follow_newest()
    for _ in range(3):
        sweep()
    assert letters.send_due() == 1
    assert letters.send_due() == 0
    (message,) = mail.outbox
    body = str(message.body)
    assert message.to == ["alice@example.org"]
    assert message.subject == "Your 3 X-rays are read"
    assert "1  refused" in body
    assert "2  could not be read" in body
    assert "Miller" not in body
    (address,) = (line for line in body.splitlines() if "/radiographs/" in line)
    history = browser_of(alice).get(address.removeprefix(settings.PUBLIC_URL))
    assert words(history).count("Mrs Miller") >= 3


def test_the_answers_of_the_network_are_counted_by_outcome(alice: User) -> None:
    submit_all(alice, images(2))
    read_all(90, status="succeeded", probability=0.9, label="PNEUMONIA", band="likely")
    tell_of_ended()
    assert "2  pneumonia likely" in Letter.objects.get().body


@pytest.mark.parametrize(
    ("when", "seconds", "mails"),
    [(None, 90, 1), (None, 30, 0), ("always", 1, 1), ("never", 90, 0), ("long", 90, 1), ("long", 1, 0)],
)
def test_the_owner_chooses_when_a_mail_comes(alice: User, when: str | None, seconds: float, mails: int) -> None:
    if when:
        browser_of(alice).post("/accounts/notices/", {"batches": when})
    submit_all(alice, images(2))
    read_all(seconds)
    assert tell_of_ended() == 1
    assert Letter.objects.count() == mails


def test_whoever_asked_for_it_at_the_upload_gets_a_mail_however_short_it_took(alice: User) -> None:
    MailSettings.objects.create(user=alice, batches="never")
    send(alice, 2, by_mail="on")
    read_all(1)
    tell_of_ended()
    assert Letter.objects.count() == 1


def test_one_file_is_no_upload_of_many_unless_its_owner_wants_word(alice: User) -> None:
    client = browser_of(alice)
    client.post("/", {"file": images(1)})
    submit(alice, upload())
    assert not Batch.objects.exists()
    client.post("/", {"file": images(1, first=7), "by_mail": "on"})
    read_all()
    assert tell_of_ended() == 1
    assert Letter.objects.get().subject == "Your X-ray is read"


def test_a_zip_and_several_files_in_one_request_are_one_upload_each(alice: User) -> None:
    client = browser_of(alice)
    archive = zip_bytes((f"{n}.jpg", jpeg_bytes(seed=n + 20)) for n in range(2))
    client.post("/", {"file": upload("many.zip", archive)})
    client.post("/api/v1/radiographs/", {"file": images(2)}, format="multipart")
    assert [batch.radiographs.count() for batch in Batch.objects.all()] == [2, 2]
    read_all()
    assert tell_of_ended() == 2


def test_what_the_page_sends_file_by_file_is_one_upload_and_over_when_all_has_come(alice: User) -> None:
    send(alice, 2, files=3)
    read_all(90)
    assert tell_of_ended() == 0, "one is still to come"
    send(alice, 1, first=2, files=3)
    assert tell_of_ended() == 0, "and to be read"
    read_all(90)
    assert tell_of_ended() == 1
    assert Batch.objects.get().radiographs.count() == 3


def test_a_file_that_is_not_taken_counts_as_come(alice: User) -> None:
    client = browser_of(alice)
    client.post("/", {"file": upload("notes.txt", b"no image"), "batch": KEY, "batch_files": 2})
    send(alice, 1, files=2)
    read_all(90)
    assert tell_of_ended() == 1
    assert Letter.objects.get().subject == "Your X-ray is read"


def test_an_upload_that_is_never_completed_is_told_after_a_while(alice: User) -> None:
    send(alice, 2, files=3)
    read_all(90)
    Batch.objects.update(open_until=timezone.now())
    assert tell_of_ended() == 1
    send(alice, 1, first=2, files=3)
    read_all(90)
    Batch.objects.update(open_until=timezone.now() - PATIENCE)
    assert tell_of_ended() == 0, "nobody is told twice"


def test_a_key_of_another_is_another_upload(alice: User, bob: User) -> None:
    send(alice, 1, files=2)
    send(bob, 1, first=5, files=2)
    assert sorted(batch.radiographs.get().owner.username for batch in Batch.objects.all()) == ["alice", "bob"]


@pytest.mark.parametrize("facts", [{"batch": "'; --"}, {"batch": KEY, "batch_files": "-1"}, {"batch": "x" * 500}])
def test_nonsense_in_place_of_a_key_changes_nothing(alice: User, facts: dict[str, str]) -> None:
    browser_of(alice).post("/", {"file": images(1), **facts})
    assert Radiograph.objects.count() == 1
    assert not Batch.objects.exists()


def test_of_an_upload_whose_radiographs_are_all_deleted_nothing_is_said(alice: User) -> None:
    submit_all(alice, images(2))
    Radiograph.objects.all().delete()
    assert tell_of_ended() == 1
    assert not Letter.objects.exists()
    assert not is_anything_due()


def test_webhooks_are_told_in_the_same_moment(alice: User, bob: User) -> None:
    Webhook.objects.create(owner=bob, url="https://bob.example/")
    webhook = Webhook.objects.create(owner=alice, url="https://hook.example/", on_predictions=False)
    submit_all(alice, images(2))
    read_all(5)
    tell_of_ended()
    tell_of_ended()
    delivery = Delivery.objects.get()
    assert delivery.webhook == webhook
    said = json.loads(body_of(delivery))
    assert said["event"] == "batch.final"
    assert (said["batch"]["radiographs"], said["batch"]["counts"]) == (2, {"failed": 2})
    assert "Miller" not in body_of(delivery)


def test_an_end_that_is_interrupted_is_told_later_and_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    submit_all(alice, images(2))
    read_all(90)
    with monkeypatch.context() as patched:
        patched.setattr("diagnosis.people.batch_notices.write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tell_of_ended()
    assert Batch.objects.get().ended is None
    assert tell_of_ended() == 1
    assert Letter.objects.count() == 1


def test_a_mail_server_that_is_away_is_tried_again_and_the_log_names_nobody(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    submit_all(alice, images(2))
    read_all(90)
    tell_of_ended()

    def away(*_: Any) -> None:
        raise SMTPServerDisconnected("alice@example.org was not delivered")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        assert letters.send_due() == 0
    assert not mail.outbox
    assert "alice" not in caplog.text
    letter = Letter.objects.get()
    assert letter.attempts == 1
    assert letter.due
    assert letter.due > timezone.now()
    assert letters.send_due() == 0, "not before its time"
    Letter.objects.update(due=timezone.now())
    assert letters.send_due() == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<{letter.pk}@pneumodetect>"


def test_whoever_has_no_address_gets_no_mail_and_is_told_how_to(alice: User) -> None:
    User.objects.update(email="")
    client = browser_of(alice)
    assert "no mail comes" in words(client.get("/accounts/notices/"))
    assert "Tell me by mail" not in words(client.get("/"))
    submit_all(alice, images(2))
    read_all(90)
    assert tell_of_ended() == 1
    assert not Letter.objects.exists()


def test_the_upload_page_offers_word_by_mail(alice: User) -> None:
    client = browser_of(alice)
    offered = 'name="by_mail" id="upload-by-mail"'
    assert f"{offered}>" in words(client.get("/"))
    client.post("/accounts/notices/", {"batches": "always"})
    assert f"{offered} checked>" in words(client.get("/"))
