"""Delete my account and files: nothing of it is left, on the disk neither, and nothing of others is touched."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from knox.models import get_token_model
from pytest_django.fixtures import Settings

from diagnosis.errands_process import is_anything_due
from diagnosis.models import Batch, Delivery, Leaving, Letter, MailSettings, Prediction, Radiograph, Webhook
from diagnosis.people import leaving
from diagnosis.previews import make_preview
from diagnosis.submission import submit, submit_all
from tests.diagnosis.pages import browser_of, files_under, words
from tests.dicoms import dicom_bytes
from tests.drawings import jpeg_bytes
from tests.factories import PASSWORD, make_user, upload

pytestmark = pytest.mark.usefixtures("rung")

PAGE = "/accounts/delete/"


def confirmed(user: User) -> Client:
    """A browser in which the password was given just now."""
    client = browser_of(user)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def make_everything(user: User) -> None:
    """Store radiographs of several kinds with their pictures, and whatever else a user may have."""
    sent = [upload("a.jpg", jpeg_bytes(seed=1)), upload("b.jpg", jpeg_bytes(seed=2)), upload("c.dcm", dicom_bytes())]
    submit_all(user, sent)
    for radiograph in Radiograph.objects.owned_by(user):
        make_preview(radiograph, radiograph.read())
    webhook = Webhook.objects.create(owner=user, url="https://hook.example/")
    webhook.ping()
    Letter.objects.create(user=user, about="a test", subject="Hello", body="…")
    MailSettings.objects.create(user=user)
    user.tags.create(name="to teach").radiographs.add(*Radiograph.objects.owned_by(user))
    user.saved_filters.create(name="failed", query="status=failed")
    get_token_model().objects.create(user)


@pytest.mark.django_db(transaction=True)
def test_all_files_are_gone_from_the_disk_and_those_of_others_are_all_there(
    alice: User, bob: User, charlie: User, settings: Settings
) -> None:
    make_everything(bob)
    of_bob = {path: path.read_bytes() for path in files_under(settings.MEDIA_ROOT)}
    assert len(of_bob) == 9, "an image, a preview and a thumbnail of each"
    make_everything(alice)
    assert len(files_under(settings.MEDIA_ROOT)) == 18
    client = confirmed(alice)
    assert client.post(PAGE, {"username": "alice"})["Location"] == reverse("diagnosis:left")
    assert is_anything_due()
    leaving.remove_all(alice.pk)
    assert {path: path.read_bytes() for path in files_under(settings.MEDIA_ROOT)} == of_bob
    assert not files_under(settings.FILE_UPLOAD_TEMP_DIR)
    assert set(User.objects.all()) == {bob, charlie}
    for model, count in ((Radiograph, 3), (Prediction, 3), (Webhook, 1), (Delivery, 1), (Letter, 1), (Batch, 1)):
        assert model._default_manager.count() == count
    assert not Leaving.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_in_the_middle_leaves_no_file_without_a_row(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_everything(alice)
    Leaving.objects.begin(alice)
    monkeypatch.setattr(leaving, "AT_ONCE", 2)

    class Killed(BaseException): ...

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("diagnosis.querysets.RadiographQuerySet.delete", kill)
        with pytest.raises(Killed):
            leaving.remove_all(alice.pk)
    assert Radiograph.objects.count() == 3, "its rows still say what is to be removed"
    assert len(files_under(settings.MEDIA_ROOT)) == 3
    assert is_anything_due()
    leaving.remove_all(alice.pk)
    assert not files_under(settings.MEDIA_ROOT)
    assert not User.objects.filter(pk=alice.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_pictures_that_a_killed_worker_left_unnamed_are_removed_too(alice: User, settings: Settings) -> None:
    radiograph = submit(alice, upload())
    radiograph.preview.save("preview.png", ContentFile(b"a picture"), save=False)
    Leaving.objects.begin(alice)
    leaving.remove_all(alice.pk)
    assert not files_under(settings.MEDIA_ROOT)


@pytest.mark.django_db
def test_the_account_is_closed_at_once_everywhere(alice: User, bob: User) -> None:
    elsewhere, other = browser_of(alice), browser_of(bob)
    _, token = get_token_model().objects.create(alice)
    program = {"HTTP_AUTHORIZATION": f"Token {token}"}
    assert Client().get("/api/v1/radiographs/", **program).status_code == 200  # type: ignore[arg-type]
    webhook = Webhook.objects.create(owner=alice, url="https://hook.example/")
    webhook.ping()
    client = confirmed(alice)
    answer = client.post(PAGE, {"username": "alice"}, follow=True)
    assert "Your account is closed" in words(answer)
    for browser in (client, elsewhere):
        assert browser.get("/")["Location"].startswith("/accounts/login/")
    assert Client().get("/api/v1/radiographs/", **program).status_code == 401  # type: ignore[arg-type]
    assert not Client().login(username="alice", password=PASSWORD)
    assert not Webhook.objects.all().with_due().exists(), "nobody is called any more"
    assert other.get("/").status_code == 200
    alice.refresh_from_db()
    assert not alice.is_active


@pytest.mark.django_db
def test_the_password_is_asked_for_and_the_name_must_be_written(alice: User) -> None:
    stale = browser_of(alice)
    for answer in (stale.get(PAGE), stale.post(PAGE, {"username": "alice"})):
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    client = confirmed(alice)
    assert "What stays" in words(client.get(PAGE))
    for written in ("", "bob", "Alice"):
        answer = client.post(PAGE, {"username": written})
        assert answer.status_code == 400
        assert "user name" in words(answer)
    alice.refresh_from_db()
    assert alice.is_active
    assert not Leaving.objects.exists()


@pytest.mark.django_db
def test_the_only_administrator_stays(charlie: User) -> None:
    client = confirmed(charlie)
    assert "You are the only administrator" in words(client.get(PAGE))
    assert client.post(PAGE, {"username": "charlie"}).status_code == 400
    assert not Leaving.objects.exists()
    with pytest.raises(CommandError, match="only administrator"):
        call_command("delete_account", "charlie", "--yes")
    make_user("dora", is_superuser=True)
    assert client.post(PAGE, {"username": "charlie"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_an_administrator_deletes_an_account_by_command(
    alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(alice, upload())
    monkeypatch.setattr("builtins.input", lambda _: "bob")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command("delete_account", "alice")
    with pytest.raises(CommandError, match="no account called 'nobody'"):
        call_command("delete_account", "nobody")
    assert len(files_under(settings.MEDIA_ROOT)) == 1
    call_command("delete_account", "alice", "--yes")
    assert "with all its files" in capsys.readouterr().out
    assert not files_under(settings.MEDIA_ROOT)
    assert list(User.objects.all()) == [bob]
