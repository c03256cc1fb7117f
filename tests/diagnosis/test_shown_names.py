"""What people say that they are called stands where others see them, beside the name that nobody else can have."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from diagnosis.models import ModelVersion, Profile, Radiograph, ReadingGroup
from diagnosis.people.groups import Role
from diagnosis.people.profile import shown_name
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import browser_of, page_of, words
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")

SHOWN = "Dr. Bob &lt;b&gt; (bob)"


@pytest.fixture
def addresses(alice: User, bob: User, version: ModelVersion) -> dict[str, str]:
    """Pages of Alice's on which Bob is seen."""
    Profile.change(bob, display_name="Dr. Bob <b>")
    ward = ReadingGroup.found("Ward 3", alice)
    member = ward.memberships.create(user=bob)
    shared = make_radiograph(bob, **succeeded(version))
    Radiograph.objects.filter(pk=shared.pk).update(group=ward)
    record(shared, bob, "NORMAL")
    ReadingGroup.found("Ward 4", bob).invite("alice", Role.MEMBER, by=bob)
    return {
        "group": ward.get_absolute_url(),
        "removal": f"{ward.get_absolute_url()}members/{member.pk}/remove/",
        "list of the group": f"/radiographs/?group={ward.pk}",
        "result": page_of(shared),
        "invitations": "/groups/",
        "statistics": f"/statistics/?group={ward.pk}",
    }


@pytest.mark.parametrize(
    ("place", "times"),
    [("group", 2), ("removal", 1), ("list of the group", 1), ("result", 2), ("invitations", 1), ("statistics", 1)],
)
def test_others_see_it_escaped_and_with_the_user_name(
    alice: User, addresses: dict[str, str], place: str, times: int, django_assert_max_num_queries: Any
) -> None:
    client = browser_of(alice)
    client.get("/help/")
    with django_assert_max_num_queries(12):
        page = words(client.get(addresses[place]))
    assert page.count(SHOWN) == times
    assert "Dr. Bob <b>" not in page


def test_without_one_or_with_the_same_one_the_user_name_stands_alone() -> None:
    assert shown_name("bob", "") == shown_name("bob", None) == shown_name("bob", "bob") == "bob"
