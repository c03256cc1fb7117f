"""Groups that share radiographs: who gets in, what each role may, and what happens when somebody leaves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from diagnosis.history.paging import ORDERS, Found, Mark, page_of
from diagnosis.models import Invitation, Membership, ModelVersion, Radiograph, ReadingGroup
from diagnosis.people import groups
from diagnosis.people.group_statistics import statistics_of
from diagnosis.people.groups import GroupError, Role
from tests.diagnosis import pages
from tests.diagnosis.pages import HTMX, browser_of, words
from tests.factories import make_radiograph, make_user, succeeded

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def ward(alice: User, bob: User) -> ReadingGroup:
    """Alice owns it, bob is a member."""
    group = ReadingGroup.found("Ward 3", alice)
    group.memberships.create(user=bob)
    return group


def member(group: ReadingGroup, user: User) -> Membership:
    return group.memberships.get(user=user)


def shared(owner: User, group: ReadingGroup, **facts: Any) -> Radiograph:
    radiograph = make_radiograph(owner, **facts)
    group.share(Radiograph.objects.filter(pk=radiograph.pk), by=owner)
    radiograph.refresh_from_db()
    return radiograph


def test_whoever_makes_a_group_owns_it(alice: User) -> None:
    answer = browser_of(alice).post("/groups/", {"name": "  Ward   3 "}, follow=True)
    group = ReadingGroup.objects.get()
    assert group.name == "Ward 3"
    assert member(group, alice).is_owner
    assert "Ward 3" in words(answer)
    assert "Statistics" in words(answer)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_that_cannot_be_is_said(alice: User, name: str) -> None:
    page = words(browser_of(alice).post("/groups/", {"name": name}, follow=True))
    assert "name" in page
    assert "note-error" in page
    assert not ReadingGroup.objects.exists()


@pytest.mark.parametrize("called", ["charlie", "Charlie.C@example.net"])
def test_an_invitation_is_accepted_on_the_page_of_the_invited(
    ward: ReadingGroup, alice: User, charlie: User, called: str
) -> None:
    EmailAddress.objects.create(user=charlie, email="charlie.c@example.net", verified=True)
    browser_of(alice).post(f"/groups/{ward.pk}/invite/", {"addressee": called, "role": "supervisor"})
    invited = browser_of(charlie)
    assert invited.get(f"/groups/{ward.pk}/").status_code == 404
    assert "Ward 3" in words(invited.get("/groups/"))
    invited.post(f"/groups/invitations/{Invitation.objects.get().pk}/accept/")
    assert member(ward, charlie).role == Role.SUPERVISOR
    assert not Invitation.objects.exists()
    assert invited.get(f"/groups/{ward.pk}/").status_code == 200


def test_an_invitation_can_be_declined_and_withdrawn(ward: ReadingGroup, alice: User, charlie: User) -> None:
    declined = ward.invite("charlie", Role.MEMBER, by=alice)
    browser_of(charlie).post(f"/groups/invitations/{declined.pk}/decline/")
    withdrawn = ward.invite("charlie", Role.MEMBER, by=alice)
    browser_of(alice).post(f"/groups/{ward.pk}/invitations/{withdrawn.pk}/withdraw/")
    assert not Invitation.objects.exists()
    assert ward.memberships.count() == 2


def test_to_invite_does_not_tell_whether_there_is_an_account(ward: ReadingGroup, alice: User, charlie: User) -> None:
    browser, pages = browser_of(alice), []
    for called in ("charlie", "nobody!"):
        page = words(browser.post(f"/groups/{ward.pk}/invite/", {"addressee": called, "role": "member"}, follow=True))
        invitation = ward.invitations.get()
        pages.append(page.replace(called, "X").replace(f"/invitations/{invitation.pk}/", ""))
        invitation.delete()
    without_tokens = [re.sub(r"\w{64}", "", page) for page in pages]
    assert without_tokens[0] == without_tokens[1]


def test_a_members_address_is_not_told_apart_from_a_strangers(ward: ReadingGroup, alice: User, bob: User) -> None:
    EmailAddress.objects.create(user=bob, email="bob@example.net", verified=True)
    assert ward.invite("bob@example.net", Role.OWNER, by=alice).user is None
    assert member(ward, bob).role == Role.MEMBER


@pytest.mark.parametrize("is_taken_as_name", [True, False])
def test_an_address_that_is_not_known_to_be_somebodys_reaches_nobody(
    ward: ReadingGroup, alice: User, is_taken_as_name: bool
) -> None:
    mallory = make_user("dr.smith@example.net" if is_taken_as_name else "mallory")
    EmailAddress.objects.create(user=mallory, email="dr.smith@example.net", verified=False)
    assert ward.invite("dr.smith@example.net", Role.MEMBER, by=alice).user is None
    assert not Invitation.objects.to(mallory).exists()


def test_to_invite_again_replaces_the_earlier_invitation(ward: ReadingGroup, alice: User, charlie: User) -> None:
    ward.invite("charlie", Role.MEMBER, by=alice)
    ward.invite("charlie", Role.SUPERVISOR, by=alice)
    assert [invitation.role for invitation in Invitation.objects.to(charlie)] == [Role.SUPERVISOR]


def test_there_is_a_largest_number_of_groups_members_and_invitations(
    ward: ReadingGroup, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ward.invite("charlie", Role.MEMBER, by=alice)
    for name in ("MOST_GROUPS", "MOST_MEMBERS", "MOST_INVITATIONS"):
        monkeypatch.setattr(groups, name, 1)
    with pytest.raises(GroupError, match="invitations are open"):
        ward.invite("nobody", Role.MEMBER, by=alice)
    with pytest.raises(GroupError, match="make room"):
        first.accept()
    with pytest.raises(GroupError, match="You are in 1 groups"):
        ReadingGroup.found("Ward 4", alice)


def test_the_last_owner_can_neither_leave_nor_be_made_less(ward: ReadingGroup, alice: User, bob: User) -> None:
    browser, mine = browser_of(alice), member(ward, alice)
    for part, facts in (
        ("leave", {}),
        (f"members/{mine.pk}/remove", {}),
        (f"members/{mine.pk}/role", {"role": "member"}),
    ):
        page = words(browser.post(f"/groups/{ward.pk}/{part}/", facts, follow=True))
        assert "A group needs an owner" in page
        assert member(ward, alice).is_owner
    browser.post(f"/groups/{ward.pk}/members/{member(ward, bob).pk}/role/", {"role": "owner"})
    browser.post(f"/groups/{ward.pk}/leave/")
    assert [each.user for each in ward.memberships.all()] == [bob]


def test_two_owners_cannot_both_give_it_up_on_what_they_read_before(
    ward: ReadingGroup, alice: User, bob: User
) -> None:
    member(ward, bob).change_role(Role.OWNER)
    one, other = member(ward, alice), member(ward, bob)
    one.end()
    for give_up in (other.end, lambda: other.change_role(Role.MEMBER)):
        with pytest.raises(GroupError):
            give_up()
    assert member(ward, bob).is_owner


def test_leaving_and_removing_are_asked_first_and_take_along_what_was_shared(
    ward: ReadingGroup, alice: User, bob: User
) -> None:
    of_bob, of_alice = shared(bob, ward), shared(alice, ward)
    address = f"/groups/{ward.pk}/members/{member(ward, bob).pk}/remove/"
    dialogue = words(browser_of(alice).get(address, headers=HTMX))
    assert "Remove bob from Ward 3?" in dialogue
    assert "<html" not in dialogue
    assert "Leave Ward 3?" in words(browser_of(bob).get(f"/groups/{ward.pk}/leave/"))
    assert ward.memberships.count() == 2
    browser_of(alice).post(address)
    for radiograph in (of_bob, of_alice):
        radiograph.refresh_from_db()
    assert (of_bob.owner, of_bob.group) == (bob, None)
    assert of_alice.group == ward
    assert browser_of(bob).get(f"/groups/{ward.pk}/").status_code == 404
    assert browser_of(bob).get(pages.page_of(of_alice)).status_code == 404


def test_when_the_last_owners_account_is_deleted_the_next_in_rank_follows(
    ward: ReadingGroup, alice: User, bob: User, charlie: User
) -> None:
    ward.memberships.create(user=charlie, role=Role.SUPERVISOR)
    of_bob = shared(bob, ward)
    alice.delete()
    assert member(ward, charlie).is_owner
    assert not member(ward, bob).is_owner
    charlie.delete()
    assert member(ward, bob).is_owner
    of_bob.refresh_from_db()
    assert of_bob.group == ward
    bob.delete()
    assert not ReadingGroup.objects.exists()


def test_a_dissolved_group_leaves_the_radiographs_with_their_owners(
    ward: ReadingGroup, alice: User, bob: User
) -> None:
    radiograph = shared(bob, ward)
    browser = browser_of(alice)
    assert "Dissolve Ward 3?" in words(browser.get(f"/groups/{ward.pk}/dissolve/"))
    browser.post(f"/groups/{ward.pk}/dissolve/")
    assert not ReadingGroup.objects.exists()
    assert not Membership.objects.exists()
    radiograph.refresh_from_db()
    assert (radiograph.owner, radiograph.group) == (bob, None)


def test_a_group_is_renamed_by_its_owner_alone(ward: ReadingGroup, alice: User, bob: User) -> None:
    refused = browser_of(bob).post(f"/groups/{ward.pk}/rename/", {"name": "Bob's"})
    assert refused.status_code == 403
    assert "Only an owner" in words(refused)
    browser_of(alice).post(f"/groups/{ward.pk}/rename/", {"name": "Ward 4"})
    assert ReadingGroup.objects.get().name == "Ward 4"


def test_what_is_counted_is_shown_to_those_who_supervise(
    ward: ReadingGroup, alice: User, bob: User, version: ModelVersion
) -> None:
    shared(bob, ward, **succeeded(version))
    shared(bob, ward, status="refused")
    shared(alice, ward)
    make_radiograph(bob)
    statistics = statistics_of(ward)
    assert statistics
    assert [(name, counts.row) for name, counts in statistics.members] == [
        ("bob", [1, 0, 0, 1, 0]),
        ("alice", [0, 0, 0, 0, 1]),
    ]
    assert statistics.whole.row == [1, 0, 0, 1, 1]
    assert statistics.chart.most == 3
    address, day = f"/groups/{ward.pk}/", timezone.localdate().isoformat()
    page = words(browser_of(alice).get(address))
    assert f'href="/radiographs/?group={ward.pk}&amp;created_after={day}' in page
    assert "By member" in page
    assert "By member" not in words(browser_of(bob).get(address))
    browser_of(alice).post(f"/groups/{ward.pk}/members/{member(ward, bob).pk}/role/", {"role": "supervisor"})
    assert "By member" in words(browser_of(bob).get(address))


def test_supervised_is_ones_own_and_what_groups_share_that_one_supervises(
    ward: ReadingGroup, alice: User, bob: User, charlie: User
) -> None:
    of_alice, of_bob, of_charlie = shared(alice, ward), shared(bob, ward), make_radiograph(charlie)
    kept = make_radiograph(bob)
    ward.memberships.create(user=charlie, role=Role.SUPERVISOR)
    rows = Radiograph.objects.all()
    assert set(rows.supervised_by(alice)) == {of_alice, of_bob}
    assert set(rows.supervised_by(bob)) == {of_bob, kept}
    assert set(rows.supervised_by(charlie)) == {of_alice, of_bob, of_charlie}
    assert set(rows.visible_to(bob)) == {of_alice, of_bob, kept}


PAGES = ["/groups/", "/groups/{}/"]


def test_many_members_are_shown_some_at_a_time(
    ward: ReadingGroup, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.pages.groups.MEMBERS_SHOWN", 3)
    for number in range(4):
        ward.memberships.create(user=make_user(f"user{number}"))
    pages = [browser_of(alice).get(f"/groups/{ward.pk}/?members={number}").content.decode() for number in (1, 2)]
    shown = [{name for name in ("user0", "user1", "user2", "user3") if f"Role of {name}<" in page} for page in pages]
    assert shown[0] | shown[1] == {"user0", "user1", "user2", "user3"}
    assert not shown[0] & shown[1]
    assert ['rel="next"' in page for page in pages] == [True, False]
    assert ['rel="prev"' in page for page in pages] == [False, True]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_about_groups_takes_few_queries_however_many_members(
    ward: ReadingGroup, alice: User, address: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        user = make_user(f"user{number}")
        ward.memberships.create(user=user)
        shared(user, ward)
        ward.invite(f"somebody{number}", Role.MEMBER, by=alice)
        ReadingGroup.found(f"Ward {number}", user).invite("alice", Role.MEMBER, by=user).accept()
    browser = browser_of(alice)
    with django_assert_max_num_queries(12):
        assert browser.get(address.format(ward.pk)).status_code == 200


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "radiograph_by_group"),
        ({"outcome": "failed"}, "radiograph_group_outcome"),
        ({"label": "NORMAL"}, "radiograph_group_label"),
        ({"band": "likely"}, "radiograph_group_band"),
        ({"source": "api"}, "radiograph_group_source"),
        ({"model_version": 1}, "radiograph_group_model_version"),
    ],
)
@pytest.mark.parametrize("is_further", [False, True])
def test_each_filter_of_a_groups_list_has_an_index(
    ward: ReadingGroup, alice: User, query: dict[str, Any], index: str, is_further: bool
) -> None:
    mark = Mark(timezone.now(), shared(alice, ward).pk) if is_further else None
    plan = plan_of(Found((Radiograph.objects.in_group(ward).filter(**query),), ORDERS["-created"]), mark)
    assert f"INDEX {index} " in plan
    assert ("created<?" in plan) == is_further
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("order", "index"),
    [("filename", "radiograph_group_filename"), ("-probability", "radiograph_group_probability")],
)
def test_each_order_of_a_groups_list_has_an_index(ward: ReadingGroup, order: str, index: str) -> None:
    plan = plan_of(Found((Radiograph.objects.in_group(ward),), ORDERS[order]))
    assert f"INDEX {index} " in plan
    assert "TEMP B-TREE" not in plan


def test_whether_one_may_see_a_radiograph_is_found_by_its_id(alice: User) -> None:
    radiograph = make_radiograph(alice)
    with CaptureQueriesContext(connection) as captured:
        Radiograph.objects.visible_to(alice).get(pk=radiograph.pk)
    plan = explained(captured.captured_queries[0]["sql"])
    assert "SCAN" not in plan
    assert "(id=?)" in plan


def plan_of(found: Found, mark: Mark | None = None) -> str:
    with CaptureQueriesContext(connection) as captured:
        page_of(found, mark, 24)
    return explained(captured.captured_queries[0]["sql"])


def explained(statement: str) -> str:
    if connection.vendor != "sqlite":
        pytest.skip("how PostgreSQL reads a table depends on what is in it")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        return " ".join(row[-1] for row in cursor.fetchall())
