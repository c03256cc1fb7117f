"""German: the language is chosen by a button or by the browser, and numbers, dates, mails and reports follow it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone, translation
from pypdf import PdfReader
from rest_framework.test import APIClient

from diagnosis.classification import classify_next
from diagnosis.engine.sentences import Sentence, sentence
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import submit
from diagnosis.translation import translated
from tests.diagnosis.pages import browser_of, page_of, words
from tests.drawings import jpeg_bytes
from tests.factories import make_radiograph, succeeded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
MAP = [[float(row + column) for column in range(7)] for row in range(7)]


def german_browser_of(user: User) -> Client:
    return browser_of(user, headers=GERMAN)


@pytest.mark.parametrize(
    ("asked", "said"),
    [("de-AT,de;q=0.9", "de"), ("en-US,en;q=0.9", "en-gb"), ("fr", "en-gb"), ("", "en-gb"), ("nonsense;;", "en-gb")],
)
def test_the_browser_is_answered_in_its_language_and_others_in_english(asked: str, said: str) -> None:
    page = Client().get("/accounts/login/", headers={"Accept-Language": asked} if asked else {})
    assert page["Content-Language"] == said
    assert "Accept-Language" in page["Vary"]
    assert f'<html lang="{said}">' in words(page)
    assert ("Passwort" in words(page)) == (said == "de")


def test_whoever_chooses_a_language_keeps_it_and_stays_on_the_page(alice: User) -> None:
    client = browser_of(alice)
    form = words(client.get("/radiographs/?status=failed"))
    assert 'name="next" value="/radiographs/?status=failed"' in form
    assert '<button class="linklike" name="language" value="de" lang="de">Deutsch</button>' in form
    answer = client.post("/language/", {"language": "de", "next": "/radiographs/?status=failed"})
    assert answer["Location"] == "/radiographs/?status=failed"
    assert '<html lang="de">' in words(client.get("/radiographs/"))
    client.post("/language/", {"language": "en-gb", "next": "https://evil.example/"})
    assert '<html lang="en-gb">' in words(client.get("/radiographs/", headers=GERMAN))


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example"])
def test_the_choice_of_a_language_leads_to_no_other_site(next_page: str) -> None:
    answer = Client().post("/language/", {"language": "de", "next": next_page})
    assert answer["Location"] == "/"


def test_a_result_is_german_with_its_numbers_and_dates(alice: User, version: ModelVersion) -> None:
    moment = datetime(2026, 3, 7, 14, 5, 9, tzinfo=UTC)
    times = {"queued_at": moment, "started_at": moment + timedelta(seconds=4), "finished_at": moment}
    times["finished_at"] += timedelta(seconds=4, milliseconds=250)
    made = make_radiograph(alice, **succeeded(version) | times)
    Radiograph.objects.update(acquisition={"age": 61.0, "sex": "F", "view": "LL"})
    page = words(german_browser_of(alice).get(page_of(made)))
    for fact in (
        "Pneumonie wahrscheinlich, ",
        "das liegt über seinem Schwellenwert von 41 %",
        "7. März 2026, 14:05:13",
        "4,00 s gewartet, in 0,25 s ausgewertet",
        "Der Patient ist erwachsen (61 Jahre).",
        "Die Projektion ist seitlich oder schräg (LL).",
        "61 Jahre",
        "weiblich",
    ):
        assert fact in page, fact


def test_the_history_and_the_models_have_german_dates_and_decimals(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    Radiograph.objects.update(created=datetime(2026, 3, 7, 14, 5, tzinfo=UTC))
    client = german_browser_of(alice)
    assert "07.03.2026, 14:05" in words(client.get("/radiographs/"))
    card = words(client.get(version.get_absolute_url()))
    assert re.search(r"<td class=\"number\">0,\d{3}</td>", card)
    assert re.search(r"<td class=\"number\">\d\d,\d %</td>", card)
    assert "4.589" in card
    assert re.search(r"points=\"\d+\.\d", card), "what is drawn must keep its points"
    assert not re.search(r" (x1|y1|cx|cy|y)=\"\d+,", card)


@pytest.mark.parametrize("number", [1, 2])
def test_plurals_are_german(number: int, alice: User) -> None:
    rows = [make_radiograph(alice, filename=f"{each}.jpg") for each in range(number)]
    asked = german_browser_of(alice).post("/radiographs/chosen/delete/", {"pk": [str(row.pk) for row in rows]})
    assert {1: "1 Aufnahme löschen?", 2: "2 Aufnahmen löschen?"}[number] in words(asked)


def test_what_a_worker_refuses_is_kept_in_english_and_told_in_german(
    alice: User, version: ModelVersion, django_capture_on_commit_callbacks: Any
) -> None:
    small = submit(alice, upload(data=jpeg_bytes(90, 80)))
    classify_next(small.prediction.pk)
    prediction = Prediction.objects.get()
    assert prediction.status == Prediction.Status.REFUSED
    assert prediction.reason.startswith("The image is only 90 × 80 pixels; at least 100")
    assert prediction.explanation == prediction.reason
    german = "Das Bild hat nur 90 × 80 Pixel; zur Auswertung sind mindestens 100 auf jeder Seite nötig."
    client = german_browser_of(alice)
    assert german in words(client.get(page_of(small)))
    api = APIClient()
    api.force_authenticate(alice)
    asked = api.get(f"/api/v1/radiographs/{small.pk}/", headers={"Accept-Language": "de"}).json()
    assert asked["prediction"]["refusal"]["detail"].startswith(german)
    assert "The image is only 90" in client.get("/radiographs/export.csv").getvalue().decode()


def test_a_reason_whose_parts_nobody_kept_is_told_as_it_is(alice: User) -> None:
    make_radiograph(alice, status="failed", reason="The disk was on fire.")
    with translation.override("de"):
        assert Prediction.objects.get().explanation == "The disk was on fire."


def test_a_sentence_survives_being_stored_with_the_sentences_in_it() -> None:
    kind = sentence("a PDF document")
    whole = sentence("The file is {kind}. Send the chest X-ray as {formats}.", kind=kind, formats="{braces}")
    again = Sentence.from_dict(whole.as_dict())
    assert again == whole == "The file is a PDF document. Send the chest X-ray as {braces}."
    with translation.override("de"):
        said = translated(again)
    assert said == "Die Datei ist ein PDF-Dokument. Senden Sie die Thorax-Röntgenaufnahme als {braces}."


def test_the_api_says_what_is_wrong_in_the_language_that_is_asked_for(alice: User) -> None:
    client = APIClient()
    client.force_authenticate(alice)
    english = client.post("/api/v1/radiographs/", {"file": upload(data=b"%PDF-1.7")}, format="multipart")
    assert (
        english.json()["detail"]
        == "The file is a PDF document. Send the chest X-ray as JPEG, PNG, WebP, TIFF or DICOM."
    )
    german = client.post(
        "/api/v1/radiographs/", {"file": upload(data=b"%PDF-1.7")}, format="multipart", headers=GERMAN
    )
    assert german.status_code == english.status_code == 415
    assert german["Content-Language"] == "de"
    assert german.json()["detail"].startswith("Die Datei ist ein PDF-Dokument. Senden Sie")
    assert german.json()["title"] == "Unsupported Media Type"
    stranger = APIClient().get("/api/v1/radiographs/", headers=GERMAN)
    assert stranger.json()["detail"].startswith("Sie sind nicht angemeldet.")


def test_the_report_is_german(alice: User, version: ModelVersion) -> None:
    queued = timezone.now()
    times = {"queued_at": queued, "started_at": queued, "finished_at": queued + timedelta(milliseconds=43)}
    made = make_radiograph(alice, **succeeded(version) | times, activation_map=MAP)
    Radiograph.objects.update(created=datetime(2026, 3, 7, 14, 5, tzinfo=UTC))
    answer = german_browser_of(alice).get(page_of(made, "report"))
    reader = PdfReader(io.BytesIO(answer.content))
    catalogue: Any = reader.trailer["/Root"]
    assert catalogue["/Lang"] == "de"
    assert len(reader.pages) == 1
    text = " ".join(reader.pages[0].extract_text().split())
    for fact in (
        "Pneumonie wahrscheinlich, 94 %",
        "Keine Diagnose und kein Medizinprodukt.",
        "Schwellenwert 41 %",
        "7. März 2026, 14:05",
        "in 0,04 s ausgewertet",
        "320 × 256 Pixel",
        "Die Heatmap darüber",
    ):
        assert fact in text, fact
    assert not re.search(r"\b(the|of|and|network|threshold)\b", text)


def test_a_mail_for_a_forgotten_password_is_german(alice: User) -> None:
    Client(headers=GERMAN).post("/accounts/password/reset/", {"email": alice.email})
    assert "Passwort" in mail.outbox[0].subject
    assert not re.search(r"\b(the|you|your|click)\b", str(mail.outbox[0].body), re.IGNORECASE)


@pytest.mark.parametrize(
    "path", ["/", "/radiographs/", "/help/", "/models/", "/accounts/email/", "/accounts/password/change/", "/nowhere/"]
)
def test_no_english_is_left_on_a_german_page(path: str, alice: User, version: ModelVersion) -> None:
    make_radiograph(alice, **succeeded(version))
    page = german_browser_of(alice).get(path).content.decode()
    text = re.sub(r"<(script|style|bdi)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert not re.findall(r"\b(?:the|and|your?|is|of|with|not|are)\b[^<\n]*", text.replace("Kermany et al", ""))
