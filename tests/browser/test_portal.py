"""The portal in a real browser, against the whole platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Request

    from tests.live import LivePlatform

FINAL = ".verdict-likely, .verdict-unlikely, .verdict-uncertain, .verdict-refused, .verdict-failed"
MARK = "window.neverReloaded = true"
IS_MARKED = "window.neverReloaded === true"


class Watch:
    """Collects what a page must not do: complain, fail to load, or ask another host."""

    def __init__(self, page: Page, url: str) -> None:
        self.wrong: list[str] = []
        self.host = urlsplit(url).netloc
        page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("requestfailed", self._note_failure)
        page.on("request", lambda request: self._note(self._is_elsewhere(request.url), request.url))
        page.on("response", lambda response: self._note(response.status >= 400, f"{response.status} {response.url}"))

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(what)

    def _note_failure(self, request: Request) -> None:
        # A page that is left before the browser has fetched its icon, for which no page waits, takes no harm.
        is_icon = request.failure == "net::ERR_ABORTED" and "/favicon" in request.url
        self._note(not is_icon, f"{request.url}: {request.failure}")

    def _is_elsewhere(self, url: str) -> bool:
        return urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc != self.host


@pytest.fixture
def page(chromium: Browser, live_platform: LivePlatform) -> Iterator[Page]:
    """A page in a fresh profile, with the user logged in."""
    context = chromium.new_context(base_url=live_platform.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username or email").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(live_platform.url + "/")
    yield page
    context.close()


def choose(page: Page, name: str, data: bytes, kind: str = "image/jpeg") -> None:
    page.set_input_files("input[type=file]", {"name": name, "mimeType": kind, "buffer": data})


def drop(page: Page, name: str, size: int) -> None:
    """Drop a file of ``size`` zeros on the form, as one does with the mouse."""
    transfer = page.evaluate_handle(
        """([name, size]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(size)], name, { type: "image/jpeg" }));
            return transfer;
        }""",
        [name, size],
    )
    page.dispatch_event(".dropzone", "drop", {"dataTransfer": transfer})


def send(page: Page) -> None:
    page.get_by_role("button", name="Read this X-ray").click()


def test_a_radiograph_is_uploaded_read_found_again_and_deleted(page: Page, live_platform: LivePlatform) -> None:
    watch = Watch(page, live_platform.url)
    page.goto("/")
    choose(page, "Thorax 🫁.jpg", jpeg_bytes(1400, 1100))
    preview = page.get_by_alt_text("Preview of the chosen image")
    preview.wait_for()
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1400

    send(page)
    page.wait_for_url("**/radiographs/*/")
    page.evaluate(MARK)
    page.locator(FINAL).wait_for(timeout=20_000)
    assert page.evaluate(IS_MARKED)
    result = page.url
    assert page.get_by_role("heading", level=1).inner_text().endswith("%")
    assert page.get_by_role("img", name="Probability of pneumonia").is_visible()
    assert page.locator(".film-large img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1400

    page.get_by_role("link", name="History").first.click()
    page.get_by_role("link", name="Thorax 🫁.jpg", exact=True).click()
    page.wait_for_url(result)

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/radiographs/")
    assert "are deleted" in page.get_by_role("status").inner_text()
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
    choose(page, "later.jpg", jpeg_bytes())
    send(page)
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


def test_a_bad_file_is_answered_in_place_and_the_next_one_goes_through(page: Page) -> None:
    page.evaluate(MARK)
    choose(page, "notes.png", b"This is no image at all.", "image/png")
    send(page)
    page.get_by_role("alert").filter(has_text="its content is no image").wait_for()
    drop(page, "big.jpg", 26 * 1024**2)
    page.get_by_role("alert").filter(has_text="larger than the 25 MB that are taken").wait_for()
    assert page.get_by_role("button", name="Read this X-ray").is_disabled()
    assert page.evaluate(IS_MARKED)
    choose(page, "good.jpg", jpeg_bytes())
    send(page)
    page.wait_for_url("**/radiographs/*/")


def test_a_network_that_is_away_is_said_in_place_and_the_file_stays_chosen(page: Page) -> None:
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    choose(page, "good.jpg", jpeg_bytes())
    send(page)
    page.get_by_role("alert").filter(has_text="The upload did not get through").wait_for()
    page.unroute("**/")
    send(page)
    page.wait_for_url("**/radiographs/*/")


def test_an_upload_on_its_way_can_be_cancelled_and_sent_again(page: Page) -> None:
    page.route("**/", lambda route: None if route.request.method == "POST" else route.continue_())
    choose(page, "good.jpg", jpeg_bytes())
    send(page)
    page.get_by_role("progressbar").wait_for()
    assert not page.get_by_role("button", name="Read this X-ray").is_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alert").filter(has_text="Cancelled. Nothing was stored.").wait_for()
    page.unroute("**/")
    send(page)
    page.wait_for_url("**/radiographs/*/")


def test_a_page_whose_radiograph_is_deleted_elsewhere_stops_asking(page: Page, live_platform: LivePlatform) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/radiographs/*/", lambda route: show_as_waiting(route))
    page.route("**/status/*", lambda route: route.fulfill(status=204))
    choose(page, "gone.jpg", jpeg_bytes())
    send(page)
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
    choose(page, "plain.jpg", jpeg_bytes())
    send(page)
    page.locator(FINAL).wait_for(timeout=20_000)  # the page reloads itself
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    assert "are deleted" in page.get_by_role("status").inner_text()
    context.close()
