"""What a page must not do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request


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
