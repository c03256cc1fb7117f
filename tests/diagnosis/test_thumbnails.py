"""The small pictures of the lists."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from PIL import Image
from pytest_django.fixtures import Settings

from diagnosis import previews, tasks
from diagnosis.engine.preview import THUMBNAIL_SIDE, pictures_of
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.pages import browser_of, files_under, page_of
from tests.diagnosis.test_previews import read
from tests.dicoms import dicom_bytes
from tests.drawings import image_bytes, jpeg_bytes
from tests.factories import upload

pytestmark = pytest.mark.usefixtures("rung")


def sent(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("data", [jpeg_bytes(1400, 1100), dicom_bytes()], ids=["JPEG", "DICOM"])
def test_a_worker_makes_a_small_square_jpeg_for_the_lists(alice: User, version: ModelVersion, data: bytes) -> None:
    radiograph = read(alice, data)
    browser = browser_of(alice)
    assert f'src="{page_of(radiograph, "thumbnail")}"' in browser.get("/radiographs/").content.decode()
    answer: Any = browser.get(page_of(radiograph, "thumbnail"))
    assert answer["Content-Type"] == "image/jpeg"
    content = sent(answer)
    assert len(content) < 8000
    assert Image.open(io.BytesIO(content)).size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    etag = answer["ETag"]
    assert browser.get(page_of(radiograph, "thumbnail"), headers={"If-None-Match": etag}).status_code == 304


def test_a_thumbnail_shows_the_middle_of_the_picture() -> None:
    wide = np.zeros((300, 900), np.uint8)
    wide[:, 300:600] = 200
    buffer = io.BytesIO()
    Image.fromarray(wide).save(buffer, "PNG")
    assert np.asarray(Image.open(io.BytesIO(pictures_of(buffer.getvalue()).thumbnail))).min() > 180


def test_before_it_is_made_the_file_itself_is_shown(alice: User) -> None:
    data = jpeg_bytes()
    waiting = submit(alice, upload("a.jpg", data))
    answer: Any = browser_of(alice).get(page_of(waiting, "thumbnail"))
    assert (answer.status_code, sent(answer)) == (200, data)


def test_where_browsers_cannot_show_the_file_its_format_stands_in(alice: User) -> None:
    waiting = submit(alice, upload("a.dcm", dicom_bytes()))
    browser = browser_of(alice)
    assert "<span>DICOM</span>" in browser.get("/radiographs/").content.decode()
    assert browser.get(page_of(waiting, "thumbnail")).status_code == 404


def test_one_that_is_missing_is_shown_large_asked_for_and_made_without_another_preview(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("diagnosis.tasks.ring_for_preview", asked.append)
    radiograph = read(alice, image_bytes("TIFF"))
    radiograph.thumbnail.delete()
    browser = browser_of(alice)
    assert browser.get(page_of(radiograph, "thumbnail"))["Content-Type"] == "image/png"
    assert asked == [str(radiograph.pk)]
    tasks.make_preview(asked[0])
    assert browser.get(page_of(radiograph, "thumbnail"))["Content-Type"] == "image/jpeg"
    assert Radiograph.objects.get().preview == radiograph.preview
    assert len(files_under(settings.MEDIA_ROOT)) == 3


@pytest.mark.django_db(transaction=True)
def test_it_goes_with_its_radiograph(alice: User, version: ModelVersion, settings: Settings) -> None:
    radiograph = read(alice, jpeg_bytes())
    assert len(files_under(settings.MEDIA_ROOT)) == 3
    radiograph.delete()
    assert files_under(settings.MEDIA_ROOT) == []


def test_a_second_worker_leaves_no_file_of_its_own(alice: User, version: ModelVersion, settings: Settings) -> None:
    submit(alice, upload("a.jpg", jpeg_bytes()))
    first, second = Radiograph.objects.get(), Radiograph.objects.get()
    for radiograph in (first, second):
        previews.make_preview(radiograph, jpeg_bytes())
    assert len(files_under(settings.MEDIA_ROOT)) == 3


def test_a_stranger_does_not_see_it(alice: User, bob: User, version: ModelVersion) -> None:
    assert browser_of(bob).get(page_of(read(alice, jpeg_bytes()), "thumbnail")).status_code == 404
