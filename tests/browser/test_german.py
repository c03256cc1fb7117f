"""German in the browser: long words have room, the scripts speak it too, and a button chooses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from diagnosis import worker
from diagnosis.models import ModelVersion
from tests.browser.accessibility import SCHEMES, WIDTHS, violations
from tests.browser.page_states import PAGES
from tests.browser.test_every_page import SCREENSHOTS, log_in
from tests.browser.watching import Watch
from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


@pytest.fixture
def german_page(chromium: Browser, live_server: Any, alice: User) -> Iterator[Page]:
    context = chromium.new_context(base_url=live_server.url, locale="de-DE")
    log_in(context, alice, live_server.url)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", ["history", "reading", "result-cautioned"])
def test_a_german_page_is_for_everybody(
    name: str, alice: User, version: ModelVersion, german_page: Page, live_server: Any
) -> None:
    worker.report_alive()
    watch = Watch(german_page, live_server.url)
    german_page.goto(PAGES[name](alice, version))
    assert german_page.locator("html").get_attribute("lang") == "de"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme, width in zip(SCHEMES, reversed(WIDTHS), strict=True):
        german_page.emulate_media(color_scheme=scheme)
        german_page.set_viewport_size({"width": width, "height": 900})
        assert violations(german_page) == [], f"{scheme}, {width} px wide"
        assert german_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} px wide"
        german_page.screenshot(path=SCREENSHOTS / f"german-{name}-{width}-{scheme}.png", full_page=True)
    assert watch.wrong == []


def test_what_the_script_of_the_upload_page_says_is_german(version: ModelVersion, german_page: Page) -> None:
    worker.report_alive()
    german_page.goto("/")
    files = [("leer.jpg", b""), ("viel.jpg", jpeg_bytes() + bytes(2 * 1024**2))]
    german_page.locator(".dropzone input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]  # type: ignore[arg-type]
    )
    row = german_page.locator(".upload-row", has_text="leer.jpg")
    row.get_by_text("Nicht angenommen").wait_for()
    assert "Die Datei ist leer." in row.inner_text()
    german_page.get_by_text(re.compile(r"^\d von 2 fertig: 1 nicht angenommen$")).first.wait_for()
    assert german_page.evaluate("sizeOf(3.5 * 1024 ** 2)") == "3,5 MB"


def test_a_button_chooses_the_language_and_leads_back(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/help/?from=here")
    page.get_by_role("button", name="Deutsch").click()
    page.get_by_role("heading", name="Hilfe", exact=True).wait_for()
    assert page.url == f"{live_server.url}/help/?from=here"
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Help", exact=True).wait_for()
