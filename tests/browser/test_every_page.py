"""Every page in every state: for everybody, by itself, and without a complaint of the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import get_resolver, resolve
from pytest_django.fixtures import Settings

from diagnosis import notices, worker
from diagnosis.models import ModelVersion, Radiograph
from tests.browser.accessibility import SCHEMES, WIDTHS, assert_accessible
from tests.browser.page_states import FOR_VISITORS, NO_PAGES, PAGES
from tests.browser.watching import Watch
from tests.factories import make_radiograph, succeeded
from tests.second_factor import as_if_just_shown

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]

SCREENSHOTS = Path(project.BASE_DIR) / "var" / "screenshots"


def log_in(context: BrowserContext, user: User, url: str, *, just_shown: bool = True) -> None:
    client = Client()
    client.force_login(user)
    if just_shown:
        as_if_just_shown(client, user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)


def names_of(patterns: Any, space: str = "") -> Iterator[str]:
    for each in patterns:
        if not hasattr(each, "url_patterns"):
            yield space + each.name
        elif each.namespace not in ("admin", "api"):
            yield from names_of(each.url_patterns, f"{space}{each.namespace}:" if each.namespace else space)


def test_every_address_is_judged_here_or_is_no_page(alice: User, version: ModelVersion) -> None:
    paths = [make(alice, version) for make in (*PAGES.values(), *FOR_VISITORS.values())]
    judged = {resolve(path.partition("?")[0]).view_name for path in paths}
    assert judged | NO_PAGES == set(names_of(get_resolver().url_patterns))
    assert not judged & NO_PAGES


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_everybody(
    name: str, alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    path = PAGES[name](alice, version)
    log_in(browser_context, alice, live_server.url)
    judge(browser_context.new_page(), name, path, live_server.url)


@pytest.mark.parametrize("name", FOR_VISITORS)
def test_every_page_for_visitors_is_for_everybody(
    name: str, alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    judge(browser_context.new_page(), name, FOR_VISITORS[name](alice, version), live_server.url)


def test_the_open_door_is_for_everybody(browser_context: BrowserContext, live_server: Any, settings: Settings) -> None:
    settings.SIGNUP_OPEN = True
    page = browser_context.new_page()
    judge(page, "signup-open", "/accounts/signup/", live_server.url)
    assert page.get_by_role("heading", name="Make an account").is_visible()


def test_too_many_attempts_are_told_to_everybody(browser_context: BrowserContext, live_server: Any) -> None:
    for _ in range(25):
        Client().post("/accounts/password/reset/", {"email": "nobody@example.org"})
    page = browser_context.new_page()
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_role("button", name="Send the link").click()
    page.get_by_role("heading", name="Too many attempts").wait_for()
    assert_accessible(page)
    photograph(page, "error-429")


def judge(page: Page, name: str, path: str, url: str, status: int = 200) -> None:
    watch = Watch(page, url)
    answer = page.goto(path)
    page.wait_for_load_state("load")
    assert answer
    assert answer.status == status
    assert_accessible(page)
    photograph(page, name)
    said = [what for what in watch.wrong if status < 400 or not re.search(rf"\b{status}\b", what)]
    assert said == []


def test_a_page_with_notices_is_for_everybody(alice: User, browser_context: BrowserContext, live_server: Any) -> None:
    cache.delete(worker.ALIVE_KEY)
    notices.forget()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    judge(page, "upload-no-worker", "/", live_server.url)
    assert page.locator(".notices").inner_text() == notices.WORKER_AWAY


@pytest.mark.parametrize(("name", "status"), [("error-404", 404), ("error-403", 403), ("error-500", 500)])
def test_every_error_page_is_for_everybody(
    name: str,
    status: int,
    alice: User,
    browser_context: BrowserContext,
    live_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)

    def fault(*_: Any, **__: Any) -> None:
        raise PermissionDenied if status == 403 else ZeroDivisionError

    monkeypatch.setattr("diagnosis.pages.history.page_of", fault)
    judge(browser_context.new_page(), name, "/nowhere/" if status == 404 else "/radiographs/", live_server.url, status)


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/help/")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle !== 'none' || each.matches('.skip')")
        reached.append(" ".join(focused.inner_text().split()))
    assert reached == [
        "Skip to the content",
        "PneumoDetect",
        "Upload",
        "History",
        "Reading",
        "Models",
        "Help",
        "Account of alice",
    ]
    page.goto("/help/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_history_asks_once_for_all_its_rows_and_not_from_a_hidden_tab(
    alice: User, version: ModelVersion, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    rows = [make_radiograph(alice, filename=f"{number}.jpg") for number in range(3)]
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/outcomes/" in request.url else None)
    page.add_init_script("window.away = false; Object.defineProperty(document, 'hidden', { get: () => window.away })")
    page.goto("/radiographs/")
    with page.expect_request("**/outcomes/**") as first:
        pass
    assert first.value.url.count("pk=") == 3

    page.evaluate("window.away = true")
    page.wait_for_timeout(500)
    before = len(asked)
    page.wait_for_timeout(3000)
    assert len(asked) == before

    Radiograph.objects.get(pk=rows[0].pk).predictions.update(**succeeded(version))
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.locator(".row-outcome").get_by_text("Pneumonia likely").wait_for()
    for row in rows[1:]:
        row.predictions.update(**succeeded(version))
    page.locator(".badge-likely").nth(2).wait_for()
    done = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == done
