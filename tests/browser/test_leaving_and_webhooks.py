"""What comes behind another page: an account's end behind its password, a webhook's secret behind its form."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.models import Batch, Leaving, Webhook
from diagnosis.webhooks.delivering import deliver_due
from tests.browser.accessibility import assert_accessible
from tests.browser.test_every_page import log_in, photograph
from tests.browser.watching import Watch
from tests.drawings import jpeg_bytes
from tests.factories import PASSWORD
from tests.receiver import receiving

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


def test_a_webhook_is_added_shows_its_secret_and_what_becomes_of_its_first_call(
    alice: User, browser_context: BrowserContext, live_server: Any, settings: Settings
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    page.goto("/accounts/notices/")
    with receiving() as receiver:
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("button", name="Add this webhook").click()
        page.get_by_text("On its way").wait_for()
        webhook = Webhook.objects.get()
        assert page.locator(".secret code").inner_text() == webhook.secret
        assert_accessible(page)
        photograph(page, "webhook-new")
        deliver_due(webhook.pk)
    page.get_by_text("Delivered").wait_for()
    page.get_by_role("button", name="Send again").wait_for()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("heading", name="Delete this webhook?").wait_for()
    assert_accessible(page)
    photograph(page, "webhook-delete")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The webhook is deleted").wait_for()
    assert watch.wrong == []


def test_an_address_that_is_refused_says_so_beside_its_field(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/accounts/notices/")
    page.get_by_label("Address").fill("https://127.0.0.1/hook")
    page.get_by_role("button", name="Add this webhook").click()
    page.get_by_text("is an address within a private network").wait_for()
    assert_accessible(page)
    photograph(page, "notices-refused")


def test_an_account_is_deleted_after_the_password_and_the_name(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    log_in(browser_context, alice, live_server.url, just_shown=False)
    page = browser_context.new_page()
    page.goto("/accounts/my-data/")
    page.get_by_role("link", name="Delete your account…").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").last.click()
    page.get_by_role("heading", name="What stays").wait_for()
    page.get_by_role("button", name="Delete my account and files").click()
    page.get_by_label("Write your user name").fill("bob")
    page.get_by_role("button", name="Delete my account and files").click()
    page.get_by_text("That is not your user name").wait_for()
    assert_accessible(page)
    photograph(page, "leave")
    page.get_by_label("Write your user name").fill("alice")
    page.get_by_role("button", name="Delete my account and files").click()
    page.get_by_role("heading", name="Your account is closed").wait_for()
    assert Leaving.objects.get().user == alice


def test_files_that_are_chosen_at_once_are_one_upload_and_its_end_is_told_as_wished(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/")
    page.get_by_label("Tell me by mail when all are read").check()
    files = [("a.jpg", jpeg_bytes(seed=1)), ("b.jpg", jpeg_bytes(seed=2)), ("notes.txt", b"no image")]
    chosen: list[Any] = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    page.locator(".dropzone input").set_input_files(chosen)
    page.get_by_text("Not taken", exact=True).wait_for()
    page.locator("[data-stage=open]").nth(1).wait_for()
    batch = Batch.objects.get()
    assert (batch.files, batch.received, batch.by_mail, batch.radiographs.count()) == (3, 3, True, 2)
    assert batch.open_until <= timezone.now(), "nothing more comes"
    photograph(page, "upload-batch")
