"""The heat map's addresses, on the pages and in the API."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph, succeeded

MAP = [[float(row + column - 1) for column in range(7)] for row in range(7)]


def api(radiograph: Radiograph, part: str = "") -> str:
    return f"/api/v1/radiographs/{radiograph.pk}/{part}"


@pytest.fixture
def mapped(alice: User, version: ModelVersion) -> Radiograph:
    return make_radiograph(alice, **succeeded(version), activation_map=MAP)


@pytest.mark.parametrize("address", [lambda own: page_of(own, "heatmap"), lambda own: api(own, "heatmap/")])
def test_page_and_api_give_the_same_png_and_say_when_it_is_unchanged(
    alice: User, mapped: Radiograph, address: Any
) -> None:
    client = browser_of(alice)
    answer = client.get(address(mapped))
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "private, no-cache"
    with Image.open(io.BytesIO(answer.content)) as image:
        corners = [image.getpixel(place) for place in ((0, 0), (447, 447))]
    assert [corner[3] for corner in corners if isinstance(corner, tuple)] == [0, 255]
    assert client.get(address(mapped), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_api_sends_the_png_to_one_who_asks_for_a_png_alone(alice: User, mapped: Radiograph) -> None:
    answer = browser_of(alice).get(api(mapped, "heatmap/"), headers={"Accept": "image/png"})
    assert answer["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"status": "pending"}, "There is no heat map yet: the image has not been read so far."),
        ({"status": "refused"}, "There is no heat map: the image was not read, so the network looked nowhere."),
        ({}, "There is no heat map: this prediction was made before heat maps were kept."),
    ],
)
def test_without_a_map_both_answer_404_with_the_reason(
    alice: User, version: ModelVersion, facts: dict[str, str], sentence: str
) -> None:
    radiograph = make_radiograph(alice, **(facts or succeeded(version)))
    client = browser_of(alice)
    page = client.get(page_of(radiograph, "heatmap"))
    assert page.status_code == 404
    assert sentence in words(page)
    answer = client.get(api(radiograph, "heatmap/"))
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]


@pytest.mark.parametrize("part", ["heatmap", "report"])
def test_a_stranger_gets_404(bob: User, mapped: Radiograph, part: str) -> None:
    assert browser_of(bob).get(page_of(mapped, part)).status_code == 404
    assert browser_of(bob).get(api(mapped, f"{part}/")).status_code == 404
    assert Client().get(page_of(mapped, part)).status_code == 302
    assert Client().get(api(mapped, f"{part}/")).status_code == 401


def test_an_earlier_prediction_keeps_its_own_map(alice: User, mapped: Radiograph, version: ModelVersion) -> None:
    earlier = mapped.prediction
    Prediction.objects.create(radiograph=mapped, **succeeded(version))
    client = browser_of(alice)
    assert client.get(page_of(mapped, "heatmap")).status_code == 404
    assert client.get(page_of(mapped, "heatmap"), {"prediction": earlier.pk}).status_code == 200
    for unknown in ("9" * 30, "1e3", "-1", "٣", str(earlier.pk + 100)):
        assert client.get(page_of(mapped, "heatmap"), {"prediction": unknown}).status_code == 404
    page = words(client.get(page_of(mapped)))
    assert "Earlier predictions of this X-ray" in page
    assert f"heatmap/?prediction={earlier.pk}" in page
    assert "made before heat maps were kept" in page


def test_a_prediction_names_its_heat_map_and_its_report(alice: User, bob: User, version: ModelVersion) -> None:
    client = browser_of(alice)
    mapped = make_radiograph(alice, **succeeded(version), activation_map=MAP)
    said = client.get(api(mapped)).json()["prediction"]
    assert said["heatmap_url"] == f"http://testserver{api(mapped, 'heatmap/')}"
    assert said["report_url"] == f"http://testserver{api(mapped, 'report/')}"
    refused = client.get(api(make_radiograph(alice, status="refused", model_version=version))).json()["prediction"]
    assert refused["heatmap_url"] is None
    assert refused["report_url"]
    pending = client.get(api(make_radiograph(alice))).json()["prediction"]
    assert (pending["heatmap_url"], pending["report_url"]) == (None, None)
