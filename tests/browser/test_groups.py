"""Groups in the browser: an upload that is shared as it is sent, and a question before somebody leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from diagnosis import worker
from diagnosis.models import Radiograph, ReadingGroup
from tests.browser.test_every_page import log_in
from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


def test_what_is_dropped_is_shared_with_the_chosen_group_and_the_dialogue_asks_before_one_leaves(
    alice: User, bob: User, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    ward = ReadingGroup.found("Ward 3", bob)
    ward.memberships.create(user=alice)
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/")
    page.get_by_label("Share with").select_option("Ward 3")
    file: Any = {"name": "chest.jpg", "mimeType": "image/jpeg", "buffer": jpeg_bytes()}
    page.locator(".dropzone input[type=file]").set_input_files(file)
    page.locator(".upload-row[data-pk]").wait_for()
    assert Radiograph.objects.get().group == ward

    page.goto(ward.get_absolute_url())
    page.get_by_role("link", name="Leave the group").click()
    dialogue = page.get_by_role("dialog")
    dialogue.get_by_role("link", name="Stay").click()
    assert dialogue.is_hidden()
    page.get_by_role("link", name="Leave the group").click()
    dialogue.get_by_role("button", name="Leave").click()
    page.get_by_text("You have left Ward 3.").wait_for()
    assert Radiograph.objects.get().group is None
