"""The help page, and the drawn sample."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings

from diagnosis.engine.header import MAX_SIDE
from diagnosis.engine.sample import draw_sample, sample_png
from diagnosis.models import Radiograph
from tests.diagnosis.pages import browser_of, page_of, words

pytestmark = pytest.mark.usefixtures("rung")


def test_the_help_says_what_it_is_not_and_what_is_taken(alice: User, settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 7 * 1024**2
    page = words(browser_of(alice).get("/help/"))
    assert "PneumoDetect is no medical device" in page
    assert "up to 7 MB" in page
    assert f"{MAX_SIDE:,} on a side" in page


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
