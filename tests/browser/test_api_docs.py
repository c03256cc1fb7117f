"""The page that shows the API, in a browser: it obeys our policy, and calls can be tried out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client

from tests.browser.accessibility import SCHEMES
from tests.browser.watching import Watch
from tests.factories import make_radiograph

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


def test_every_call_is_shown_and_can_be_tried_out(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    make_radiograph(alice, filename="thorax 0815.jpg")
    client = Client()
    client.force_login(alice)
    cookie = client.cookies["sessionid"].value
    browser_context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    page.goto("/api/v1/docs/")
    page.get_by_text("List radiographs, the newest first").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute", exact=True).click()
    page.locator(".live-responses-table").get_by_text("thorax 0815.jpg").first.wait_for()
    folder = Path(project.BASE_DIR) / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.locator("html.dark-mode" if scheme == "dark" else "html:not(.dark-mode)").wait_for(state="attached")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=folder / f"api-docs-{width}-{scheme}.png")
    assert watch.wrong == []
