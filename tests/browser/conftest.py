"""A headless Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.watching import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.live import LivePlatform

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A running browser: the one that CHROMIUM names, one on the PATH, or the one that Playwright installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    # Playwright's loop counts as running until the end, and Django's database takes that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with playwright.sync_playwright() as running:
        try:
            browser = running.chromium.launch(
                executable_path=found,
                args=["--no-sandbox", "--disable-background-networking", "--disable-quic"],
            )
        except playwright.Error as error:
            pytest.skip(f"there is no Chromium to be started: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, live_platform: LivePlatform) -> Iterator[Page]:
    """A page in a fresh profile, with the user logged in."""
    context = chromium.new_context(base_url=live_platform.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username or email").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(live_platform.url + "/")
    yield page
    context.close()


@pytest.fixture
def browser_context(chromium: Browser, live_server: Any) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url)
    yield context
    context.close()
    for thread in threading.enumerate():  # a thread of the server that outlives the test would miss its database
        if "process_request_thread" in thread.name:
            thread.join(10)


@pytest.fixture
def watched_page(page: Page, live_platform: LivePlatform) -> Iterator[Page]:
    """The same, and in the end nothing must have gone wrong in it."""
    watch = Watch(page, live_platform.url)
    page.goto("/")
    yield page
    assert watch.wrong == []
