"""Uploading in a real browser: one image, many, a folder, a zip of 200, from the clipboard, and what goes wrong."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.archives import zip_bytes
from tests.browser.watching import screenshot
from tests.calls import Caller
from tests.dicoms import dicom_bytes
from tests.drawings import jpeg_bytes, uniform_png_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.live import LivePlatform

FILES = ".dropzone input[type=file]"
DONE = "[data-stage=succeeded]"


def image(number: int) -> bytes:
    """Draw an image that no other test sends: what was sent before would be recognised."""
    return jpeg_bytes(400 + number, 300, seed=1 + number % 4)


def named(name: str, data: bytes, kind: str = "image/jpeg") -> Any:
    return {"name": name, "mimeType": kind, "buffer": data}


def row_of(page: Page, name: str) -> Any:
    return page.locator("#uploads-rows > li").filter(has=page.get_by_text(name, exact=True))


def summary(page: Page, words: str) -> None:
    page.locator("#uploads-summary").get_by_text(words, exact=True).wait_for(timeout=240_000)


def test_several_files_become_rows_that_end_with_their_answers(watched_page: Page) -> None:
    page = watched_page
    screenshot(page, "upload-empty")
    page.set_input_files(
        FILES,
        [
            named("left.jpg", image(901)),
            named("right.jpg", image(902)),
            named("notes.png", b"This is no image.", "image/png"),
            named("flat.png", uniform_png_bytes(), "image/png"),
            named("huge.jpg", bytes(26 * 1024**2)),
        ],
    )
    summary(page, "5 of 5 done: 1 refused, 2 not taken")
    for name in ("left.jpg", "right.jpg"):
        row = row_of(page, name)
        assert re.search(r"Pneumonia \w+|Uncertain", row.locator(".badge").inner_text())
        picture = row.locator(".film-thumb img")
        assert picture.get_attribute("src").startswith("blob:"), "the picture is not fetched again"
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400
        assert row.get_by_role("link", name="See result").is_visible()
    assert "its content is no image" in row_of(page, "notes.png").inner_text()
    assert "larger than the 25 MB" in row_of(page, "huge.jpg").inner_text()
    assert "Refused" in row_of(page, "flat.png").inner_text()
    page.locator("#uploads-spoken").get_by_text("5 of 5 done: 1 refused, 2 not taken").wait_for(timeout=10_000)
    screenshot(page, "upload-rows")


def test_a_zip_of_200_images_is_200_live_rows_and_none_is_lost(
    watched_page: Page, live_platform: LivePlatform
) -> None:
    page = watched_page
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/states/" in request.url else None)
    names = [f"scan {number:03}.jpg" for number in range(200)]
    archive = zip_bytes([(f"all/{name}", image(1000 + number)) for number, name in enumerate(names)])
    page.set_input_files(FILES, named("all.zip", archive, "application/zip"))
    page.locator("#uploads-rows > li").nth(199).wait_for(timeout=240_000)
    page.locator("[data-stage=open]").filter(has_text="ahead").first.wait_for(timeout=60_000)
    summary(page, "200 of 200 done")
    assert page.locator(DONE).count() == 200
    assert page.locator("#uploads-rows bdi").all_inner_texts() == names
    caller = Caller(live_platform.url, live_platform.username, live_platform.password)
    stored = [row for row in caller.radiographs() if row["filename"].startswith("scan ")]
    assert sorted(row["filename"] for row in stored) == names
    assert {row["status"] for row in stored} == {"succeeded"}
    asked = len(polls)
    page.wait_for_timeout(1500)
    assert len(polls) == asked, "nothing is open, so nothing is asked"


def test_a_dicom_file_shows_its_picture_and_its_warning_once_it_is_read(watched_page: Page) -> None:
    page = watched_page
    page.set_input_files(FILES, named("adult.dcm", dicom_bytes(PatientAge="045Y"), "application/dicom"))
    summary(page, "1 of 1 done")
    row = row_of(page, "adult.dcm")
    assert row.locator(".film-thumb img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert "Read with care: an adult" in row.inner_text()


def test_a_narrow_row_leads_to_its_answer_wherever_it_is_touched(watched_page: Page) -> None:
    page = watched_page
    page.set_viewport_size({"width": 390, "height": 800})
    page.set_input_files(FILES, named("narrow.jpg", image(29)))
    summary(page, "1 of 1 done")
    row = row_of(page, "narrow.jpg")
    box = row.bounding_box()
    assert box
    assert box["height"] < 130
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    page.wait_for_url("**/radiographs/*/")
    page.wait_for_load_state("networkidle")


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders of the disk on the page as the system's file manager does, which no script in it can."""
    browser = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": step, "x": 400, "y": 300, "data": data})


#: More files than a browser's reader of folders gives at a time.
MANY = 120


@pytest.mark.parametrize("way", ["choose", "drop"])
def test_a_folder_is_sent_to_its_depths_without_what_the_system_put_there(
    watched_page: Page, tmp_path: Path, way: str
) -> None:
    page, folder, number = watched_page, tmp_path / "scans", 21 if way == "choose" else 24
    (folder / "deeper" / "deepest").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "__MACOSX").mkdir()
    (folder / "a.jpg").write_bytes(image(number))
    (folder / "deeper" / "b.jpg").write_bytes(image(number + 1))
    (folder / "deeper" / "deepest" / "c.jpg").write_bytes(image(number + 2))
    (folder / "deeper" / "notes.txt").write_bytes(b"This is no image.")
    for name in ("Thumbs.db", ".hidden.jpg", "__MACOSX/._a.jpg"):
        (folder / name).write_bytes(b"x")
    many = [f"{each:03}.jpg" for each in range(MANY)]
    for name in many:
        (folder / "deeper" / name).touch()
    if way == "choose":
        page.set_input_files("#upload-folder-input", folder)
    else:
        drop(page, folder)
    summary(page, f"{MANY + 4} of {MANY + 4} done: {MANY + 1} not taken")
    names = page.locator("#uploads-rows bdi").all_inner_texts()
    assert sorted(names) == sorted(["a.jpg", "b.jpg", "c.jpg", "notes.txt", *many])
    assert "The file is no image that can be read here." in row_of(page, "notes.txt").inner_text()
    assert "The file is empty." in row_of(page, many[-1]).inner_text()
    assert page.locator(".dropzone-over").count() == 0


def test_a_folder_and_a_file_are_dropped_together(watched_page: Page, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "inside.jpg").write_bytes(image(27))
    (tmp_path / "beside.jpg").write_bytes(image(28))
    drop(watched_page, tmp_path / "scans", tmp_path / "beside.jpg")
    summary(watched_page, "2 of 2 done")
    assert sorted(watched_page.locator("#uploads-rows bdi").all_inner_texts()) == ["beside.jpg", "inside.jpg"]


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_an_image_comes_from_the_clipboard_or_is_dropped(watched_page: Page, way: str) -> None:
    page = watched_page
    data = base64.b64encode(image(30 if way == "paste" else 31)).decode()
    page.evaluate(
        """([way, data]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], way + ".jpg", { type: "image/jpeg" }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(
                way === "paste"
                    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
                    : new DragEvent("drop", { ...options, dataTransfer: transfer })
            );
        }""",
        [way, data],
    )
    summary(page, "1 of 1 done")
    assert row_of(page, f"{way}.jpg").get_by_role("link", name="See result").is_visible()


def test_an_image_sent_before_leads_to_its_result_and_can_be_sent_anyway(watched_page: Page) -> None:
    page = watched_page
    page.set_input_files(FILES, named("first.jpg", image(40)))
    summary(page, "1 of 1 done")
    earlier = row_of(page, "first.jpg").get_by_role("link", name="See result").get_attribute("href")
    page.set_input_files(FILES, named("second.jpg", image(40)))
    summary(page, "2 of 2 done")
    row = row_of(page, "second.jpg")
    assert "You sent this very image" in row.inner_text()
    assert row.get_by_role("link", name="See result").get_attribute("href") == earlier
    screenshot(page, "upload-known")
    row.get_by_role("button", name="Upload it anyway").press("Enter")
    page.locator(DONE).nth(1).wait_for(timeout=60_000)
    links = page.get_by_role("link", name="See result")
    assert links.nth(0).get_attribute("href") == earlier != links.nth(1).get_attribute("href")


def test_more_files_than_are_taken_at_once_are_refused_before_any_is_sent(watched_page: Page) -> None:
    watched_page.set_input_files(FILES, [named(f"{number}.jpg", b"x") for number in range(501)])
    watched_page.get_by_role("alert").filter(has_text="At most 500 files are taken at once").wait_for()
    assert watched_page.locator("#uploads-rows > li").count() == 0


def test_a_network_that_is_away_is_said_in_the_row_which_can_be_sent_again(page: Page) -> None:
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.set_input_files(FILES, [named("good.jpg", image(50)), named("better.jpg", image(51))])
    row = row_of(page, "good.jpg")
    row.get_by_text("It did not get through").wait_for()
    page.unroute("**/")
    row.get_by_role("button", name="Try again").click()
    summary(page, "1 of 2 done: 1 not sent")


def test_a_row_on_its_way_can_be_cancelled_and_sent_again(page: Page) -> None:
    posts: list[Any] = []

    def hold_the_first_four(route: Any) -> None:
        if route.request.method == "POST":
            posts.append(route)
        if route.request.method != "POST" or len(posts) > 4:
            route.continue_()

    page.route("**/", hold_the_first_four)
    page.set_input_files(FILES, [named(f"{number}.jpg", image(60 + number)) for number in range(5)])
    assert page.locator("[data-stage=queued]").count() == 2
    for number in (0, 4):
        row_of(page, f"{number}.jpg").get_by_role("button", name="Cancel").click()
        row_of(page, f"{number}.jpg").get_by_text("Nothing of it was stored.").wait_for()
    assert page.locator("[data-stage=queued]").count() == 0, "the next took the place of the one that was cancelled"
    row_of(page, "4.jpg").get_by_role("button", name="Send").click()
    for number in (1, 2, 3):
        row_of(page, f"{number}.jpg").get_by_role("button", name="Cancel").click()
    summary(page, "1 of 5 done: 4 cancelled")


def test_who_is_logged_out_meanwhile_is_told_so_and_loses_nothing(page: Page) -> None:
    page.context.clear_cookies()
    page.set_input_files(FILES, named("good.jpg", image(70)))
    row_of(page, "good.jpg").get_by_role("button", name="Try again").wait_for()


def test_all_of_it_goes_by_keyboard(watched_page: Page) -> None:
    page = watched_page
    page.locator(FILES).focus()
    page.set_input_files(FILES, named("keys.jpg", image(80)))
    summary(page, "1 of 1 done")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "upload-folder-button"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/radiographs/*/")


def test_leaving_the_page_loses_nothing_that_was_sent(page: Page) -> None:
    page.set_input_files(FILES, [named(f"leave {number}.jpg", image(90 + number)) for number in range(3)])
    page.locator("[data-pk]").nth(2).wait_for()
    page.get_by_role("link", name="history", exact=True).click()
    for number in range(3):
        page.get_by_role("link", name=f"leave {number}.jpg", exact=True).first.wait_for()


def test_without_javascript_many_files_and_a_zip_are_listed(chromium: Browser, live_platform: LivePlatform) -> None:
    context = chromium.new_context(base_url=live_platform.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username or email").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Log in").click()
    archive = zip_bytes([("in the zip.jpg", image(100)), ("notes.txt", b"hello")])
    files = [named("plain.jpg", image(101)), named("scans.zip", archive, "application/zip")]
    page.set_input_files(FILES, files)
    page.get_by_role("button", name="Read these X-rays").click()
    assert page.locator("#uploads-rows bdi").all_inner_texts() == ["plain.jpg", "in the zip.jpg", "notes.txt"]
    assert "The file is no image that can be read here." in row_of(page, "notes.txt").inner_text()
    row_of(page, "in the zip.jpg").get_by_role("link", name="See result").click()
    page.wait_for_url("**/radiographs/*/")
    context.close()
