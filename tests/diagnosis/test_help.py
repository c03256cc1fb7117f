"""The help page, and the drawn sample."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings

from diagnosis.engine.archive import ENTRIES_A_FILE
from diagnosis.engine.header import FORMATS_SENTENCE, MAX_JPEG_SCANS, MAX_PIXELS, MAX_SIDE
from diagnosis.engine.sample import draw_sample, sample_png
from diagnosis.models import Radiograph
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")


def test_the_help_says_what_it_is_not(alice: User) -> None:
    assert "PneumoDetect is no medical device" in words(browser_of(alice).get("/help/"))


def test_the_help_tells_every_limit_as_it_is_set(alice: User, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES, settings.MAX_BATCH_BYTES, settings.MAX_BATCH_FILES = 7 * 1024**2, 90 * 1024**2, 1100
    page = words(browser_of(alice).get("/help/"))
    for limit in (
        FORMATS_SENTENCE,
        "up to 7 MB",
        f"up to {MAX_PIXELS // 1_000_000} million pixels, {MAX_SIDE:,} on a side",
        f"up to {MAX_JPEG_SCANS} scans",
        "up to 1,100 files",
        "up to 90 MB",
        f"up to {ENTRIES_A_FILE * 1100:,} entries",
    ):
        assert limit in page, limit


def test_help_and_upload_page_tell_the_same_limits(alice: User) -> None:
    pages = [browser_of(alice).get(path).context["limits"] for path in ("/help/", "/")]
    assert pages[0] == pages[1]


def keys_in(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<kbd data-keys="([^"]+)" data-does="([^"]+)">', page)


def test_the_help_tells_the_keys_of_the_viewer_and_the_viewer_heeds_no_others(alice: User) -> None:
    browser = browser_of(alice)
    told = keys_in(words(browser.get("/help/")))
    assert told == keys_in(words(browser.get(page_of(make_radiograph(alice)))))
    assert len(told) == 12
    script = (project.BASE_DIR / "static" / "viewer.js").read_text()
    actions = "".join(re.findall(r"(?:const actions = |Object\.assign\(actions, )\{(.+?)^ *\}", script, re.S | re.M))
    known = set(re.findall(r'^ +"?([a-z-]+)"?(?:: |,$)', actions, re.M))
    by_button_alone = {"print"}
    assert {action for _, action in told} == known - by_button_alone
    assert re.findall(r"""\bkey === ["'`]|\bcase ["'`]|event\.code""", script) == [], "a key that nobody is told of"


def test_a_visitor_reads_the_help_and_is_led_to_log_in_for_the_sample(db: Any) -> None:
    page = words(Client().get("/help/"))
    assert 'href="/accounts/login/?next=/help/"' in page
    assert "Try it" not in page
    assert Client().post("/help/sample/")["Location"] == "/accounts/login/?next=/help/sample/"


def test_one_click_submits_the_sample_and_leads_to_its_result(alice: User) -> None:
    answer = browser_of(alice).post("/help/sample/")
    radiograph = Radiograph.objects.get()
    assert answer["Location"] == page_of(radiograph)
    assert radiograph.owner == alice
    assert radiograph.filename == "drawn sample.png"
    assert radiograph.read() == sample_png()


def test_looking_at_the_address_submits_nothing(alice: User) -> None:
    assert browser_of(alice).get("/help/sample/").status_code == 405
    assert not Radiograph.objects.exists()


def test_the_sample_can_be_downloaded(db: Any) -> None:
    shown, kept = Client().get("/help/sample.png"), Client().get("/help/sample.png?download")
    assert shown.content == kept.content == sample_png()
    assert "Content-Disposition" not in shown
    assert kept["Content-Disposition"] == 'attachment; filename="drawn sample.png"'


def test_the_sample_that_ships_is_the_one_that_the_code_draws() -> None:
    shipped = np.asarray(Image.open(io.BytesIO(sample_png())), dtype=int)
    drawn = np.asarray(draw_sample(), dtype=int)
    assert shipped.shape == drawn.shape
    assert np.mean(np.abs(shipped - drawn)) < 1


@pytest.mark.parametrize("path", ["/", "/radiographs/"])
def test_whoever_has_nothing_to_upload_is_led_to_the_sample(alice: User, path: str) -> None:
    assert 'href="/help/#sample"' in words(browser_of(alice).get(path))
