"""The report: what is on the page, and several of them in a zip."""

from __future__ import annotations

import io
import subprocess
import zipfile
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pypdf import PdfReader

from diagnosis import report
from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.diagnosis.pages import browser_of, page_of, words
from tests.drawings import image_bytes, png_that_claims
from tests.factories import make_radiograph, succeeded

MAP = [[float(row + column) for column in range(7)] for row in range(7)]
ZIP = "/radiographs/reports/"


def text_of(reader: PdfReader) -> str:
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(text.replace("\u200b", "").split())


def read(radiograph: Radiograph) -> PdfReader:
    answer = browser_of(radiograph.owner).get(page_of(radiograph, "report"))
    assert answer["Content-Type"] == "application/pdf"
    return PdfReader(io.BytesIO(answer.content))


def test_one_page_holds_the_facts_that_the_result_page_holds(alice: User, version: ModelVersion) -> None:
    queued = timezone.now() - timedelta(minutes=1)
    times = {"queued_at": queued, "started_at": queued + timedelta(seconds=21)}
    times["finished_at"] = times["started_at"] + timedelta(milliseconds=43)
    radiograph = make_radiograph(
        alice, filename="Thorax Žižkov.jpg", **succeeded(version, 0.94) | times, activation_map=MAP
    )
    reader = read(radiograph)
    assert len(reader.pages) == 1
    text = text_of(reader)
    for fact in (
        "Pneumonia likely, 94 %",
        "threshold 41 %",
        f"uncertain from {version.card['band_low']:.0%} to {version.card['band_high']:.0%}".replace("%", " %"),
        "learned from children of one to five years in one hospital",
        "Where one in ten has it, the same image stands for 64 %",
        "Label PNEUMONIA",
        "Thorax Žižkov.jpg",
        "JPEG, 320 × 256 pixels",
        radiograph.sha256,
        "by alice",
        version.version,
        "waited 21 s, read in 0.04 s",
        "Not a diagnosis and not a medical device.",
        "The heat map over it",
    ):
        assert fact in text, fact
    assert len(reader.pages[0].images) == 2
    assert "alice@example.org" not in text


def test_the_report_on_an_adults_lateral_view_holds_both_warnings(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version), activation_map=MAP)
    Radiograph.objects.update(acquisition={"age": 45, "view": "LL"})
    text = text_of(read(radiograph))
    assert "The patient is an adult (45 years)." in text
    assert "The view is lateral or oblique (LL)." in text


def test_the_page_is_tagged_and_says_its_title_and_language(alice: User, version: ModelVersion) -> None:
    reader = read(make_radiograph(alice, **succeeded(version), activation_map=MAP))
    assert reader.metadata
    assert reader.metadata.title == "PneumoDetect: Pneumonia likely, 94\N{NO-BREAK SPACE}%"
    catalogue: Any = reader.trailer["/Root"]
    assert catalogue["/Lang"] == "en-GB"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" in catalogue["/Metadata"].get_data()


def test_warnings_are_in_the_report_and_an_uncertain_answer_has_no_label(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version, 0.35) | {"band": "uncertain"})
    Radiograph.objects.update(acquisition={"age": 45})
    text = text_of(read(radiograph))
    assert "The patient is an adult (45 years)." in text
    assert "Label none, as it is uncertain; by the threshold alone NORMAL" in text


def test_a_heat_map_changes_the_picture_where_it_is_hot(alice: User, version: ModelVersion) -> None:
    cold = [[-9.0] * 7 for _ in range(7)]
    cold[0][0] = 10.0
    reader = read(make_radiograph(alice, **succeeded(version), activation_map=cold))
    pictures = [np.asarray(picture.convert("RGB")) for image in reader.pages[0].images if (picture := image.image)]
    colours = [[int(np.ptp(picture[place])) for place in ((10, 10), (246, 310))] for picture in pictures]
    plain, under_heat = sorted(colours)
    assert max(plain) < 10
    assert under_heat[0] > 60
    assert under_heat[1] < 10


def test_a_refusal_has_a_report_with_its_reason(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, status="refused", model_version=version, reason="It is a cat.")
    text = text_of(read(radiograph))
    assert "This image was not read It is a cat." in text
    assert "This says nothing about the patient." in text


def test_names_of_any_kind_and_length_and_a_lost_file_still_make_one_page(alice: User, version: ModelVersion) -> None:
    for name in ("🫁" * 250, "x" * 251 + ".jpg", "صدر الطفل.png", "胸部 #set page(width: 1mm) $x$ *a*.jpg"):
        radiograph = make_radiograph(alice, filename=name, **succeeded(version), activation_map=MAP)
        radiograph.file.storage.delete(radiograph.file.name or "")
        reader = read(radiograph)
        assert len(reader.pages) == 1
        assert "The file of this X-ray is gone or cannot be decoded" in text_of(reader)
    assert "#set page(width: 1mm) $x$ *a*.jpg" in text_of(reader)


def test_every_format_is_shown_in_the_report(alice: User, version: ModelVersion) -> None:
    for kind in ("PNG", "TIFF", "WEBP"):
        radiograph = make_radiograph(alice, image_bytes(kind, 1400, 700), **succeeded(version))
        (image,) = read(radiograph).pages[0].images
        assert image.image
        assert image.image.size == (900, 450)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("failed", "There is no report: the image could not be read."), ("running", "There is no report yet")],
)
def test_what_no_worker_has_decoded_has_no_report(
    alice: User, monkeypatch: pytest.MonkeyPatch, status: str, sentence: str
) -> None:
    monkeypatch.setattr(report, "picture_bytes", lambda _: pytest.fail("the image was touched"))
    radiograph = make_radiograph(alice, status=status)
    client = browser_of(alice)
    page = client.get(page_of(radiograph, "report"))
    assert page.status_code == 404
    assert sentence in words(page)
    answer = client.get(f"/api/v1/radiographs/{radiograph.pk}/report/")
    assert answer.status_code == 404
    assert sentence in answer.json()["detail"]
    assert "Report as PDF" not in words(client.get(page_of(radiograph)))


def test_the_api_sends_the_pdf(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, filename="Thorax/ä.jpg", **succeeded(version))
    answer = browser_of(alice).get(
        f"/api/v1/radiographs/{radiograph.pk}/report/", headers={"Accept": "application/pdf"}
    )
    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"].startswith("inline; filename")


def test_a_zip_holds_one_report_for_each_chosen_radiograph_that_was_read(
    alice: User, bob: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "report_pdf", lambda prediction: b"%PDF " + prediction.radiograph.filename.encode())
    chosen = [make_radiograph(alice, filename=name, **succeeded(version)) for name in ("a.jpg", "A.png", "b.jpg")]
    chosen += [make_radiograph(alice, status="failed"), make_radiograph(bob, filename="c.jpg", **succeeded(version))]
    answer: Any = browser_of(alice).post(ZIP, {"pk": [own.pk for own in chosen] + ["no id"]})
    assert answer.streaming
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    found = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(found.values()) == [b"%PDF A.png", b"%PDF a.jpg", b"%PDF b.jpg"]
    assert len({name.lower() for name in found}) == 3


def test_a_report_that_cannot_be_made_breaks_no_zip(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(prediction: Prediction) -> bytes:
        if prediction.radiograph.filename == "bad.jpg":
            raise subprocess.TimeoutExpired("press", 30)
        return b"%PDF"

    monkeypatch.setattr(report, "report_pdf", press)
    chosen = [make_radiograph(alice, filename=name, **succeeded(version)) for name in ("bad.jpg", "good.jpg")]
    answer: Any = browser_of(alice).post(ZIP, {"pk": [own.pk for own in chosen]})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.read("good – PneumoDetect.pdf") == b"%PDF"
    assert b"could not be made" in archive.read("bad – PneumoDetect.pdf.txt")


def test_a_file_that_asks_for_too_many_pixels_is_not_decoded_and_the_report_is_made(
    alice: User, version: ModelVersion
) -> None:
    radiograph = make_radiograph(alice, png_that_claims(30_000, 30_000), **succeeded(version), activation_map=MAP)
    assert "The file of this X-ray is gone or cannot be decoded" in text_of(read(radiograph))


def test_a_zip_of_none_or_too_many_is_refused_with_a_sentence(alice: User, version: ModelVersion) -> None:
    client = browser_of(alice)
    waiting = make_radiograph(alice)
    for chosen in ([], [waiting.pk]):
        page = words(client.post(ZIP, {"pk": chosen}, follow=True))
        assert "Choose at least one X-ray that has been read" in page
    many = [f"00000000-0000-4000-8000-{number:012d}" for number in range(report.MOST_REPORTS + 1)]
    assert "Choose 48 X-rays at most; these are 49." in words(client.post(ZIP, {"pk": many}, follow=True))
    assert client.get(ZIP).status_code == 405


def test_an_earlier_prediction_has_its_own_report(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version, 0.94))
    earlier = radiograph.prediction
    Prediction.objects.create(radiograph=radiograph, **succeeded(version, 0.06))
    answer = browser_of(alice).get(page_of(radiograph, "report"), {"prediction": earlier.pk})
    assert "Pneumonia likely, 94 %" in text_of(PdfReader(io.BytesIO(answer.content)))
