"""A headless Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A running browser: the one that CHROMIUM names, one on the PATH, or the one that Playwright installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
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
