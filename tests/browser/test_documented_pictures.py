"""The pictures in the documents, of drawn X-rays that the bundled network read; `make pictures` puts them there."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from diagnosis import classification, worker, worker_reports
from diagnosis.engine.sample import sample_png
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.reviewing.recording import record
from diagnosis.submission import submit
from diagnosis.worker_reports import ProcessReport, WorkerReport
from tests.browser.test_every_page import SCREENSHOTS, log_in
from tests.documents import ROOT
from tests.drawings import png_bytes

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = SCREENSHOTS / "documents"
LARGEST = 100_000
#: Name of the picture: path of the page and height in CSS pixels.
PAGES = {
    "upload": ("/", 760),
    "result": ("", 900),
    "history": ("/radiographs/", 900),
    "statistics": ("/statistics/", 900),
    "dashboard": ("/admin/", 1000),
}
SEEDS = range(3, 9)


def read(owner: User, name: str, data: bytes) -> Radiograph:
    """Upload a drawing, and let the network read it as a worker would."""
    radiograph = submit(owner, SimpleUploadedFile(name, data))
    classification.classify_next(radiograph.prediction.pk)
    return Radiograph.objects.get(pk=radiograph.pk)


def worker_at_work() -> WorkerReport:
    processes = [ProcessReport(pid, 168 * 1024**2, "2026.11.25-50ef386c") for pid in (4711, 4712)]
    now = time.time()
    facts: dict[str, Any] = {
        "name": "pneumodetect@reading",
        "host": "reading",
        "program": "",
        "heard": 1.0,
        "wanted": 2,
    }
    return WorkerReport(**facts, time=now, started=now, main=ProcessReport(4710, 112 * 1024**2), processes=processes)


@pytest.fixture
def drawn(alice: User, bob: User, version: ModelVersion, rung: list[int | None]) -> Radiograph:
    """Fill the history with drawings that were read and, some of them, reviewed; return the newest."""
    worker.report_alive()
    radiographs = [read(alice, f"drawn {seed}.png", png_bytes(700, 600, seed)) for seed in SEEDS]
    for number, radiograph in enumerate(radiographs):
        label = radiograph.prediction.label
        if label:
            record(radiograph, alice, label)
            record(radiograph, bob, label if number else "UNCLEAR")
    return read(alice, "drawn sample.png", sample_png())


def keep(page: Page, name: str, height: int) -> bytes:
    """Photograph the page as a WebP, which is small."""
    page.set_viewport_size({"width": 1100, "height": height})
    page.wait_for_load_state("networkidle")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(buffer, "WEBP", quality=80, method=6)
    (FOLDER / f"{name}.webp").write_bytes(buffer.getvalue())
    return buffer.getvalue()


def test_the_documents_show_pages_as_they_are_today(
    drawn: Radiograph,
    alice: User,
    browser_context: BrowserContext,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_reports, "reports", lambda: [worker_at_work()])
    FOLDER.mkdir(parents=True, exist_ok=True)
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    for name, (path, height) in PAGES.items():
        if name == "dashboard":
            User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
        for scheme in ("light", "dark") if name == "result" else ("light",):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto(path or drawn.get_absolute_url())
            assert len(keep(page, f"{name}-{scheme}", height)) < LARGEST, name


def test_the_pictures_of_the_documents_are_those_that_are_taken_here_and_small() -> None:
    kept = {path.name: path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()}
    assert set(kept) == {*(f"{name}-light.webp" for name in PAGES), "result-dark.webp"}
    assert max(kept.values()) < LARGEST
