"""Nothing that people read is left unmarked for translation: every page in every state, in a language of brackets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from diagnosis import report, worker
from diagnosis.models import ModelVersion, Prediction
from tests import pseudo
from tests.browser.page_states import FOR_VISITORS, PAGES
from tests.conftest import BUNDLED_MODEL
from tests.diagnosis.pages import HTMX
from tests.factories import make_radiograph, succeeded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

#: Names, units and terms that are the same in every language; what a file, a card or a user calls something.
ALLOWED = re.compile(
    r"""
    [\w.+-]+@[\w.-]+
    | \b(PneumoDetect|JPEG|PNG|WebP|TIFF|DICOM|PDF|CSV|JSON|API|SHA-256|AUROC|RLE|LS|MobileNet|GPU|CPU|TPU|NIH|RSNA)\b
    | \b(English|Deutsch|PNEUMONIA|NORMAL|alice|bob|charlie|DX|CR|DR|LATERAL|AP|PA|ms|kB|MB|min|UTC|logit|exp)\b
    | [\w ]+\.(jpe?g|png|dcm|tiff?|webp)\b
    | Kermany\ et\ al[^\n]*
    | The\ file\ is\ damaged\. | The\ image\ does\ not\ look\ like\ a\ chest\ X-ray\.[^\n]*
    | \b\d{4}\.\d\d\.\d\d-\w+
    | Ward\ 3,\ night\ shift | Teaching | dr-sieglinde-oberhauser-wertheim | A\ shadow\ at\ the\ base[^\n]*
    | \b(curl|ping)\b | \b(prediction|batch)\.final\b | https?://\S+ | \b[0-9a-f]+(:[0-9a-f]*){3,}
    """,
    re.VERBOSE,
)


@pytest.fixture
def card(db: Any) -> ModelVersion:
    """The bundled model as a row: its network is not asked."""
    facts = json.loads((BUNDLED_MODEL / "card.json").read_text())
    return ModelVersion.objects.create(
        version=facts["version"], network_sha256=facts["network_sha256"], card=facts, active=True
    )


def left_over(page: str) -> list[str]:
    return pseudo.unmarked(pseudo.text_of(page), ALLOWED)


@pytest.mark.parametrize("name", PAGES)
def test_every_sentence_of_a_page_is_marked(
    name: str, alice: User, card: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.report_alive()
    path = PAGES[name](alice, card)
    client = Client()
    client.force_login(alice)
    pseudo.speak(monkeypatch)
    assert left_over(client.get(path, follow=True).content.decode()) == []


@pytest.mark.parametrize("name", FOR_VISITORS)
def test_every_sentence_of_a_page_for_visitors_is_marked(
    name: str, alice: User, card: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = FOR_VISITORS[name](alice, card)
    pseudo.speak(monkeypatch)
    assert left_over(Client().get(path, follow=True).content.decode()) == []


def test_every_sentence_of_the_history_and_its_questions_is_marked(
    alice: User, card: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_radiograph(alice, filename=f"{number}.jpg", **succeeded(card)) for number in range(2)]
    chosen = {"pk": [str(row.pk) for row in rows]}
    client = Client()
    client.force_login(alice)
    pseudo.speak(monkeypatch)
    said = [
        client.post("/radiographs/chosen/tag/?status=succeeded", chosen | {"name": "PNEUMONIA"}, follow=True),
        client.post("/radiographs/filters/?status=succeeded", {"name": "PNEUMONIA"}, follow=True),
        client.post("/radiographs/chosen/classify/", {}, follow=True),
        client.post("/radiographs/chosen/classify/", chosen, follow=True),
        client.get("/radiographs/?status=nonsense&created_after=never&tag=none"),
        client.get("/radiographs/?search=nothing"),
        client.post("/radiographs/chosen/delete/", chosen),
        client.post("/radiographs/chosen/delete/", chosen | {"confirmed": "yes"}, follow=True),
    ]
    assert [line for each in said for line in left_over(each.content.decode())] == []


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"PK\x05\x06" + 18 * b"\0"])
def test_every_reason_why_an_upload_is_refused_is_marked(
    data: bytes, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(headers=HTMX)
    client.force_login(alice)
    pseudo.speak(monkeypatch)
    page = client.post("/", {"file": upload("chest.png", data)}).content.decode()
    assert "⟦" in page
    assert left_over(page) == []
    problem = client.post("/api/v1/radiographs/", {"file": upload("chest.png", data)}).json()
    assert pseudo.unmarked(problem["detail"], ALLOWED) == []


@pytest.mark.parametrize("status", ["succeeded", "refused"])
def test_every_sentence_of_a_report_is_marked(
    status: str, alice: User, card: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_radiograph(alice, **(succeeded(card) if status == "succeeded" else {"status": status}))
    pseudo.speak(monkeypatch)
    facts = report._facts(Prediction.objects.get(radiograph=made))
    rows = [name for name, _ in facts["rows"]]
    scale = [*facts["scale"]["words"].values()] if facts["scale"] else []
    said = [facts["heading"], facts["lead"], facts["meaning"], facts["made"], *facts["words"].values(), *rows, *scale]
    assert [line for text in said for line in pseudo.unmarked(str(text), ALLOWED)] == []


@pytest.mark.parametrize("path", ["/nowhere/", "/radiographs/00000000-0000-0000-0000-000000000000/"])
def test_every_sentence_of_an_error_is_marked(path: str, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(alice)
    pseudo.speak(monkeypatch)
    page = client.get(path)
    assert page.status_code == 404
    assert left_over(page.content.decode()) == []
