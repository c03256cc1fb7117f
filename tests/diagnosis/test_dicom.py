"""DICOM through page, API and command: stored without names, answered, refused or declined with a sentence."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from diagnosis import classification, worker
from diagnosis.engine.preprocessing import read_radiograph
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.pages import HTMX, assert_nothing_is_stored, browser_of, files_under, page_of, words
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem, post
from tests.dicoms import (
    PATIENT,
    dicom_bytes,
    dicom_with_a_lying_length,
    grey,
    jpeg_lossless_bytes,
    without_its_table,
)
from tests.factories import upload

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_held", {})


def read(radiograph: Radiograph) -> Radiograph:
    classification.classify_next(radiograph.prediction.pk)
    return Radiograph.objects.get(pk=radiograph.pk)


def test_what_is_stored_names_nobody_and_is_found_again_by_the_hash_of_the_upload(
    alice: User, settings: Settings
) -> None:
    data = dicom_bytes(preamble=b"MZ" + bytes(126), PatientID=PATIENT)
    radiograph = submit(alice, upload("IM0001.dcm", data))
    (stored,) = files_under(settings.MEDIA_ROOT)
    assert b"Mustermann" in data
    assert b"Mustermann" not in stored.read_bytes()
    assert b"MZ" not in stored.read_bytes()[:132]
    assert stored.suffix == ".dcm"
    assert radiograph.sha256 == hashlib.sha256(data).hexdigest()
    assert (radiograph.filename, radiograph.format, radiograph.width) == ("IM0001.dcm", "DICOM", 320)
    assert radiograph.acquisition["body_part"] == "CHEST"
    assert not files_under(settings.FILE_UPLOAD_TEMP_DIR)
    np.testing.assert_array_equal(read_radiograph(radiograph.read()), read_radiograph(data))


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (dicom_bytes(PixelData=None), 400, "no pixels"),
        (dicom_bytes()[:-100], 400, "fewer pixels|cut off"),
        (dicom_bytes(Rows=9000), 400, "fewer pixels"),
        (dicom_with_a_lying_length(), 400, "cut off"),
        (dicom_bytes(BitsAllocated=32), 415, "8 or 16"),
    ],
    ids=["no pixels", "cut off", "lying size", "lying length", "32 bits"],
)
def test_a_broken_file_is_declined_at_once_by_page_and_api_and_nothing_is_stored(
    alice: User, settings: Settings, data: bytes, status: int, sentence: str
) -> None:
    problem = post(api_of(alice), data, "IM0001")
    assert any(part in assert_problem(problem, status, "")["detail"] for part in sentence.split("|"))
    page = browser_of(alice).post("/", {"file": upload("IM0001", data)})
    assert page.status_code == status
    assert any(part in words(page) for part in sentence.split("|"))
    assert_nothing_is_stored(settings)


@pytest.mark.parametrize(
    ("facts", "code"),
    [({"Modality": "CT"}, "modality"), ({"BodyPartExamined": "HAND"}, "body_part")],
)
def test_what_is_no_chest_radiograph_is_refused_with_the_reason_and_shown(
    alice: User, version: ModelVersion, facts: dict[str, str], code: str
) -> None:
    radiograph = read(submit(alice, upload("a.dcm", dicom_bytes(**facts))))
    assert (radiograph.prediction.status, radiograph.prediction.reason_code) == ("refused", code)
    assert next(iter(facts.values())) in radiograph.prediction.reason
    assert radiograph.preview


def test_age_and_view_give_warnings_on_the_page_and_in_the_api(alice: User, version: ModelVersion) -> None:
    data = dicom_bytes(PatientAge="045Y", ViewPosition="LL")
    radiograph = read(submit(alice, upload("a.dcm", data)))
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert "The patient is an adult (45 years)." in page
    assert "lateral or oblique (LL)" in page
    answer = api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/").json()
    assert [warning["code"] for warning in answer["warnings"]] == ["adult", "not_frontal"]
    assert answer["acquisition"]["age"] == 45


def test_a_child_from_the_front_gives_no_warning(alice: User, version: ModelVersion) -> None:
    radiograph = read(submit(alice, upload("a.dcm", dicom_bytes())))
    assert radiograph.prediction.status == "succeeded"
    assert "Read with care." not in words(browser_of(alice).get(page_of(radiograph)))
    assert api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/").json()["warnings"] == []


def test_the_upload_form_offers_dicom(alice: User) -> None:
    page = words(browser_of(alice).get("/"))
    assert "TIFF or DICOM" in page
    assert ".dcm" in page


def test_the_page_reloads_once_there_is_a_picture(alice: User, version: ModelVersion) -> None:
    radiograph = submit(alice, upload("a.dcm", dicom_bytes()))
    browser = browser_of(alice)
    before = words(browser.get(page_of(radiograph)))
    assert "The picture appears with the result" in before
    assert page_of(radiograph, "image") not in before
    read(radiograph)
    assert browser.get(page_of(radiograph, "status"), headers=HTMX)["HX-Refresh"] == "true"
    assert page_of(radiograph, "image") in words(browser.get(page_of(radiograph)))


def classified_lines(*paths: Path) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("classify", *map(str, paths), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_classify_finds_dicom_files_by_name_and_by_their_mark(version: ModelVersion, tmp_path: Path) -> None:
    for name in ("a.dcm", "IM0001", "1.2.840.4", "notes"):
        (tmp_path / name).write_bytes(b"text" if name == "notes" else dicom_bytes())
    (tmp_path / "b.dcm").write_bytes(dicom_bytes(Modality="MR", PatientAge="030Y"))
    lines = {Path(line["path"]).name: line for line in classified_lines(tmp_path)}
    assert lines.keys() == {"a.dcm", "IM0001", "1.2.840.4", "b.dcm"}
    assert lines["a.dcm"]["status"] == "succeeded"
    assert lines["a.dcm"]["probability"] == lines["IM0001"]["probability"]
    assert lines["b.dcm"]["refusal"]["code"] == "modality"
    assert [warning["code"] for warning in lines["b.dcm"]["warnings"]] == ["adult"]


def test_a_file_that_ends_its_decoders_process_does_not_end_classify(version: ModelVersion, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(without_its_table(jpeg_lossless_bytes(tmp_path)))
    (tmp_path / "b.dcm").write_bytes(dicom_bytes())
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 files could not be read"):
        call_command("classify", str(tmp_path), "--json", stdout=out)
    assert [json.loads(line)["status"] for line in out.getvalue().splitlines()] == ["failed", "succeeded"]


def test_evaluate_reads_dicom(version: ModelVersion, tmp_path: Path) -> None:
    for label, seed in (("NORMAL", 1), ("PNEUMONIA", 4)):
        (tmp_path / label).mkdir()
        for number in range(3):
            (tmp_path / label / f"IM-{number:04d}-0001.dcm").write_bytes(dicom_bytes(grey(seed=seed + number)))
    out = io.StringIO()
    call_command("evaluate", "--data", str(tmp_path), "--json", stdout=out)
    assert json.loads(out.getvalue())["n"] == 6


def test_deleting_takes_the_preview_along(
    alice: User,
    version: ModelVersion,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    radiograph = read(submit(alice, upload("a.dcm", dicom_bytes())))
    assert len(files_under(settings.MEDIA_ROOT)) == 3
    with django_capture_on_commit_callbacks(execute=True):
        radiograph.delete()
    assert not files_under(settings.MEDIA_ROOT)


def test_deleting_takes_a_preview_along_that_came_since_the_row_was_read(
    alice: User,
    version: ModelVersion,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    as_the_request_read_it = submit(alice, upload("a.dcm", dicom_bytes()))
    assert read(as_the_request_read_it).preview
    assert not as_the_request_read_it.preview
    with django_capture_on_commit_callbacks(execute=True):
        as_the_request_read_it.delete()
    assert not files_under(settings.MEDIA_ROOT)


@pytest.mark.parametrize("kind", ["a film", "colour"])
def test_nobody_is_told_to_wait_for_a_picture_that_never_comes(alice: User, version: ModelVersion, kind: str) -> None:
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    film = dicom_bytes(np.stack([grey(), grey()]), NumberOfFrames=2)
    data = film if kind == "a film" else dicom_bytes(PixelData=grey().tobytes() * 3, **colour)
    radiograph = read(submit(alice, upload("a.dcm", data)))
    assert radiograph.prediction.status == "refused"
    assert_problem(api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/image/"), 404, "no picture")


def test_a_stranger_sees_no_picture(alice: User, bob: User, version: ModelVersion) -> None:
    radiograph = read(submit(alice, upload("a.dcm", dicom_bytes())))
    assert browser_of(bob).get(page_of(radiograph, "image")).status_code == 404
    assert api_of(bob).get(f"{RADIOGRAPHS}{radiograph.pk}/image/").status_code == 404
    assert Client().get(f"{RADIOGRAPHS}{radiograph.pk}/image/").status_code == 401
