"""Drift: what comes in and what is said of it, against the version's first answers and its card."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis.models import Drift, ModelVersion, Prediction, Radiograph
from diagnosis.reviewing import drift
from diagnosis.reviewing.shift import by_chance, counted, kolmogorov_smirnov, stability_index, tenths
from tests.diagnosis.pages import browser_of, words

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(drift, "_next_look", 0.0)


def answers(
    owner: User,
    version: ModelVersion,
    count: int,
    probability: Any,
    refused: float = 0,
    brightness: float | None = 110.0,
    **facts: Any,
) -> None:
    """Store so many answers without files; ``probability`` is drawn by calling it."""
    chance = random.Random(f"{count}{facts}{refused}")
    usual: dict[str, Any] = {"format": "JPEG", "width": 1400, "height": 1100}
    radiographs = Radiograph.objects.bulk_create(
        Radiograph(owner=owner, filename="a.jpg", file="none.jpg", sha256="0" * 64, **{**usual, **facts})
        for _ in range(count)
    )
    rows = []
    for radiograph in radiographs:
        said: dict[str, Any] = {"status": "refused", "reason_code": "rotated"}
        if chance.random() >= refused:
            value = min(1.0, max(0.0, probability(chance)))
            said = {"status": "succeeded", "probability": value, "label": "PNEUMONIA" if value > 0.5 else "NORMAL"}
        if brightness is not None:
            said |= {"brightness": chance.gauss(brightness, 20), "contrast": chance.gauss(55, 8)}
        rows.append(Prediction(radiograph=radiograph, model_version=version, finished_at=timezone.now(), **said))
    Prediction.objects.bulk_create(rows)


def as_ever(chance: random.Random) -> float:
    return chance.betavariate(0.4, 0.6)


def large(found: Drift) -> set[str]:
    return {finding["what"] for finding in found.findings if finding["is_large"]}


def test_the_stability_index_is_that_of_a_calculation_by_hand() -> None:
    # shares 0.5, 0.5 against 0.25, 0.75: 0.25 ln 2 + 0.25 ln 1.5 = 0.2747; with half an image added, a little less
    assert stability_index({"a": 500, "b": 500}, {"a": 250, "b": 750}) == pytest.approx(0.2747, abs=2e-3)
    assert stability_index({"a": 5}, {"a": 50}) == 0
    assert stability_index({"a": 500}, {"b": 500}) > 5


def test_chance_is_allowed_for_in_small_samples() -> None:
    # chi-squared of 9 degrees of freedom passes 27.88 once in a thousand times
    counts = {str(kind): 50 for kind in range(10)}
    assert by_chance(counts, counts) == pytest.approx(27.88 * (1 / 500 + 1 / 500), rel=0.01)
    assert by_chance({"a": 5}, {"a": 5}) == 0


def test_the_distance_of_two_distributions_has_a_p_value() -> None:
    first, second = [n / 100 for n in range(100)], [n / 100 + 0.195 for n in range(100)]
    distance, chance = kolmogorov_smirnov(first, second)
    assert distance == pytest.approx(0.2)
    assert chance == pytest.approx(0.0314, abs=0.01)  # 0.0366 exactly
    assert kolmogorov_smirnov(first, first) == (0, 1)


def test_tenths_hold_a_tenth_each() -> None:
    scores = [n / 1000 for n in range(1000)]
    assert set(counted(scores, tenths(scores)).values()) == {100}
    assert sum(counted([0.0, 1.0, 2.0], tenths([0.5] * 9)).values()) == 3


def test_what_stays_as_it_was_is_no_drift(alice: User, version: ModelVersion) -> None:
    answers(alice, version, 500, as_ever, refused=0.004)
    answers(alice, version, 400, as_ever, refused=0.005)
    found = drift.check(version)
    assert found.answers == 400
    assert {finding["what"] for finding in found.findings} == {
        *drift.INPUTS, *drift.PIXELS, "refusals", "scores", "refusals, card", "positives, card"
    }  # fmt: skip
    assert not found.is_large
    assert not [finding for finding in found.findings if finding["is_noticeable"]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"probability": lambda chance: chance.betavariate(4, 1)}, {"scores"}),
        ({"refused": 0.3}, {"refusals", "refusals, card"}),
        ({"width": 500, "height": 900, "format": "PNG"}, {"format", "size", "proportion"}),
        ({"acquisition": {"age": 60, "view": "LL"}}, {"age", "view"}),
        ({"probability": lambda _: 0.999}, {"scores", "positives, card"}),
        ({"brightness": 150.0}, {"brightness"}),
    ],
)
def test_what_moves_far_is_found(
    alice: User, version: ModelVersion, change: dict[str, Any], expected: set[str]
) -> None:
    answers(alice, version, 500, as_ever)
    answers(alice, version, 300, **{"probability": as_ever, **change})
    assert large(drift.check(version)) == expected


def test_the_first_answers_are_kept_even_if_they_are_deleted(alice: User, version: ModelVersion) -> None:
    answers(alice, version, 500, as_ever)
    drift.check(version)
    Radiograph.objects.all().delete()
    answers(alice, version, 300, lambda _: 0.2)
    assert "scores" in large(drift.check(version))


def test_first_answers_of_before_grey_values_were_stored_are_not_held_against_later_ones(
    alice: User, version: ModelVersion
) -> None:
    answers(alice, version, 450, as_ever, brightness=None)
    answers(alice, version, 50, as_ever)
    answers(alice, version, 300, as_ever, brightness=10.0)
    found = drift.check(version)
    assert not {finding["what"] for finding in found.findings} & set(drift.PIXELS)
    Drift.objects.update(baseline={key: kept for key, kept in found.baseline.items() if key != "pixels"})  # type: ignore[union-attr]
    assert not large(drift.check(version))


def test_too_few_answers_say_nothing(alice: User, version: ModelVersion) -> None:
    answers(alice, version, 50, lambda _: 0.999)
    found = drift.check(version)
    assert (found.findings, found.is_large, found.baseline) == ([], False, None)


def test_the_sweep_looks_once_an_hour(alice: User, version: ModelVersion) -> None:
    from diagnosis.sweep import sweep

    sweep()
    first = Drift.objects.get().checked
    assert first
    assert not drift.check_if_due()
    Drift.objects.update(checked=first - timedelta(hours=2))
    assert drift.check_if_due()


def test_without_a_model_there_is_nothing_to_look_at(db: None) -> None:
    assert not drift.check_if_due()


def test_staff_is_warned_on_every_page_and_sees_what_moved(alice: User, charlie: User, version: ModelVersion) -> None:
    answers(alice, version, 500, as_ever)
    answers(alice, version, 300, lambda _: 0.999)
    drift.check(version)
    warning = "no longer as it was: share of pneumonia, against the card, probabilities"
    for address in ("/", "/radiographs/"):
        assert warning in words(browser_of(charlie).get(address))
        assert "no longer as it was" not in words(browser_of(alice).get(address))
    page = words(browser_of(charlie).get("/statistics/"))
    assert "moved far" in page
    assert "Kolmogorov-Smirnov" in page
    assert "Drift" not in words(browser_of(alice).get("/statistics/"))
