"""An accepted upload is safe; a refused one leaves nothing behind."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from diagnosis import uploads
from diagnosis.engine.errors import RadiographError
from diagnosis.models import Prediction, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.pages import browser_of
from tests.drawings import jpeg_bytes
from tests.factories import upload


def stored_files(settings: Settings) -> list[Path]:
    return [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]


def test_the_bytes_are_stored_unchanged_with_their_facts(alice: User, rung: list[int | None]) -> None:
    data = jpeg_bytes(640, 480)
    radiograph = submit(alice, upload("thorax.jpg", data))
    assert radiograph.read() == data
    assert radiograph.sha256 == hashlib.sha256(data).hexdigest()
    assert (radiograph.format, radiograph.width, radiograph.height) == ("JPEG", 640, 480)
    assert radiograph.prediction.status == "pending"


def test_the_doorbell_rings_only_after_the_rows_are_committed(
    alice: User, rung: list[int | None], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        radiograph = submit(alice, upload())
        assert rung == []
    assert rung == [radiograph.prediction.pk]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\scans\\chest.jpg", "chest.jpg"),
        ("🫁 Thorax é.jpg", "🫁 Thorax é.jpg"),
        ("a\x00b\u202ec.jpg", "abc.jpg"),
        ("x" * 300 + ".jpg", "x" * 251 + ".jpg"),
    ],
)
def test_a_name_is_shown_and_never_becomes_a_path(alice: User, name: str, shown: str) -> None:
    file = upload()
    file.__dict__["_name"] = name  # as a client may send it: Django's own uploads are cleaned a little before
    radiograph = submit(alice, file)
    assert radiograph.filename == shown
    assert Path(radiograph.file.name or "").name == f"{radiograph.pk}.jpg"


@pytest.mark.parametrize("data", [b"", b"text", jpeg_bytes()[:5000]], ids=["empty", "text", "cut off"])
def test_a_refused_file_leaves_neither_row_nor_file(alice: User, settings: Settings, data: bytes) -> None:
    with pytest.raises(RadiographError):
        submit(alice, upload(data=data))
    assert not Radiograph.objects.exists()
    assert stored_files(settings) == []


def test_the_file_goes_where_the_rows_cannot_be_written(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(Prediction.objects, "bulk_create", broken)
    with pytest.raises(DatabaseError):
        submit(alice, upload())
    assert not Radiograph.objects.exists()
    assert stored_files(settings) == []


def test_the_file_goes_where_the_disk_cannot_keep_it(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("diagnosis.uploads._fsync", full)
    with pytest.raises(OSError, match="No space"):
        submit(alice, upload())
    assert not Radiograph.objects.exists()
    assert stored_files(settings) == []


@pytest.mark.parametrize("prefetched", [True, False])
def test_a_radiograph_deleted_while_it_is_shown_says_so(alice: User, prefetched: bool) -> None:
    submit(alice, upload())
    Prediction.objects.all().delete()  # as if between the query of the rows and that of their predictions
    shown = (Radiograph.objects.with_predictions() if prefetched else Radiograph.objects.all()).get()
    assert shown.prediction.is_final
    assert "deleted" in shown.prediction.reason


def test_deleting_a_user_takes_the_files_along(
    alice: User, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    submit(alice, upload())
    submit(alice, upload())
    with django_capture_on_commit_callbacks(execute=True):
        alice.delete()
        assert len(stored_files(settings)) == 2, "until the rows are gone for certain"
    assert stored_files(settings) == []


def test_deleting_a_radiograph_takes_its_file_and_predictions_along(
    alice: User, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    radiograph = submit(alice, upload())
    with django_capture_on_commit_callbacks(execute=True):
        radiograph.delete()
        assert len(stored_files(settings)) == 1, "until the rows are gone for certain"
    assert stored_files(settings) == []
    assert not Prediction.objects.exists()


@pytest.mark.usefixtures("rung")
def test_the_folders_that_a_days_first_file_makes_are_on_disk_too(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(uploads, "_fsync", synced.append)
    radiograph = submit(alice, upload())
    file, root = Path(radiograph.file.path), Path(settings.MEDIA_ROOT)
    assert synced == [file, file.parent, file.parent.parent, file.parent.parent.parent, root]


@pytest.mark.usefixtures("rung")
def test_an_image_that_could_not_be_read_is_taken_anew_when_it_is_sent_again(alice: User) -> None:
    client = browser_of(alice)
    for count in (1, 2):
        client.post("/", {"file": upload()})
        assert Radiograph.objects.count() == count
        Prediction.objects.update(status="failed", reason="Reading was tried 3 times. Upload it again.")
