"""The cases on which two versions disagree: written down as they are read, listed for their owner."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict

from diagnosis.engine.classifier import Classification
from diagnosis.engine.gate import Refusal
from diagnosis.history.paging import _cut
from diagnosis.models import Disagreement, ModelVersion, Prediction, Radiograph
from diagnosis.versions.differences import Kind
from diagnosis.versions.disagreements import DisagreementForm
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")
ADDRESS = "/radiographs/disagreements/"
LIKELY = Classification(0.94, "PNEUMONIA", "likely", None)
UNSURE = Classification(0.7, "PNEUMONIA", "uncertain", None)
UNLIKELY = Classification(0.04, "NORMAL", "unlikely", None)
REFUSED = Classification(None, "", "", Refusal("inverted", "It is inverted."))


@pytest.fixture
def newer(version: ModelVersion) -> ModelVersion:
    return ModelVersion.objects.create(version="newer", network_sha256="1" * 64, card=version.card)


def read_by(radiograph: Radiograph, version: ModelVersion, said: Classification) -> Prediction:
    """Let a version answer, as a worker does."""
    Prediction.objects.create(radiograph=radiograph)
    claimed = Prediction.objects.claim(None, "host:1")
    assert claimed
    assert claimed.finish(version, said)
    return claimed


def read_by_both(
    owner: User, a: ModelVersion, b: ModelVersion, said: tuple[Classification, Classification], name: str = "chest.jpg"
) -> Radiograph:
    radiograph = make_radiograph(owner, filename=name, status="failed")
    read_by(radiograph, a, said[0])
    read_by(radiograph, b, said[1])
    return radiograph


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        (LIKELY, UNLIKELY, [Kind.LABEL]),
        (LIKELY, UNSURE, [Kind.BAND]),
        (REFUSED, LIKELY, [Kind.REFUSED]),
        (LIKELY, LIKELY, []),
        (REFUSED, REFUSED, []),
    ],
)
def test_how_two_versions_differ_is_written_down_with_the_answer(
    alice: User,
    version: ModelVersion,
    newer: ModelVersion,
    first: Classification,
    second: Classification,
    kinds: list[str],
) -> None:
    read_by_both(alice, version, newer, (first, second))
    assert list(Disagreement.objects.values_list("kind", flat=True)) == kinds
    read_by_both(alice, newer, version, (first, second))
    assert list(Disagreement.objects.values_list("kind", flat=True)) == kinds * 2
    assert all((each.older, each.newer) == (version, newer) for each in Disagreement.objects.all())


def test_of_each_version_the_newest_answer_counts(alice: User, version: ModelVersion, newer: ModelVersion) -> None:
    radiograph = read_by_both(alice, version, newer, (LIKELY, UNLIKELY))
    newest = read_by(radiograph, newer, UNSURE)
    found = Disagreement.objects.get()
    assert (found.kind, found.by_newer) == (Kind.BAND, newest)
    read_by(radiograph, newer, LIKELY)
    assert not Disagreement.objects.exists()


def test_a_third_version_is_held_against_each_of_the_others(
    alice: User, version: ModelVersion, newer: ModelVersion
) -> None:
    third = ModelVersion.objects.create(version="third", network_sha256="2" * 64, card=version.card)
    radiograph = read_by_both(alice, version, newer, (LIKELY, UNLIKELY))
    read_by(radiograph, third, UNLIKELY)
    pairs = set(Disagreement.objects.values_list("older__version", "newer__version"))
    assert pairs == {(version.version, "newer"), (version.version, "third")}


def test_the_owner_finds_them_with_both_answers_and_a_link_to_both_heat_maps(
    alice: User, bob: User, version: ModelVersion, newer: ModelVersion
) -> None:
    found = read_by_both(alice, version, newer, (LIKELY, UNLIKELY), "differs.jpg")
    read_by_both(alice, version, newer, (LIKELY, LIKELY), "agrees.jpg")
    read_by_both(bob, version, newer, (LIKELY, UNLIKELY), "of-bob.jpg")
    page = words(browser_of(alice).get(ADDRESS, {"a": "newer", "b": version.version}))
    assert "differs.jpg" in page
    assert "agrees.jpg" not in page
    assert "of-bob.jpg" not in page
    of_version, of_newer = (found.predictions.get(model_version=each).pk for each in (version, newer))
    assert f"{page_of(found, 'side_by_side')}?a={of_newer}&amp;b={of_version}" in page
    assert "Another label" in page
    assert "Pneumonia likely, 94 %" in page
    assert "Pneumonia unlikely, 4 %" in page


def test_without_a_choice_it_is_the_active_version_and_the_newest_other_one(
    alice: User, version: ModelVersion, newer: ModelVersion
) -> None:
    read_by_both(alice, version, newer, (LIKELY, UNLIKELY), "differs.jpg")
    assert "differs.jpg" in words(browser_of(alice).get(ADDRESS))


def test_one_kind_alone_can_be_asked_for(alice: User, version: ModelVersion, newer: ModelVersion) -> None:
    read_by_both(alice, version, newer, (LIKELY, UNLIKELY), "label.jpg")
    read_by_both(alice, version, newer, (LIKELY, REFUSED), "refused.jpg")
    page = words(browser_of(alice).get(ADDRESS, {"kind": "refused"}))
    assert "refused.jpg" in page
    assert "label.jpg" not in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"a": "unknown"}, "There is no model version “unknown”."),
        ({"a": "newer", "b": "newer"}, "Choose two different versions."),
        ({"kind": "colour"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_understood_is_said(
    alice: User, version: ModelVersion, newer: ModelVersion, query: dict[str, str], sentence: str
) -> None:
    answer = browser_of(alice).get(ADDRESS, query)
    assert answer.status_code == 400
    assert sentence in words(answer)


def test_a_version_that_answers_silently_cannot_be_chosen(
    alice: User, version: ModelVersion, newer: ModelVersion
) -> None:
    newer.answer_silently()
    page = words(browser_of(alice).get(ADDRESS))
    assert "There is one version only" in page
    assert "newer" not in page


def test_pages_follow_one_another_without_gap_or_repetition(
    alice: User, version: ModelVersion, newer: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.pages.disagreements.PAGE_SIZE", 2)
    made = [read_by_both(alice, version, newer, (LIKELY, UNLIKELY)) for _ in range(5)]
    client, mark, seen = browser_of(alice), "", []
    for _ in range(3):
        page = client.get(ADDRESS, {"cursor": mark}).context["page"]
        seen += [radiograph.pk for radiograph in page.radiographs]
        mark = str(page.after)
    assert seen == [radiograph.pk for radiograph in reversed(made)]
    assert page.after is None


def test_it_takes_few_queries_however_many_there_are(
    alice: User, version: ModelVersion, newer: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        read_by_both(alice, version, newer, (LIKELY, UNLIKELY))
    client = browser_of(alice)
    with django_assert_max_num_queries(11):
        client.get(ADDRESS)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the other databases look at how many rows there are, too")
@pytest.mark.parametrize(("query", "index"), [("", "disagreement_by_owner"), ("kind=band", "disagreement_by_kind")])
def test_the_list_is_read_off_an_index(
    alice: User, version: ModelVersion, newer: ModelVersion, query: str, index: str
) -> None:
    form = DisagreementForm(QueryDict(query))
    assert form.is_valid()
    found = form.found(alice)
    plan = _cut(found.parts[0], found.order, None, 25).explain()
    assert f"INDEX {index} " in plan
    assert "SCAN" not in plan


def test_what_was_read_before_is_written_down_by_the_migration(
    alice: User, version: ModelVersion, newer: ModelVersion
) -> None:
    made = [read_by_both(alice, version, newer, said) for said in ((LIKELY, UNLIKELY), (UNSURE, LIKELY))]
    read_by_both(alice, version, newer, (LIKELY, LIKELY))
    make_radiograph(alice, **succeeded(version))
    read_by(made[0], newer, REFUSED)
    facts = ("radiograph", "owner", "created", "older", "newer", "by_older", "by_newer", "kind")
    kept = set(Disagreement.objects.values_list(*facts))
    assert len(kept) == 2
    Disagreement.objects.all().delete()
    importlib.import_module("diagnosis.migrations.0013_newer_models").note_disagreements(apps, None)
    assert set(Disagreement.objects.values_list(*facts)) == kept


def test_a_first_answer_costs_one_question_more(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    make_radiograph(alice)
    claimed = Prediction.objects.claim(None, "host:1")
    assert claimed
    # Savepoint, answer, what lists go by, verdicts, webhooks, other answers, silent version, release.
    with django_assert_max_num_queries(8):
        claimed.finish(version, LIKELY)


def test_deleting_an_account_takes_them_along(alice: User, version: ModelVersion, newer: ModelVersion) -> None:
    read_by_both(alice, version, newer, (LIKELY, UNLIKELY))
    alice.delete()
    assert not Disagreement.objects.exists()
