"""The picture of a radiograph: a PNG that a worker makes, for page and API."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from PIL import Image
from pytest_django.fixtures import Settings

from diagnosis import asking_again, classification, previews, tasks, worker
from diagnosis.engine.preview import LONGEST, Pictures, pictures_of
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.pages import browser_of, files_under, page_of
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.dicoms import dicom_bytes, grey
from tests.drawings import damaged_png_bytes, drawn, image_bytes, jpeg_bytes, uniform_png_bytes
from tests.factories import upload


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch, rung: list[int | None]) -> None:
    monkeypatch.setattr(worker, "_held", {})


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ids: list[str] = []
    monkeypatch.setattr("diagnosis.tasks.ring_for_preview", ids.append)
    return ids


def read(owner: User, data: bytes, name: str = "a") -> Radiograph:
    radiograph = submit(owner, upload(name, data))
    classification.classify_next(radiograph.prediction.pk)
    return Radiograph.objects.get(pk=radiograph.pk)


def picture_of(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=["PNG"])
    image.load()
    return image


def sixteen_bits() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(drawn()).astype(np.uint16) * 13 + 900).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [jpeg_bytes(), image_bytes("PNG"), image_bytes("WEBP"), image_bytes("TIFF"), sixteen_bits(), dicom_bytes()],
    ids=["JPEG", "PNG", "WebP", "TIFF", "PNG of 16 bits", "DICOM"],
)
def test_the_api_gives_a_png_of_every_format(alice: User, version: ModelVersion, data: bytes) -> None:
    radiograph = read(alice, data)
    answer: Any = api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/image/", headers={"Accept": "image/png"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    picture = picture_of(b"".join(answer.streaming_content))
    assert (picture.mode, picture.size) == ("L", (320, 256))
    stretched = np.asarray(picture).std() / grey().std()
    assert 0.9 < stretched < 1.8  # 16 bits shown by their high byte alone would be nearly black


@pytest.mark.parametrize("kind", ["TIFF", "DICOM"])
def test_the_page_shows_what_browsers_cannot(alice: User, version: ModelVersion, kind: str) -> None:
    radiograph = read(alice, dicom_bytes() if kind == "DICOM" else image_bytes(kind))
    browser = browser_of(alice)
    assert page_of(radiograph, "image") in browser.get(page_of(radiograph)).content.decode()
    assert page_of(radiograph, "thumbnail") in browser.get("/radiographs/").content.decode()
    answer = browser.get(page_of(radiograph, "image"))
    assert answer["Content-Type"] == "image/png"
    assert browser.get(page_of(radiograph, "image"), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_picture_that_is_not_made_yet_is_409_and_one_that_never_will_be_404(
    alice: User, version: ModelVersion, asked_for: list[str]
) -> None:
    waiting = submit(alice, upload("a.dcm", dicom_bytes()))
    answer = api_of(alice).get(f"{RADIOGRAPHS}{waiting.pk}/image/")
    assert_problem(answer, 409, "not made yet")
    assert answer["Retry-After"] == "1"
    assert browser_of(alice).get(page_of(waiting, "image")).status_code == 404
    failed = read(alice, damaged_png_bytes())
    assert failed.prediction.status == "failed"
    assert_problem(api_of(alice).get(f"{RADIOGRAPHS}{failed.pk}/image/"), 404, "could not be read")
    assert asked_for == []


def test_a_preview_that_is_missing_is_asked_for_once_and_made(
    alice: User, version: ModelVersion, asked_for: list[str], settings: Settings
) -> None:
    radiograph = read(alice, jpeg_bytes())
    radiograph.preview.delete()
    for _ in range(3):
        assert api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/image/").status_code == 409
    assert asked_for == [str(radiograph.pk)]
    tasks.make_preview(str(radiograph.pk))
    tasks.make_preview(str(radiograph.pk))
    assert api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/image/").status_code == 200
    assert len(files_under(settings.MEDIA_ROOT)) == 3
    cache.clear()


def test_a_preview_that_cannot_be_stored_costs_no_answer(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: bytes) -> Pictures:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(previews, "pictures_of", full)
    for data in (jpeg_bytes(), dicom_bytes()):
        assert read(alice, data).prediction.status == "succeeded"


def test_where_browsers_show_the_file_the_answer_comes_before_the_preview(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []

    def look(radiograph: Radiograph, data: bytes) -> None:
        seen.append((radiograph.format, Prediction.objects.get(radiograph=radiograph).is_final))

    monkeypatch.setattr(classification, "make_preview", look)
    read(alice, jpeg_bytes())
    read(alice, dicom_bytes())
    assert seen == [("JPEG", True), ("DICOM", False)]


def has_preview(radiograph: Radiograph) -> bool:
    return bool(Radiograph.objects.get(pk=radiograph.pk).preview)


@pytest.mark.parametrize("redis_answers", [True, False])
def test_whoever_waits_for_an_answer_comes_before_a_preview(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, redis_answers: bool
) -> None:
    postponed: list[tuple[str, float | None]] = []

    def ring(radiograph_id: str, expires: float | None = 60) -> bool:
        postponed.append((radiograph_id, expires))
        return redis_answers

    monkeypatch.setattr(tasks, "ring_for_preview", ring)
    first, last = (submit(alice, upload(f"{seed}.jpg", jpeg_bytes(seed=seed))) for seed in (1, 2))
    tasks.classify(first.prediction.pk)
    assert postponed == [(str(first.pk), None)], "the doorbell for it is not lost, however long the queue"
    assert has_preview(first) is not redis_answers
    tasks.make_preview(str(first.pk))
    assert Prediction.objects.get(radiograph=last).is_final, "it, too, answers first"
    assert has_preview(last), "nobody waits any more"
    assert has_preview(first)
    assert len(postponed) == 1


def test_what_has_its_pictures_already_leaves_no_message_for_them(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    radiograph = read(alice, jpeg_bytes(seed=1))
    (again,) = asking_again.classify_again([radiograph])
    submit(alice, upload("2.jpg", jpeg_bytes(seed=2)))
    monkeypatch.setattr(tasks, "ring_for_preview", lambda *_, **__: pytest.fail("rung for"))
    tasks.classify(again.pk)


def test_a_radiograph_that_is_deleted_while_its_preview_is_made_leaves_no_file(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    radiograph = submit(alice, upload("a.jpg", jpeg_bytes()))
    data = radiograph.read()
    radiograph.file.delete(save=False)
    Radiograph.objects.filter(pk=radiograph.pk).delete()
    previews.make_preview(radiograph, data)
    assert not files_under(settings.MEDIA_ROOT)


def test_a_refused_picture_is_shown_too(alice: User, version: ModelVersion) -> None:
    radiograph = read(alice, uniform_png_bytes())
    assert radiograph.prediction.status == "refused"
    assert radiograph.preview


@pytest.mark.parametrize(("size", "expected"), [((3000, 1500), (LONGEST, 1024)), ((300, 900), (300, 900))])
def test_a_preview_keeps_the_aspect_and_is_bounded(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert picture_of(pictures_of(jpeg_bytes(*size)).preview).size == expected


def test_a_preview_says_nothing_of_its_own() -> None:
    exif = Image.Exif()
    exif[315] = "Mustermann"  # the artist
    pictures = pictures_of(jpeg_bytes(exif=exif, comment=b"Mustermann"))
    assert b"Mustermann" not in pictures.preview + pictures.thumbnail
    assert picture_of(pictures.preview).info == {}
