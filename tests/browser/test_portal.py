"""The portal in a real browser, against the whole platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.browser.watching import Watch
from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.live import LivePlatform

FINAL = ".verdict-likely, .verdict-unlikely, .verdict-uncertain, .verdict-refused, .verdict-failed"
MARK = "window.neverReloaded = true"
IS_MARKED = "window.neverReloaded === true"


def choose(page: Page, name: str, data: bytes, kind: str = "image/jpeg") -> None:
    page.set_input_files(".dropzone input[type=file]", {"name": name, "mimeType": kind, "buffer": data})


def open_result(page: Page) -> None:
    page.get_by_role("link", name="See result").click()


def test_a_radiograph_is_uploaded_read_found_again_and_deleted(page: Page, live_platform: LivePlatform) -> None:
    watch = Watch(page, live_platform.url)
    page.goto("/")
    choose(page, "Thorax 🫁.jpg", jpeg_bytes(1400, 1100, seed=11))
    open_result(page)
    page.wait_for_url("**/radiographs/*/")
    page.evaluate(MARK)
    page.locator(FINAL).wait_for(timeout=20_000)
    assert page.evaluate(IS_MARKED)
    result = page.url
    assert page.get_by_role("heading", level=1).inner_text().endswith("%")
    assert page.get_by_role("img", name="Probability of pneumonia").is_visible()
    assert page.locator(".viewer-image").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1400
    page.wait_for_load_state("networkidle")  # or leaving would break off the heat map

    page.get_by_role("link", name="History").first.click()
    page.get_by_role("link", name="Thorax 🫁.jpg", exact=True).click()
    page.wait_for_url(result)
    page.wait_for_load_state("networkidle")

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/radiographs/")
    assert "are deleted" in page.locator(".note-success").inner_text()
    assert page.get_by_role("link", name="Thorax 🫁.jpg", exact=True).count() == 0
    assert watch.wrong == []
    assert page.request.get(result).status == 404


def test_an_answer_that_comes_later_appears_without_a_reload(page: Page, live_platform: LivePlatform) -> None:
    """The page polls the whole time, whether the worker answers in a moment or not."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def still_waiting(route: Any) -> None:
        if len([url for url in asked if "/status/" in url]) < 4:
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route("**/status/*", still_waiting)
    page.route("**/radiographs/*/", lambda route: show_as_waiting(route))
    choose(page, "later.jpg", jpeg_bytes(seed=12))
    open_result(page)
    page.locator(".verdict-waiting").wait_for()
    page.evaluate(MARK)
    page.locator(FINAL).wait_for(timeout=20_000)
    assert page.evaluate(IS_MARKED)
    polls = len([url for url in asked if "/status/" in url])
    page.wait_for_timeout(1200)
    assert len([url for url in asked if "/status/" in url]) == polls >= 4


def show_as_waiting(route: Any) -> None:
    """Show the result page as it was before the worker answered."""
    answer = route.fetch()
    body = answer.text()
    head, _, rest = body.partition('id="result" aria-live="polite">')
    _, _, tail = rest.partition("</section>")
    address = urlsplit(route.request.url).path
    waiting = (
        f'<section class="verdict-waiting" hx-get="{address}status/?seen=before" hx-trigger="every 200ms"'
        ' hx-target="#result" hx-sync="this:drop">Waiting</section>'
    )
    route.fulfill(response=answer, body=f'{head}id="result" aria-live="polite">{waiting}{tail}')


def test_a_page_whose_radiograph_is_deleted_elsewhere_stops_asking(page: Page, live_platform: LivePlatform) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/radiographs/*/", lambda route: show_as_waiting(route))
    page.route("**/status/*", lambda route: route.fulfill(status=204))
    choose(page, "gone.jpg", jpeg_bytes(seed=13))
    open_result(page)
    page.locator(".verdict-waiting").wait_for()
    token = page.locator("body").get_attribute("hx-headers") or ""
    csrf = token.split('"')[3]
    page.request.post(page.url + "delete/", headers={"X-CSRFToken": csrf, "Referer": page.url})
    page.unroute("**/status/*")
    page.get_by_role("alert").filter(has_text="There is nothing at this address").wait_for()
    polls = len(asked)
    page.wait_for_timeout(1200)
    assert len(asked) == polls


def test_without_javascript_everything_goes_as_well(chromium: Browser, live_platform: LivePlatform) -> None:
    context = chromium.new_context(base_url=live_platform.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username or email").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Log in").click()
    choose(page, "plain.jpg", jpeg_bytes(seed=14))
    page.get_by_role("button", name="Read these X-rays").click()
    page.locator(FINAL).wait_for(timeout=20_000)  # the page reloads itself
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    assert "are deleted" in page.locator(".note-success").inner_text()
    context.close()
