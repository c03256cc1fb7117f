"""Uploading through the page: what is taken, and what is said of what is not."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.html import escape
from pytest_django.fixtures import Settings

from diagnosis.models import ModelVersion, Radiograph
from tests.diagnosis.pages import HTMX, assert_nothing_is_stored, browser_of, files_under, page_of, words
from tests.drawings import damaged_png_bytes, image_bytes, jpeg_bytes, png_bytes, png_that_claims
from tests.factories import upload

pytestmark = pytest.mark.usefixtures("rung")


def test_the_upload_page_says_what_it_takes_before_anything_is_chosen(alice: User, version: ModelVersion) -> None:
    page = words(browser_of(alice).get("/"))
    assert "JPEG, PNG, WebP, TIFF or DICOM · up to 25 MB each · up to 500 at once" in page
    assert version.version in page
    assert "Not a diagnosis and not a medical device" in page


def test_the_upload_page_says_when_there_is_no_model_to_read_with(alice: User) -> None:
    assert "No model is published yet." in words(browser_of(alice).get("/"))


def test_an_upload_without_javascript_leads_to_its_result(
    alice: User, rung: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser_of(alice).post("/", {"file": upload("thorax.png", png_bytes())})
    radiograph = Radiograph.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == page_of(radiograph)
    assert (radiograph.owner, radiograph.filename, radiograph.format) == (alice, "thorax.png", "PNG")
    assert rung == [radiograph.prediction.pk]


def test_an_upload_by_script_is_answered_with_its_row(alice: User) -> None:
    answer = browser_of(alice).post("/", {"file": upload("left.jpg")}, headers=HTMX)
    assert answer.status_code == 200
    radiograph = Radiograph.objects.get()
    assert f'data-pk="{radiograph.pk}" data-stage="open"' in words(answer)
    assert f'href="{page_of(radiograph)}"' in words(answer)
    assert "<html" not in words(answer)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_each_format_is_taken(alice: User, kind: str) -> None:
    assert browser_of(alice).post("/", {"file": upload("chest", image_bytes(kind))}).status_code == 302
    assert Radiograph.objects.get().format == kind


BAD_UPLOADS = {
    "empty": ("empty.jpg", b"", 400, "The file is empty."),
    "text named .png": (
        "notes.png",
        b"This is no image at all.",
        400,
        "The file is named .png, but its content is no",
    ),
    "text": ("notes.txt", b"This is no image at all.", 415, "The file is no image that can be read here."),
    "PDF": ("report.pdf", b"%PDF-1.7 and so on", 415, "The file is a PDF document."),
    "truncated JPEG": ("chest.jpg", jpeg_bytes()[:4000], 400, "The JPEG file is cut off"),
    "truncated PNG": ("chest.png", png_bytes()[:4000], 400, "The PNG file is cut off"),
    "pixel bomb": (
        "bomb.png",
        png_that_claims(30_000, 30_000),
        400,
        "The image has more pixels than can be classified",
    ),
}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("case", BAD_UPLOADS)
def test_bad_input_gets_a_clear_sentence_and_nothing_is_stored(
    alice: User, settings: Settings, case: str, headers: Any
) -> None:
    name, data, status, sentence = BAD_UPLOADS[case]
    answer = browser_of(alice).post("/", {"file": upload(name, data)}, headers=headers)
    assert answer.status_code == (200 if headers else status)  # the script gets a row that says it
    assert not headers or 'data-stage="rejected"' in words(answer)
    assert escape(sentence) in words(answer)
    assert ("<html" in words(answer)) is (not headers)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("size", [1024**2 + 1, 3 * 1024**2])
def test_a_file_over_the_limit_is_413(alice: User, settings: Settings, headers: Any, size: int) -> None:
    settings.MAX_UPLOAD_BYTES = 1024**2
    data = jpeg_bytes().ljust(size, b"\0")
    answer = browser_of(alice).post("/", {"file": upload("chest.jpg", data)}, headers=headers)
    assert answer.status_code == 413
    assert "larger than the 1 MB that are taken" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_form_without_a_file_says_so(alice: User, settings: Settings, headers: Any) -> None:
    answer = browser_of(alice).post("/", headers=headers)
    assert answer.status_code == 400
    assert "No file arrived." in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_form_without_its_csrf_token_is_403_and_stores_nothing(
    alice: User, settings: Settings, headers: Any
) -> None:
    answer = browser_of(alice, enforce_csrf_checks=True).post("/", {"file": upload()}, headers=headers)
    assert answer.status_code == 403
    assert "The form has expired" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_body_that_ends_too_early_is_400(alice: User, settings: Settings, headers: Any) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + jpeg_bytes()
    answer = browser_of(alice).post("/", body, content_type="multipart/form-data; boundary=x", headers=headers)
    assert answer.status_code == 400
    assert "The upload was cut off before its end" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_body_that_is_no_form_is_400_in_words_for_people(alice: User, settings: Settings, headers: Any) -> None:
    kind = "multipart/form-data; boundary="
    answer = browser_of(alice).post("/", jpeg_bytes(), content_type=kind, headers=headers)
    assert answer.status_code == 400
    assert "Send each file, with its name" in words(answer)
    assert_nothing_is_stored(settings)


def test_a_full_disk_is_507_and_says_so(alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("diagnosis.pages.upload.submit_unless_known", fill)
    client = browser_of(alice)
    client.raise_request_exception = False
    answer = client.post("/", {"file": upload()}, headers=HTMX)
    assert answer.status_code == 507
    assert "disk is full, so nothing was stored" in words(answer)
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\scans\\chest.jpg", "chest.jpg"),
        ("🫁 Thorax ü.jpg", "🫁 Thorax ü.jpg"),
        ('"><script>alert(1)</script>.jpg', "script>.jpg"),
    ],
)
def test_strange_file_names_are_kept_as_text_and_never_reach_the_disk(
    alice: User, settings: Settings, given: str, kept: str
) -> None:
    client = browser_of(alice)
    response = client.post("/", {"file": upload(given)})
    radiograph = Radiograph.objects.get()
    assert radiograph.filename == kept
    assert escape(kept) in words(client.get(response["Location"]))
    assert [path.stem for path in files_under(settings.MEDIA_ROOT)] == [str(radiograph.pk)]


def test_only_a_decoder_finds_this_damage_so_the_upload_is_taken(alice: User) -> None:
    assert browser_of(alice).post("/", {"file": upload("chest.png", damaged_png_bytes())}).status_code == 302
