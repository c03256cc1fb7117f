"""axe-core's verdict on a page, by the copy of it that axe-playwright-python carries."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: Without its loading of style sheets, which writes some into the page, and the page forbids that.
RUN = """(without) =>
    axe.run(
        { include: [["html"]], exclude: without.map((part) => [part]) },
        { resultTypes: ["violations"], preload: false },
    )
        .then((results) => results.violations)"""


def violations(page: Page, without: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds wrong with the page as it stands, parts ``without`` left out."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    return [f"{each['id']}: {node['html']}" for each in page.evaluate(RUN, list(without)) for node in each["nodes"]]


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page, light and dark, wide and narrow; nothing may need to be scrolled sideways."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert violations(page) == [], f"{page.url}, {scheme}, {width} px wide"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} at {width} px"
