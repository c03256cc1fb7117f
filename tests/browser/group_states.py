"""What there can be on the pages of groups, and how it comes about."""

from __future__ import annotations

from django.contrib.auth.models import User

from diagnosis.models import ModelVersion, Radiograph, ReadingGroup
from diagnosis.people.groups import Role
from diagnosis.reviewing.blinding import set_blinded
from diagnosis.reviewing.recording import record
from tests.browser.result_states import LONG_AGO, REASON
from tests.diagnosis.pages import page_of
from tests.factories import make_radiograph, make_user, succeeded


def make_ward(user: User, version: ModelVersion) -> ReadingGroup:
    """A group of the user's with members, invitations, and radiographs of several outcomes."""
    ward = ReadingGroup.found("Ward 3, night shift", user)
    for name, role in (("bob", Role.SUPERVISOR), ("dr-sieglinde-oberhauser-wertheim", Role.MEMBER)):
        colleague = User.objects.filter(username=name).first() or make_user(name)
        ward.memberships.create(user=colleague, role=role)
        make_radiograph(colleague, filename="of a colleague.jpg", **succeeded(version, 0.03))
        make_radiograph(colleague, filename="refused.jpg", status="refused", reason=REASON)
    make_radiograph(user, filename="shared.jpg", **succeeded(version))
    Radiograph.objects.update(group=ward)
    ward.invite("charlie@example.net", Role.MEMBER, by=user)
    ward.webhooks.create(url="https://archive.example.org/ward-3", on_batches=False, failing_since=LONG_AGO)
    return ward


def groups(user: User, version: ModelVersion) -> str:
    make_ward(user, version)
    make_radiograph(user, filename="unshared.jpg")
    owner = User.objects.filter(username="radiology").first() or make_user("radiology")
    ReadingGroup.found("Teaching", owner).invite(user.username, Role.SUPERVISOR, by=owner)
    return "/groups/"


def as_member(user: User, version: ModelVersion) -> str:
    ward = make_ward(user, version)
    ward.memberships.filter(user=user).update(role=Role.MEMBER)
    return ward.get_absolute_url()


def upload_with_groups(user: User, version: ModelVersion) -> str:
    make_ward(user, version)
    return "/"


def remove_member(user: User, version: ModelVersion) -> str:
    ward = make_ward(user, version)
    return f"/groups/{ward.pk}/members/{ward.memberships.exclude(user=user)[0].pk}/remove/"


def as_blinded(user: User, version: ModelVersion) -> str:
    set_blinded(user, True)
    return make_ward(user, version).get_absolute_url()


def result_shared(user: User, version: ModelVersion) -> str:
    return page_of(make_ward(user, version).radiographs.filter(owner=user)[0])


def result_of_another(user: User, version: ModelVersion) -> str:
    return page_of(make_ward(user, version).radiographs.exclude(owner=user)[0])


def statistics_of_group(user: User, version: ModelVersion) -> str:
    ward = make_ward(user, version)
    for radiograph in ward.radiographs.filter(outcome="succeeded"):
        record(radiograph, user, "PNEUMONIA")
    return f"/statistics/?group={ward.pk}"
