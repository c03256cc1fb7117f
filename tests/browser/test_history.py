"""The history in a browser: filters, choosing rows, and what is done with them; with JavaScript and without."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis import worker
from diagnosis.history import tagging
from diagnosis.models import ModelVersion, Radiograph, SavedFilter, Tag
from tests.browser.accessibility import assert_accessible
from tests.browser.test_every_page import log_in, photograph
from tests.browser.watching import Watch
from tests.drawings import jpeg_bytes
from tests.factories import make_radiograph, succeeded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


@pytest.fixture
def rows(alice: User, version: ModelVersion) -> list[Radiograph]:
    """More than a page of them, over some weeks."""
    worker.report_alive()
    made, now = [], timezone.now()
    for number in range(30):
        facts: dict[str, Any] = succeeded(version, [0.03, 0.97, 0.11, 0.62][number % 4])
        facts["band"] = ["unlikely", "likely", "unlikely", "uncertain"][number % 4]
        if number % 7 == 5:
            facts = {"status": "refused", "reason": "The image does not look like a chest X-ray."}
        if number == 9:
            facts = {"status": "failed", "reason": "The file is damaged."}
        name = (
            "a name as long as scanners like to give them 2026-11-25.jpg" if number == 3 else f"thorax {number:02}.jpg"
        )
        made.append(make_radiograph(alice, jpeg_bytes(seed=number), filename=name, **facts))
        Radiograph.objects.filter(pk=made[-1].pk).update(created=now - timedelta(hours=17 * number))
    tagging.tag(alice, made[1:4], "follow-up")
    tagging.tag(alice, made[3:5], "ask a colleague")
    SavedFilter.objects.create(owner=alice, name="Likely, to look at", query="band=likely")
    SavedFilter.objects.create(owner=alice, name="Could not be read", query="status=failed")
    return made


@pytest.fixture
def page(alice: User, rows: list[Radiograph], browser_context: Any, live_server: Any) -> Iterator[Page]:
    log_in(browser_context, alice, live_server.url)
    page: Page = browser_context.new_page()
    watch = Watch(page, live_server.url)
    page.goto("/radiographs/")
    yield page
    page.wait_for_load_state("networkidle")
    # What is downloaded leaves no page, and to the browser that is one that was not loaded.
    assert [each for each in watch.wrong if "export." not in each] == []


def box(page: Page, number: int) -> Any:
    return page.locator('.row-choose input[name="pk"]').nth(number)


def test_the_history_is_for_everybody_in_each_of_its_forms(page: Page) -> None:
    assert_accessible(page)
    photograph(page, "history-full")
    page.get_by_text("As a table").click()
    page.goto("/radiographs/?band=likely&search=thorax&created_after=2020-01-01")
    assert_accessible(page)
    photograph(page, "history-filtered")
    page.goto("/radiographs/")
    box(page, 1).check()
    box(page, 2).check()
    assert_accessible(page)
    photograph(page, "history-chosen")
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_all_rows_are_chosen_at_once_and_a_range_with_shift(page: Page) -> None:
    delete = page.get_by_role("button", name="Delete", exact=True)
    assert delete.is_disabled()
    page.get_by_label("Choose all on this page").check()
    assert page.locator(".row-choose input:checked").count() == 24
    assert "With the chosen: 24" in page.locator(".chosen-count").inner_text()
    page.get_by_label("Choose all on this page").uncheck()
    box(page, 2).click()
    box(page, 5).click(modifiers=["Shift"])
    assert page.locator(".row-choose input:checked").count() == 4
    assert page.get_by_label("Choose all on this page").evaluate("each => each.indeterminate")
    assert delete.is_enabled()


def test_a_dialogue_asks_before_many_are_deleted(page: Page) -> None:
    box(page, 0).check()
    box(page, 1).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Delete 2 X-rays?").wait_for()
    assert_accessible(page)
    dialog.get_by_role("link", name="Keep them").click()
    assert Radiograph.objects.count() == 30
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Delete 2").click()
    page.get_by_text("2 X-rays are deleted").wait_for()
    assert Radiograph.objects.count() == 28


def test_a_download_leaves_the_page_ready_for_the_next_thing(page: Page) -> None:
    box(page, 0).check()
    for name in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename.endswith(name.lower())
    page.get_by_label("Tag for the chosen").fill("seen twice")
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_text("1 X-ray is tagged “seen twice”.").wait_for()


def test_an_address_holds_only_the_filters_in_use(page: Page) -> None:
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Outcome").select_option("likely")
    page.get_by_label("Search").fill("thorax")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/radiographs/?search=thorax&band=likely")
    page.get_by_role("link", name="Do without: Search").click()
    page.wait_for_url("**/radiographs/?band=likely")


def copy_with_scripts(page: Page, chromium: Browser, url: str) -> Page:
    """Return the same page where scripts may run: elsewhere axe-core, which is one, would be waited for for ever."""
    copy = chromium.new_page(base_url=url)
    copy.goto("/help/")
    copy.set_content(page.content())
    return copy


def test_everything_can_be_done_without_javascript(
    alice: User, rows: list[Radiograph], chromium: Browser, live_server: Any
) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    log_in(context, alice, live_server.url)
    page = context.new_page()
    page.goto("/radiographs/")
    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Previous").click()
    box(page, 0).check()
    page.get_by_label("Tag for the chosen").fill("by hand")
    page.get_by_role("button", name="Tag", exact=True).click()
    assert Tag.objects.filter(name="by hand", radiographs=rows[0]).exists()
    page.get_by_role("link", name="Tag by hand").click()
    page.get_by_label("Name for this filter").fill("Mine")
    page.get_by_role("button", name="Save filter").click()
    page.get_by_role("link", name="Mine", exact=True).wait_for()
    box(page, 0).check()
    page.get_by_role("button", name="Classify again").click()
    assert rows[0].predictions.count() == 2
    box(page, 0).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    copy = copy_with_scripts(page, chromium, live_server.url)
    assert_accessible(copy)
    copy.close()
    page.get_by_role("button", name="Delete 1").click()
    page.get_by_text("1 X-ray is deleted").wait_for()
    assert not Radiograph.objects.filter(pk=rows[0].pk).exists()
    context.close()
    for thread in threading.enumerate():  # a thread of the server that outlives the test would miss its database
        if "process_request_thread" in thread.name:
            thread.join(10)
