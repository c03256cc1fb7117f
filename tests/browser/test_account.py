"""One's account, as its owner uses it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from diagnosis import worker
from diagnosis.people.tokens import ApiToken
from tests.browser.accessibility import assert_accessible
from tests.browser.test_every_page import log_in, photograph
from tests.browser.watching import Watch
from tests.factories import PASSWORD
from tests.second_factor import code_of, recovery_codes_of

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_factor_is_set_up_and_asked_for(
    alice: User, browser_context: BrowserContext, live_server: Any, tmp_path: Path
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    page.goto("/accounts/profile/")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Set it up").click()
    page.get_by_text("The app cannot scan?").click()
    secret = page.locator("#secret").inner_text().strip()
    page.get_by_label("Code that the app shows now").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()

    shown = page.locator("#codes").inner_text().split()
    assert shown == recovery_codes_of(alice)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    download.value.save_as(tmp_path / "codes.txt")
    assert (tmp_path / "codes.txt").read_text().split() == shown
    page.get_by_role("link", name="I have them").click()
    page.get_by_text("10 codes are left.").wait_for()

    browser_context.clear_cookies()
    page.goto("/radiographs/")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    field = page.get_by_label("Code from the app, or a recovery code")
    field.wait_for()
    assert_accessible(page)
    photograph(page, "second-factor-asked")
    field.fill(shown[0])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="History").wait_for()
    assert watch.wrong == []


def test_a_token_is_made_copied_and_revoked(alice: User, browser_context: BrowserContext, live_server: Any) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)
    browser_context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    page.goto("/accounts/tokens/")
    page.get_by_label("Name", exact=True).fill("the scanner of ward seven")
    page.get_by_label("Read and write").check()
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#token").inner_text()
    assert re.fullmatch("pneumo_[0-9a-f]{64}", text)
    assert_accessible(page)
    photograph(page, "token-made")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.get_by_role("link", name="I have it").click()
    assert text not in page.content()
    page.get_by_role("button", name="Revoke the scanner of ward seven").click()
    page.get_by_text("The token “the scanner of ward seven” is revoked.").wait_for()
    assert not ApiToken.objects.exists()
    assert watch.wrong == []
