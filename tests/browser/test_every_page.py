"""Every page in every state: for everybody, by itself, and without a complaint of the browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client

from diagnosis import notices, worker
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.paging import Mark
from tests.browser.accessibility import SCHEMES, WIDTHS, assert_accessible
from tests.browser.watching import Watch
from tests.diagnosis.pages import page_of
from tests.factories import make_radiograph, succeeded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]

SCREENSHOTS = Path(project.BASE_DIR) / "var" / "screenshots"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
REASON = "The image does not look like a chest X-ray. Send the chest X-ray itself, seen from the front."


@pytest.fixture
def browser_context(chromium: Browser, live_server: Any) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url)
    yield context
    context.close()
    for thread in threading.enumerate():  # a thread of the server that outlives the test would miss its database
        if "process_request_thread" in thread.name:
            thread.join(10)


def log_in(context: BrowserContext, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)


Make = Callable[[User, ModelVersion], str]


def _result(**facts: Any) -> Make:
    return lambda user, _: page_of(make_radiograph(user, filename="thorax 0815.jpg", **facts))


def _answered(probability: float, band: str) -> Make:
    return lambda user, version: page_of(
        make_radiograph(user, filename="thorax 0815.jpg", **{**succeeded(version, probability), "band": band})
    )


def _history(user: User, version: ModelVersion) -> str:
    make_radiograph(user, filename="first.jpg", **succeeded(version, 0.03))
    make_radiograph(user, filename="second.jpg", **succeeded(version))
    make_radiograph(
        user,
        filename="a very long name of a file as scanners like to give them 2026-11-25.jpg",
        status="refused",
        reason=REASON,
    )
    make_radiograph(user, filename="damaged.jpg", status="failed", reason="The file is damaged.")
    make_radiograph(user, filename="running.jpg", status="running")
    for _ in range(3):
        make_radiograph(user, filename="waiting.jpg")
    return "/radiographs/"


PAGES: dict[str, Make] = {
    "upload": lambda *_: "/",
    "history-empty": lambda *_: "/radiographs/",
    "history": _history,
    "history-end": lambda user, _: f"/radiographs/?cursor={Mark(LONG_AGO, make_radiograph(user).pk)}",
    "result-likely": _answered(0.94, "likely"),
    "result-unlikely": _answered(0.04, "unlikely"),
    "result-uncertain": _answered(0.47, "uncertain"),
    "result-refused": lambda user, version: page_of(
        make_radiograph(user, status="refused", reason=REASON, model_version=version)
    ),
    "result-failed": _result(status="failed", reason="The file is damaged."),
    "result-waiting": _result(),
    "result-running": _result(status="running"),
    "delete": lambda user, _: page_of(make_radiograph(user), "delete"),
    "help": lambda *_: "/help/",
    "account-email": lambda *_: "/accounts/email/",
    "account-password": lambda *_: "/accounts/password/change/",
    "account-logout": lambda *_: "/accounts/logout/",
}
FOR_VISITORS = {
    "login": "/accounts/login/",
    "signup": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
    "password-reset-done": "/accounts/password/reset/done/",
    "help-visitor": "/help/",
    "inactive": "/accounts/inactive/",
}


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
    name: str, browser_context: BrowserContext, live_server: Any
) -> None:
    judge(browser_context.new_page(), name, FOR_VISITORS[name], live_server.url)


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

    monkeypatch.setattr("diagnosis.history_views.page_of", fault)
    judge(browser_context.new_page(), name, "/nowhere/" if status == 404 else "/radiographs/", live_server.url, status)


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    alice: User, browser_context: BrowserContext, live_server: Any
) -> None:
    worker.report_alive()
    log_in(browser_context, alice, live_server.url)
    page = browser_context.new_page()
    page.goto("/help/")
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle !== 'none' || each.matches('.skip')")
        reached.append(" ".join(focused.inner_text().split()))
    assert reached == [
        "Skip to the content",
        "PneumoDetect",
        "Upload",
        "History",
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
    page.get_by_text("Pneumonia likely").wait_for()
    for row in rows[1:]:
        row.predictions.update(**succeeded(version))
    page.wait_for_function("document.querySelectorAll('.badge-likely').length === 3")
    done = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == done
