"""What a page must not do, and a look at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.browser.accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

SCREENSHOTS = Path(__file__).parent.parent.parent / "var" / "screenshots"


class Watch:
    """Collects what a page must not do: complain, fail to load, or ask another host."""

    def __init__(self, page: Page, url: str) -> None:
        self.wrong: list[str] = []
        self.host = urlsplit(url).netloc
        page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("requestfailed", self._note_failure)
        page.on("request", lambda request: self._note(self._is_elsewhere(request.url), request.url))
        page.on("response", lambda response: self._note(response.status >= 400, f"{response.status} {response.url}"))

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(what)

    def _note_failure(self, request: Request) -> None:
        # A page that is left before the browser has fetched its icon, for which no page waits, takes no harm.
        is_icon = request.failure == "net::ERR_ABORTED" and "/favicon" in request.url
        self._note(not is_icon, f"{request.url}: {request.failure}")

    def _is_elsewhere(self, url: str) -> bool:
        return urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != self.host


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page as it is."""
    assert violations(page) == []


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for people to look at: wide and narrow, light and dark."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"the page is {overflow} pixels too wide at {width}"
            assert_accessible(page)
    page.emulate_media(color_scheme=None)
    if before:
        page.set_viewport_size(before)
