"""Two predictions on one radiograph, with both heat maps and what differs in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.versions.changes import changes_between
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")
MAP = [[1.0] * 7] * 7
REFUSED = {"status": "refused", "reason_code": "not_a_chest", "reason": "The image does not look like a chest X-ray."}


@pytest.fixture
def newer(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.create(version="newer", network_sha256="1" * 64, card=version.card)


def read_by(radiograph: Radiograph, version: ModelVersion, **facts: Any) -> Prediction:
    return Prediction.objects.create(radiograph=radiograph, **{**succeeded(version, **facts), "activation_map": MAP})


@pytest.fixture
def twice(alice: User, version: ModelVersion, newer: ModelVersion) -> Radiograph:
    radiograph = make_radiograph(alice, **{**succeeded(version, 0.12), "activation_map": MAP})
    read_by(radiograph, newer, probability=0.94)
    return radiograph


def test_both_are_shown_with_their_heat_maps_probabilities_thresholds_and_versions(
    alice: User, twice: Radiograph, version: ModelVersion
) -> None:
    page = browser_of(alice).get(page_of(twice, "side_by_side"))
    later, earlier = twice.predictions.all()
    shown = words(page)
    for prediction in (earlier, later):
        assert f"heatmap/?prediction={prediction.pk}" in shown
    for text in (version.version, "newer", "12 %", "94 %", "threshold 41 %", "Pneumonia likely", "Pneumonia unlikely"):
        assert text in shown
    assert shown.count('class="viewer-image"') == 2
    assert "The label is PNEUMONIA instead of NORMAL." in shown
    assert "The probability of pneumonia is 82 percentage points higher, 94 %, not 12 %." in shown
    assert 'id="pair-a"' not in shown, "there is nothing else to choose"


def test_the_result_page_leads_there(alice: User, twice: Radiograph) -> None:
    later, earlier = twice.predictions.all()
    page = words(browser_of(alice).get(page_of(twice)))
    assert f"{page_of(twice, 'side_by_side')}?a={earlier.pk}&amp;b={later.pk}" in page


def test_any_two_can_be_chosen_and_stand_in_the_order_in_which_they_were_made(
    alice: User, twice: Radiograph, version: ModelVersion
) -> None:
    second, first = twice.predictions.all()
    third = read_by(twice, version, probability=0.3)
    client, address = browser_of(alice), page_of(twice, "side_by_side")

    def shown(**asked: Any) -> list[Prediction]:
        return [side["prediction"] for side in client.get(address, asked).context["sides"]]

    assert shown() == [second, third], "the newest, and the newest one before it of another version"
    assert shown(a=third.pk, b=first.pk) == shown(a=first.pk, b=third.pk) == [first, third]
    assert "by the same version" in words(client.get(address, {"a": first.pk, "b": third.pk}))


@pytest.mark.parametrize("asked", [{"a": "1"}, {"a": "x", "b": "y"}, {"a": "9" * 30, "b": "1"}])
def test_what_are_no_two_of_its_predictions_is_said(alice: User, twice: Radiograph, asked: dict[str, str]) -> None:
    answer = browser_of(alice).get(page_of(twice, "side_by_side"), asked)
    assert answer.status_code == 404
    assert "Choose two different predictions of this X-ray." in words(answer)


def test_with_one_prediction_there_is_nothing_to_compare(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    Prediction.objects.create(radiograph=radiograph)  # which waits
    answer = browser_of(alice).get(page_of(radiograph, "side_by_side"))
    assert answer.status_code == 404
    assert "Have it classified again first." in words(answer)


def test_one_that_was_refused_stands_beside_one_that_answered(alice: User, twice: Radiograph) -> None:
    newer = ModelVersion.objects.get(version="newer")
    Prediction.objects.create(radiograph=twice, model_version=newer, finished_at=twice.created, **REFUSED)
    page = words(browser_of(alice).get(page_of(twice, "side_by_side")))
    assert "Only the earlier one gave an answer." in page
    assert REFUSED["reason"] in page
    assert "There is no heat map" in page


def test_strangers_and_visitors_see_nothing(bob: User, twice: Radiograph) -> None:
    address = page_of(twice, "side_by_side")
    assert browser_of(bob).get(address).status_code == 404
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize(
    ("earlier", "later", "sentence"),
    [
        ({}, {"band": "uncertain"}, "The outcome is “Uncertain” instead of “Pneumonia likely”."),
        ({}, {"probability": 0.5}, "The probability of pneumonia is 40 percentage points lower, 50 %, not 90 %."),
        ({}, {"probability": 0.901}, "The probability of pneumonia is the same, 90 %."),
        ({}, {"threshold": 0.6}, "The threshold is 60 % instead of 41 %: each version has its own."),
        ({}, REFUSED, "Only the earlier one gave an answer."),
        (REFUSED, {}, "Only the later one gave an answer."),
        (REFUSED, REFUSED, "Neither gave an answer, for the same reason."),
        (REFUSED, REFUSED | {"reason": "It is inverted."}, "Neither gave an answer."),
        (REFUSED, {"status": "failed"}, "Neither gave an answer, but for different reasons."),
    ],
)
def test_what_differs_is_said_in_words(earlier: dict[str, Any], later: dict[str, Any], sentence: str) -> None:
    usual = {"status": "succeeded", "probability": 0.9, "threshold": 0.41, "label": "PNEUMONIA", "band": "likely"}
    said = changes_between(Prediction(**usual | earlier), Prediction(**usual | later))
    assert sentence in [" ".join(each.split()) for each in said]


def test_it_takes_few_queries(alice: User, twice: Radiograph, django_assert_max_num_queries: Any) -> None:
    client = browser_of(alice)
    with django_assert_max_num_queries(8):
        client.get(page_of(twice, "side_by_side"))
