"""From the log-in to a first result by way of the help page, with and without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_portal import FINAL
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.live import LivePlatform


@pytest.mark.parametrize("with_javascript", [True, False])
def test_the_sample_is_read_at_one_click(
    chromium: Browser, live_platform: LivePlatform, with_javascript: bool
) -> None:
    context = chromium.new_context(base_url=live_platform.url, java_script_enabled=with_javascript)
    page = context.new_page()
    watch = Watch(page, live_platform.url)
    page.goto("/")
    page.get_by_label("Username or email").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Help", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    page.locator(FINAL).wait_for(timeout=60_000)
    assert watch.wrong == []
    context.close()
