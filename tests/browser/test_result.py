"""The result page in a real browser: the viewer, the heat map, keys, paper, and what a screen reader meets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_portal import FINAL, choose, open_result
from tests.browser.watching import SCREENSHOTS, Watch, assert_accessible
from tests.drawings import jpeg_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.live import LivePlatform


@pytest.fixture
def result(page: Page) -> Page:
    """The result page of a radiograph that was uploaded and read, with the heat map there."""
    page.goto("/")
    choose(page, "Thorax 7.jpg", jpeg_bytes(900, 720))
    open_result(page)
    page.locator(FINAL).wait_for(timeout=30_000)
    page.locator(".viewer-heat").wait_for()
    page.wait_for_load_state()  # boxes are measured with the style sheets or without them, whichever is there
    return page


def shape_of(page: Page) -> dict[str, float]:
    """Return how the image is enlarged and where it has been moved to."""
    found: dict[str, float] = page.locator(".viewer-layers").evaluate(
        """layers => {
            const m = new DOMMatrix(getComputedStyle(layers).transform);
            return { zoom: m.a, x: m.e, y: m.f };
        }"""
    )
    return found


def style_of(place: Locator, name: str) -> str:
    return str(place.evaluate(f"part => getComputedStyle(part).{name}"))


def test_the_heat_map_arrives_with_the_answer_and_lies_on_the_image(result: Page, live_platform: LivePlatform) -> None:
    image, heat = result.locator(".viewer-image"), result.locator(".viewer-heat")
    assert heat.evaluate("heat => heat.decode().then(() => heat.naturalWidth)") == 448
    assert heat.bounding_box() == pytest.approx(image.bounding_box(), abs=0.5)
    assert style_of(heat, "opacity") == "0.5"


@pytest.mark.parametrize(("width", "height", "shown"), [(224, 200, 416), (120, 300, 120)])
def test_a_small_image_fills_more_of_the_stage_and_keeps_its_shape(
    page: Page, width: int, height: int, shown: int
) -> None:
    choose(page, f"small {width}.jpg", jpeg_bytes(width, height))
    page.get_by_role("link", name=re.compile("See (result|why)")).click()
    page.locator(FINAL).wait_for(timeout=30_000)
    page.wait_for_load_state()
    box = page.locator(".viewer-image").bounding_box()
    assert box
    assert box["width"] == pytest.approx(shown, abs=16)
    assert box["width"] / box["height"] == pytest.approx(width / height, abs=0.01)


def test_the_heat_map_is_switched_and_faded(result: Page) -> None:
    heat = result.locator(".viewer-heat")
    result.get_by_label("Heat map opacity").fill("0.8")
    assert style_of(heat, "opacity") == "0.8"
    result.get_by_label("Heat map", exact=True).uncheck()
    assert style_of(heat, "visibility") == "hidden"
    result.keyboard.press("h")
    assert style_of(heat, "visibility") == "visible"


def test_buttons_wheel_and_double_click_zoom_and_reset_undoes_it(result: Page) -> None:
    result.get_by_role("button", name="Zoom in").click()
    assert shape_of(result)["zoom"] == pytest.approx(1.25, abs=0.001)
    assert result.locator(".viewer-percent").inner_text() == "125\u00a0%"
    result.get_by_role("button", name="Zoom out").click()
    assert shape_of(result) == {"zoom": 1, "x": 0, "y": 0}
    result.locator(".viewer-stage").hover(position={"x": 200, "y": 100})
    result.mouse.wheel(0, -400)
    result.wait_for_selector(".is-zoomed")
    assert shape_of(result)["zoom"] == pytest.approx(2.718, abs=0.01)
    assert shape_of(result)["x"] > 0  # what lay under the mouse, left of the centre, stays there
    result.get_by_role("button", name="Reset view").click()
    assert shape_of(result) == {"zoom": 1, "x": 0, "y": 0}
    result.locator(".viewer-stage").dblclick()
    assert shape_of(result)["zoom"] == 2.5


def test_the_enlarged_image_is_dragged_and_stays_on_the_stage(result: Page) -> None:
    stage = result.locator(".viewer-stage")
    stage.dblclick()
    before = shape_of(result)
    stage.hover()
    result.mouse.down()
    box = stage.bounding_box()
    assert box
    result.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 + 25, steps=3)
    assert shape_of(result)["x"] == pytest.approx(before["x"] + 40, abs=1)
    assert shape_of(result)["y"] == pytest.approx(before["y"] + 25, abs=1)
    result.mouse.move(box["x"] + 4000, box["y"], steps=3)
    result.mouse.up()
    edge = result.locator(".viewer-layers").bounding_box()
    assert edge
    assert edge["x"] == pytest.approx(box["x"], abs=1)


def test_two_fingers_pinch(chromium: Browser, result: Page, live_platform: LivePlatform) -> None:
    result.evaluate(
        """() => {
            const stage = document.querySelector(".viewer-stage");
            const box = stage.getBoundingClientRect();
            const at = (kind, id, x) => stage.dispatchEvent(new PointerEvent(kind, {
                pointerId: id, pointerType: "touch", bubbles: true, button: 0,
                clientX: box.left + box.width / 2 + x, clientY: box.top + box.height / 2,
            }));
            stage.setPointerCapture = () => {};
            at("pointerdown", 1, -50); at("pointerdown", 2, 50); at("pointermove", 1, -100); at("pointermove", 2, 100);
            at("pointerup", 1, -100); at("pointerup", 2, 100);
        }"""
    )
    assert shape_of(result)["zoom"] == pytest.approx(2, abs=0.01)


def test_brightness_contrast_and_invert_change_the_image_alone(result: Page) -> None:
    image = result.locator(".viewer-image")
    result.get_by_label("Brightness").fill("1.5")
    result.get_by_label("Contrast").fill("2")
    result.keyboard.press("i")
    result.get_by_label("Invert").focus()
    assert style_of(image, "filter") == "brightness(1.5) contrast(2) invert(1)"
    assert style_of(result.locator(".viewer-heat"), "filter") == "none"
    result.keyboard.press("0")
    assert style_of(image, "filter") == "brightness(1) contrast(1) invert(0)"
    assert not result.get_by_label("Invert").is_checked()


def test_keys_zoom_move_and_can_be_turned_off(result: Page) -> None:
    result.keyboard.press("+")
    result.keyboard.press("+")
    result.keyboard.press("+")
    result.keyboard.press("ArrowDown")
    assert shape_of(result)["zoom"] == pytest.approx(1.25**3, abs=0.001)
    assert shape_of(result)["y"] < 0
    result.keyboard.press("?")
    result.get_by_role("dialog").get_by_label("Use these shortcuts").uncheck()
    result.keyboard.press("Escape")
    result.keyboard.press("0")
    assert shape_of(result)["zoom"] == pytest.approx(1.25**3, abs=0.001)
    result.reload()
    result.keyboard.press("+")
    assert shape_of(result)["zoom"] == 1


def _address_of_new(page: Page, name: str, seed: int) -> str:
    """Upload what no other test sends; return its result's address."""
    page.goto("/")
    choose(page, name, jpeg_bytes(404, 308, seed=seed))
    open_result(page)
    page.wait_for_url(re.compile(r"/radiographs/[0-9a-f-]+/$"))
    return page.url


def test_keys_lead_to_the_newer_and_the_older_radiograph(result: Page) -> None:
    first, second = (_address_of_new(result, f"Thorax {seed}.jpg", seed) for seed in (8, 9))
    result.locator(FINAL).wait_for(timeout=30_000)
    result.keyboard.press("n")
    result.wait_for_url(first)
    result.keyboard.press("p")
    result.wait_for_url(second)
    assert result.get_by_role("link", name="Newer").count() == 0


def test_report_and_zip_are_downloaded_twice_in_a_row(result: Page) -> None:
    address = result.get_by_role("link", name="Report as PDF").get_attribute("href")
    report = result.request.get(address or "")
    assert report.headers["content-type"] == "application/pdf"
    assert report.body().startswith(b"%PDF-")
    result.goto("/radiographs/")
    result.get_by_label("Choose Thorax 7.jpg").first.check()
    for _ in range(2):
        with result.expect_download() as download:
            result.get_by_role("button", name="Reports").click()
        assert download.value.suggested_filename == "PneumoDetect reports.zip"


def test_without_javascript_image_and_heat_map_are_there_and_can_be_switched(
    chromium: Browser, result: Page, live_platform: LivePlatform
) -> None:
    context = chromium.new_context(java_script_enabled=False, storage_state=result.context.storage_state())
    plain = context.new_page()
    plain.goto(result.url)
    image = plain.locator(".viewer-image").bounding_box()
    assert plain.locator(".viewer-heat").bounding_box() == pytest.approx(image, abs=0.5)
    assert not plain.get_by_role("button", name="Zoom in").is_visible()
    assert not plain.get_by_label("Brightness").is_visible()
    plain.get_by_label("Heat map", exact=True).uncheck()
    plain.get_by_label("Invert").check()
    plain.screenshot(path=shot("result-no-javascript"), full_page=True)
    assert not plain.locator(".viewer-heat").is_visible()
    context.close()


def test_on_paper_there_are_facts_and_pictures_and_no_controls(result: Page) -> None:
    result.emulate_media(media="print", color_scheme="dark")
    for gone in (".viewer-tools", ".viewer-zoom", ".neighbours", ".site-nav"):
        assert not result.locator(gone).is_visible(), gone
    for there in (".viewer-image", ".viewer-heat", ".scale", ".verdict h1", ".meaning", ".legend-scale"):
        assert result.locator(there).is_visible(), there
    assert style_of(result.locator("body"), "backgroundColor") == "rgb(255, 255, 255)"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    printed = result.pdf(path=SCREENSHOTS / "result-print.pdf", format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_quiet_and_fits_the_window(
    result: Page, live_platform: LivePlatform, width: int, scheme: Any
) -> None:
    result.wait_for_load_state("networkidle")  # or the reload would break off what still loads
    watch = Watch(result, live_platform.url)
    result.set_viewport_size({"width": width, "height": 900})
    result.emulate_media(color_scheme=scheme)
    result.reload()
    result.locator(".viewer-zoom").wait_for()
    result.wait_for_load_state("networkidle")
    assert result.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(result)
    result.screenshot(path=shot(f"result-{width}-{scheme}"), full_page=True)
    result.get_by_role("button", name="Shortcuts").click()
    assert_accessible(result)
    result.screenshot(path=shot(f"shortcuts-{width}-{scheme}"))
    result.goto("/radiographs/")
    assert_accessible(result)
    assert result.evaluate("document.documentElement.scrollWidth") <= width
    result.screenshot(path=shot(f"history-{width}-{scheme}"))
    assert watch.wrong == []


def shot(name: str) -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"{name}.png"
