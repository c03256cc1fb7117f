"""Searching, filtering and sorting: the same query means the same on the page and in the API."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from diagnosis import tasks
from diagnosis.history import tagging
from diagnosis.models import ModelVersion, Radiograph
from diagnosis.submission import submit
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem, post
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


def found_by_page(owner: User, query: dict[str, Any]) -> list[str]:
    return [row.filename for row in browser_of(owner).get("/radiographs/", query).context["page"].radiographs]


def found_by_api(owner: User, query: dict[str, Any]) -> list[str]:
    return [row["filename"] for row in api_of(owner).get(RADIOGRAPHS, query).json()["results"]]


def at(radiograph: Radiograph, moment: str) -> None:
    Radiograph.objects.filter(pk=radiograph.pk).update(created=datetime.fromisoformat(moment).astimezone(UTC))


@pytest.fixture
def stored(alice: User, bob: User, version: ModelVersion) -> None:
    """Of alice's, each in another state; and the like of bob's, which must never be found."""
    for owner in (alice, bob):
        others: dict[str, dict[str, Any]] = {
            "refused": {"model_version": version},
            "failed": {},
            "pending": {},
            "running": {},
        }
        for status, facts in others.items():
            make_radiograph(owner, filename=f"{status}.jpg", status=status, **facts)
        make_radiograph(owner, filename="high.jpg", **succeeded(version, 0.94))
        make_radiograph(owner, filename="low.jpg", **succeeded(version, 0.06))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "succeeded"}, ["low.jpg", "high.jpg"]),
        ({"status": "refused"}, ["refused.jpg"]),
        ({"status": "failed"}, ["failed.jpg"]),
        ({"status": "pending"}, ["pending.jpg"]),
        ({"status": "running"}, ["running.jpg"]),
        ({"label": "PNEUMONIA"}, ["high.jpg"]),
        ({"band": "unlikely"}, ["low.jpg"]),
        ({"label": "PNEUMONIA", "band": "unlikely"}, []),
        ({"ordering": "-probability"}, ["high.jpg", "low.jpg"]),
        ({"ordering": "probability"}, ["low.jpg", "high.jpg"]),
        ({"ordering": "filename", "status": "succeeded"}, ["high.jpg", "low.jpg"]),
        ({"ordering": "-filename", "search": "ed"}, ["refused.jpg", "failed.jpg"]),
        ({"ordering": "created", "search": "JPG l"}, ["failed.jpg", "low.jpg"]),
        ({"search": "%"}, []),
        ({"label": "", "status": "", "search": "  "}, ["low", "high", "running", "pending", "failed", "refused"]),
    ],
)
def test_each_filter_leaves_what_it_says(
    alice: User, stored: None, query: dict[str, str], expected: list[str]
) -> None:
    names = [name if "." in name else f"{name}.jpg" for name in expected]
    assert found_by_page(alice, query) == names
    assert found_by_api(alice, query) == names


def test_the_model_version_is_a_filter(alice: User, stored: None, version: ModelVersion) -> None:
    query = {"model_version": version.version, "ordering": "filename"}
    assert found_by_page(alice, query) == found_by_api(alice, query) == ["high.jpg", "low.jpg", "refused.jpg"]


def test_how_it_came_is_a_filter(alice: User) -> None:
    submit(alice, upload("browser.jpg"))
    post(api_of(alice), name="api.jpg")
    make_radiograph(alice, filename="earlier.jpg")
    assert found_by_page(alice, {"source": "browser"}) == ["browser.jpg"]
    assert found_by_api(alice, {"source": "api"}) == ["api.jpg"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"created_after": "2026-03-02"}, ["b", "c", "d"]),
        ({"created_before": "2026-03-02"}, ["a", "b", "c"]),
        ({"created_after": "2026-03-02", "created_before": "2026-03-02"}, ["b", "c"]),
        ({"created_after": "2026-03-01T23:00:00+00:00"}, ["c", "d"]),
        ({"created_before": "2026-03-02T23:59:59+01:00"}, ["a", "b"]),
    ],
)
def test_days_count_whole_in_the_zone_of_the_pages_and_moments_are_exact(
    alice: User, settings: Settings, query: dict[str, str], expected: list[str]
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    moments = ["2026-03-01T23:59:59", "2026-03-02T00:00:00", "2026-03-02T23:59:59", "2026-03-03T00:00:00"]
    for name, moment in zip("abcd", moments, strict=True):
        at(make_radiograph(alice, filename=name), f"{moment}+01:00")
    assert found_by_page(alice, {**query, "ordering": "created"}) == expected
    assert found_by_api(alice, {**query, "ordering": "created"}) == expected


def test_a_tag_is_a_filter_and_is_searched_too(alice: User, bob: User) -> None:
    _, filed, _ = (make_radiograph(alice, filename=name) for name in ("a.jpg", "b.jpg", "follow.jpg"))
    tagging.tag(alice, [filed], "Follow-up")
    tagging.tag(bob, [make_radiograph(bob)], "of bob")
    assert found_by_page(alice, {"tag": "Follow-up"}) == found_by_api(alice, {"tag": "Follow-up"}) == ["b.jpg"]
    assert found_by_page(alice, {"search": "follow"}) == ["follow.jpg", "b.jpg"]
    assert found_by_api(alice, {"search": "follow", "ordering": "filename"}) == ["b.jpg", "follow.jpg"]
    assert "of bob" not in words(browser_of(alice).get("/radiographs/"))


BAD: list[tuple[str, str, str]] = [
    ("status", "done", "There is no “done” among these: succeeded"),
    ("label", "pneumonia", "among these: PNEUMONIA, NORMAL"),
    ("band", "sure", "among these: likely"),
    ("model_version", "2001", "no model version “2001”"),
    ("tag", "strange", "You have no tag “strange”"),
    ("source", "fax", "among these: browser, api"),
    ("ordering", "size", "among these: -created"),
    ("created_after", "yesterday", "This is no date"),
    ("created_before", "0001-01-01T00:00:00+23:59", "This is no date"),
    ("created_before", "9999-12-31", "This is no date"),
    ("search", "a\0b", "Null characters"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), BAD)
def test_a_filter_that_cannot_be_understood_is_said_and_nothing_is_listed(
    alice: User, field: str, value: str, sentence: str
) -> None:
    make_radiograph(alice, filename="unfiltered.jpg")
    problem = assert_problem(api_of(alice).get(RADIOGRAPHS, {field: value}), 400, sentence)
    assert field in problem["errors"]
    page = browser_of(alice).get("/radiographs/", {field: value})
    assert page.status_code == 400
    assert sentence in words(page)
    assert "unfiltered.jpg" not in words(page)


def test_the_filters_in_use_are_named_and_each_can_be_given_up(alice: User, stored: None) -> None:
    page = words(browser_of(alice).get("/radiographs/", {"status": "failed", "search": "fail", "cursor": ""}))
    assert 'href="/radiographs/?search=fail"' in page
    assert "Status: <strong><bdi>Could not be read</bdi></strong>" in page
    page = words(browser_of(alice).get("/radiographs/", {"created_after": "2026-03-02"}))
    assert "From: <strong><bdi>2 Mar 2026</bdi></strong>" in page
    assert "Nothing is found" in words(browser_of(alice).get("/radiographs/", {"search": "no such name"}))


def test_a_list_follows_what_becomes_of_the_newest_prediction(alice: User, version: ModelVersion) -> None:
    radiograph = submit(alice, upload("a.jpg"))
    assert found_by_api(alice, {"status": "pending"}) == ["a.jpg"]
    tasks.classify(radiograph.prediction.pk)
    status = Radiograph.objects.get().prediction.status
    assert found_by_api(alice, {"status": status}) == ["a.jpg"]
    assert found_by_api(alice, {"status": "pending"}) == []


def test_what_was_tried_too_often_is_listed_as_failed(alice: User, settings: Settings) -> None:
    from diagnosis.sweep import sweep

    exhausted = make_radiograph(alice, filename="a.jpg", attempts=settings.MAX_ATTEMPTS)
    make_radiograph(alice, filename="b.jpg")
    sweep()
    assert found_by_api(alice, {"status": "failed"}) == ["a.jpg"]
    assert Radiograph.objects.get(pk=exhausted.pk).prediction.reason_code == "gave_up"


def test_a_strange_page_size_is_named_and_a_huge_one_gives_the_largest_page(alice: User) -> None:
    make_radiograph(alice)
    for size in ("0", "-1", "many", "٣"):
        answer = api_of(alice).get(RADIOGRAPHS, {"page_size": size})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["page_size"])
    for size in ("", "9" * 5000):
        assert len(api_of(alice).get(RADIOGRAPHS, {"page_size": size}).json()["results"]) == 1


def test_an_id_that_is_not_ones_own_is_in_no_filter(alice: User, bob: User, version: ModelVersion) -> None:
    make_radiograph(bob, filename=f"{uuid.uuid4()}.jpg", **succeeded(version))
    for query in ({}, {"status": "succeeded"}, {"search": "jpg"}, {"ordering": "-probability"}):
        assert found_by_page(alice, query) == found_by_api(alice, query) == []
