"""Groups in the admin: made and changed there, and never without an owner."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from diagnosis.models import AuditEntry, Radiograph, ReadingGroup
from diagnosis.people.groups import Role
from tests.factories import make_radiograph

GROUPS = "/admin/diagnosis/readinggroup/"


def form(name: str, *members: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": name, "memberships-TOTAL_FORMS": len(members)}
    facts["memberships-INITIAL_FORMS"] = sum("id" in member for member in members)
    for number, member in enumerate(members):
        facts |= {f"memberships-{number}-{field}": value for field, value in member.items()}
    return facts


def admin_of(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def test_a_group_is_made_there_with_its_members_and_not_without_an_owner(alice: User, charlie: User) -> None:
    admin = admin_of(charlie)
    page = admin.post(f"{GROUPS}add/", form("Ward 3", {"user": alice.pk, "role": "member"}))
    assert "A group needs an owner" in page.content.decode()
    assert not ReadingGroup.objects.exists()
    admin.post(f"{GROUPS}add/", form("Ward 3", {"user": alice.pk, "role": "owner"}))
    assert ReadingGroup.objects.get().memberships.get().user == alice
    assert "Ward 3" in admin.get(GROUPS).content.decode()


def test_whoever_is_removed_there_takes_along_what_was_shared(alice: User, bob: User, charlie: User) -> None:
    ward = ReadingGroup.found("Ward 3", alice)
    member = ward.memberships.create(user=bob)
    make_radiograph(bob)
    ward.share(Radiograph.objects.all(), by=bob)
    owner = {"id": ward.memberships.get(role=Role.OWNER).pk, "group": ward.pk, "user": alice.pk, "role": "owner"}
    removed = {"id": member.pk, "group": ward.pk, "user": bob.pk, "role": "member", "DELETE": "on"}
    address = f"{GROUPS}{ward.pk}/change/"
    refused = admin_of(charlie).post(address, form("Ward 3", {**owner, "role": "member"}, {**removed, "DELETE": ""}))
    assert "A group needs an owner" in refused.content.decode()
    admin_of(charlie).post(address, form("Ward 3", owner, removed))
    assert [each.user for each in ward.memberships.all()] == [alice]
    assert Radiograph.objects.get().group is None


def test_of_a_group_that_is_deleted_there_the_end_of_each_sharing_is_recorded(alice: User, charlie: User) -> None:
    ward = ReadingGroup.found("Ward 3", alice)
    radiograph = make_radiograph(alice)
    ward.share(Radiograph.objects.all(), by=alice)
    admin_of(charlie).post(f"{GROUPS}{ward.pk}/delete/", {"post": "yes"})
    assert not ReadingGroup.objects.exists()
    entry = AuditEntry.objects.get(verb="unshared")
    assert (entry.object_id, entry.actor_name, entry.door) == (str(radiograph.pk), "charlie", "admin")
