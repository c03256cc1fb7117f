"""How readers and network agree in a group, and what a blinded reader is not told by counting."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from diagnosis.models import Disagreement, ModelVersion, Prediction, ReadingGroup
from diagnosis.people.groups import Role
from diagnosis.reviewing.blinding import set_blinded
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.reviews import reviewed
from tests.diagnosis.test_groups import shared
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def ward(alice: User, bob: User) -> ReadingGroup:
    """Alice owns it, bob is a member."""
    group = ReadingGroup.found("Ward 3", alice)
    group.memberships.create(user=bob)
    return group


def statistics_of(user: User, group: int | str) -> str:
    return words(browser_of(user).get("/statistics/", {"group": group}))


def test_who_supervises_a_group_sees_how_its_readers_agree_and_nothing_else_is_counted(
    ward: ReadingGroup, alice: User, bob: User, version: ModelVersion
) -> None:
    reviewed(alice, version, "NORMAL", "NORMAL")
    radiograph = shared(bob, ward, **succeeded(version))
    record(radiograph, bob, "PNEUMONIA")
    page = statistics_of(alice, ward.pk)
    assert "What the members share with Ward 3." in page
    assert "1 of 1 answered X-rays are reviewed" in page
    assert "2 of 2 answered X-rays are reviewed" in words(browser_of(alice).get("/statistics/"))
    assert f'/statistics/?group={ward.pk}"' in words(browser_of(alice).get(ward.get_absolute_url()))


@pytest.mark.parametrize("group", ["0", "x", "99999999999999999999"])
def test_of_a_group_that_one_does_not_supervise_there_are_no_statistics(
    ward: ReadingGroup, bob: User, charlie: User, group: str
) -> None:
    for user in (bob, charlie):
        for wanted in (group, str(ward.pk)):
            assert browser_of(user).get("/statistics/", {"group": wanted}).status_code == 404
    assert browser_of(charlie).get("/statistics/training-set.zip", {"group": ward.pk}).status_code == 404
    ward.memberships.filter(user=bob).update(role=Role.SUPERVISOR)
    assert "What the members share with Ward 3." in statistics_of(bob, ward.pk)


def test_for_a_blinded_reader_only_what_they_have_read_is_counted(
    ward: ReadingGroup, alice: User, bob: User, version: ModelVersion
) -> None:
    radiograph = shared(bob, ward, **succeeded(version))
    record(radiograph, bob, "PNEUMONIA")
    set_blinded(alice, True)
    for query in ({}, {"group": ward.pk}):
        page = words(browser_of(alice).get("/statistics/", query))
        assert "only X-rays on which you have given your verdict are counted" in page
        assert "Nothing is reviewed yet" in page
    record(radiograph, alice, "PNEUMONIA")
    assert "1 of 1 answered X-rays are reviewed" in statistics_of(alice, ward.pk)


def test_a_blinded_supervisor_is_not_told_how_often_the_network_said_what(
    ward: ReadingGroup, alice: User, bob: User, version: ModelVersion
) -> None:
    shared(bob, ward, **succeeded(version))
    assert "Pneumonia likely" in words(browser_of(alice).get(ward.get_absolute_url()))
    set_blinded(alice, True)
    page = words(browser_of(alice).get(ward.get_absolute_url()))
    assert "Pneumonia likely" not in page
    assert "You read blinded." in page


def test_a_blinded_reader_finds_disagreements_once_they_are_read(alice: User, version: ModelVersion) -> None:
    other = ModelVersion.objects.create(version="newer", network_sha256="1" * 64, card=version.card)
    radiograph = make_radiograph(alice, filename="differs.jpg", **succeeded(version, 0.03))
    newest = Prediction.objects.create(radiograph=radiograph, **succeeded(other))
    Disagreement.objects.follow(newest)
    set_blinded(alice, True)
    page = words(browser_of(alice).get("/radiographs/disagreements/"))
    assert "differs.jpg" not in page
    assert "Read them first" in page
    record(radiograph, alice, "NORMAL")
    assert "differs.jpg" in words(browser_of(alice).get("/radiographs/disagreements/"))
