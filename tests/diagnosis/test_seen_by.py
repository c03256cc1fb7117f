"""Whoever uploaded an X-ray sees who looked at it, and nothing by which the answer could be guessed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.models import ModelVersion, Radiograph, ReadingGroup
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def shared(alice: User, bob: User, version: ModelVersion) -> Radiograph:
    ward = ReadingGroup.found("Ward 3", alice)
    ward.memberships.create(user=bob)
    radiograph = make_radiograph(alice, **succeeded(version))
    Radiograph.objects.update(group=ward)
    return radiograph


def test_its_owner_sees_who_looked_and_who_reviewed_but_not_what_they_said(
    alice: User, bob: User, shared: Radiograph
) -> None:
    colleague, browser = browser_of(bob), browser_of(alice)
    colleague.get(page_of(shared))
    colleague.post(page_of(shared, "review"), {"label": "PNEUMONIA"})
    assert page_of(shared, "seen_by") in words(browser.get(page_of(shared)))
    page = words(browser.get(page_of(shared, "seen_by")))
    assert '<td><bdi>bob</bdi></td> <td>saw <span class="muted">(page)</span></td>' in page
    assert "<td><bdi>bob</bdi></td> <td>gave a verdict on <span" in page
    assert "<td>You</td> <td>saw <span" in page
    assert "PNEUMONIA" not in page
    assert "127.0.0.1" not in page


def test_members_of_the_group_see_it_but_not_who_saw_it(bob: User, shared: Radiograph) -> None:
    browser = browser_of(bob)
    assert page_of(shared, "seen_by") not in words(browser.get(page_of(shared)))
    assert browser.get(page_of(shared, "seen_by")).status_code == 404


def test_only_the_newest_are_shown_and_that_there_are_more_is_said(alice: User, shared: Radiograph) -> None:
    record_each(Verb.SAW, Kind.RADIOGRAPH, [shared.pk] * 101)
    page = words(browser_of(alice).get(page_of(shared, "seen_by")))
    assert page.count("<td>saw <span") == 100
    assert "Older entries are there for your administrator." in page
