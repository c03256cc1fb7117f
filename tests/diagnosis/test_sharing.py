"""Sharing radiographs with a group: from the page, the history, the upload and the API."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from diagnosis.history import tagging
from diagnosis.models import AuditEntry, ModelVersion, Radiograph, ReadingGroup, Review
from diagnosis.people.groups import Role
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import browser_of, page_of, words
from tests.diagnosis.test_api import RADIOGRAPHS, api_of, assert_problem
from tests.diagnosis.test_groups import member, shared
from tests.drawings import jpeg_bytes
from tests.factories import make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")
JSON = "application/json"


@pytest.fixture
def ward(alice: User, bob: User) -> ReadingGroup:
    """Alice owns it, bob is a member."""
    group = ReadingGroup.found("Ward 3", alice)
    group.memberships.create(user=bob)
    return group


def group_of(radiograph: Radiograph) -> ReadingGroup | None:
    return Radiograph.objects.get(pk=radiograph.pk).group


def test_its_owner_shares_a_radiograph_and_takes_it_back(ward: ReadingGroup, bob: User) -> None:
    radiograph, browser = make_radiograph(bob), browser_of(bob)
    page = words(browser.post(page_of(radiograph, "share"), {"group": ward.pk}, follow=True))
    assert "is shared with Ward 3" in page
    assert group_of(radiograph) == ward
    page = words(browser.post(page_of(radiograph, "share"), {"group": ""}, follow=True))
    assert "is no longer shared with Ward 3" in page
    assert group_of(radiograph) is None


def test_nothing_is_shared_with_a_group_that_one_is_not_in(ward: ReadingGroup, charlie: User) -> None:
    radiograph = make_radiograph(charlie)
    page = words(browser_of(charlie).post(page_of(radiograph, "share"), {"group": ward.pk}, follow=True))
    assert "You are not in that group" in page
    assert ward.share(Radiograph.objects.all(), by=charlie) == 0
    assert group_of(radiograph) is None


def test_nobody_shares_what_is_somebody_elses(ward: ReadingGroup, alice: User, bob: User) -> None:
    other = ReadingGroup.found("Ward 4", alice)
    radiograph = shared(bob, ward)
    assert browser_of(alice).post(page_of(radiograph, "share"), {"group": other.pk}).status_code == 404
    assert other.share(Radiograph.objects.all(), by=alice) == 0
    assert group_of(radiograph) == ward


def test_a_groups_owner_takes_out_what_a_member_shared_and_a_member_does_not(
    ward: ReadingGroup, alice: User, bob: User, charlie: User
) -> None:
    ward.memberships.create(user=charlie, role=Role.SUPERVISOR)
    radiograph = shared(bob, ward)
    assert "Take it out" not in words(browser_of(charlie).get(page_of(radiograph)))
    assert browser_of(charlie).post(page_of(radiograph, "share"), {"group": ""}).status_code == 404
    assert group_of(radiograph) == ward
    assert "Take it out of Ward 3" in words(browser_of(alice).get(page_of(radiograph)))
    answer = browser_of(alice).post(page_of(radiograph, "share"), {"group": ""})
    assert answer["Location"] == f"/radiographs/?group={ward.pk}"
    assert group_of(radiograph) is None
    assert Radiograph.objects.get().owner == bob


def test_the_page_says_whose_it_is_and_offers_what_one_may(
    ward: ReadingGroup, alice: User, bob: User, version: ModelVersion
) -> None:
    radiograph = shared(bob, ward, **succeeded(version))
    page = words(browser_of(alice).get(page_of(radiograph)))
    assert "Shared by <strong>bob</strong> with <strong>Ward 3</strong>" in page
    assert page_of(radiograph, "delete") not in page
    assert page_of(radiograph, "report") in page
    own = words(browser_of(bob).get(page_of(radiograph)))
    assert page_of(radiograph, "delete") in own
    assert "The members of Ward 3 see it" in own


def test_next_to_somebody_elses_radiograph_lies_the_groups_next(ward: ReadingGroup, alice: User, bob: User) -> None:
    older, kept, shown, newer = (make_radiograph(bob, filename=f"{name}.jpg") for name in "abcd")
    ward.share(Radiograph.objects.exclude(pk=kept.pk), by=bob)
    context = browser_of(alice).get(page_of(shown)).context
    assert (context["newer"], context["older"]) == (newer, older)
    assert browser_of(bob).get(page_of(shown)).context["older"] == kept


def test_the_history_holds_ones_own_and_with_a_group_what_all_of_it_share(
    ward: ReadingGroup, alice: User, bob: User
) -> None:
    of_bob, of_alice, kept = shared(bob, ward), shared(alice, ward), make_radiograph(alice)
    browser = browser_of(alice)
    assert browser.get("/radiographs/").context["page"].radiographs == [kept, of_alice]
    answer = browser.get("/radiographs/", {"group": ward.pk})
    assert answer.context["page"].radiographs == [of_alice, of_bob]
    page = words(answer)
    assert "from bob" in page
    assert page_of(of_alice, "delete") in page
    assert page_of(of_bob, "delete") not in page


@pytest.mark.parametrize("group", ["0", "x", "99999999999999999999"])
def test_a_group_that_one_is_not_in_is_no_filter(ward: ReadingGroup, bob: User, charlie: User, group: str) -> None:
    shared(bob, ward)
    for wanted in (group, str(ward.pk)):
        answer = browser_of(charlie).get("/radiographs/", {"group": wanted})
        assert answer.status_code == 400
        assert "You are in no group" in words(answer)
        assert_problem(api_of(charlie).get(RADIOGRAPHS, {"group": wanted}), 400, "You are in no group")


def test_chosen_ones_are_shared_and_taken_out_together(ward: ReadingGroup, alice: User, bob: User) -> None:
    own, of_bob, kept = make_radiograph(alice), shared(bob, ward), make_radiograph(bob)
    chosen = {"pk": [str(each.pk) for each in (own, of_bob, kept)]}
    browser = browser_of(alice)
    browser.post("/radiographs/chosen/share/", {**chosen, "group": ward.pk})
    assert "1 X-ray is shared with Ward 3" in words(browser.get("/radiographs/"))
    assert [group_of(each) for each in (own, of_bob, kept)] == [ward, ward, None]
    browser.post("/radiographs/chosen/share/", {**chosen, "group": ""})
    assert "2 X-rays are no longer shared" in words(browser.get("/radiographs/"))
    assert not Radiograph.objects.exclude(group=None).exists()


def test_what_is_chosen_of_others_is_neither_changed_nor_exported(ward: ReadingGroup, alice: User, bob: User) -> None:
    of_bob = shared(bob, ward)
    chosen = {"pk": [str(of_bob.pk), str(make_radiograph(alice, filename="own.jpg").pk)]}
    browser = browser_of(alice)
    exported = browser.post("/radiographs/chosen/export.json", chosen).getvalue().decode()
    assert "own.jpg" in exported
    assert of_bob.filename not in exported
    browser.post("/radiographs/chosen/tag/", {**chosen, "name": "x"})
    browser.post("/radiographs/chosen/delete/", {**chosen, "confirmed": "yes"})
    assert list(Radiograph.objects.all()) == [of_bob]
    assert not of_bob.tags.exists()


def test_of_a_groups_list_only_ones_own_are_exported(ward: ReadingGroup, alice: User, bob: User) -> None:
    shared(bob, ward, filename="bobs.jpg")
    shared(alice, ward, filename="alices.jpg")
    make_radiograph(alice, filename="kept.jpg")
    for client, address in ((browser_of(alice), "/radiographs/"), (api_of(alice), RADIOGRAPHS)):
        answer = client.get(f"{address}export.json", {"group": ward.pk})
        assert [row["filename"] for row in json.loads(answer.getvalue())] == ["alices.jpg"]


def test_tags_are_told_to_their_owner_alone(ward: ReadingGroup, alice: User, bob: User) -> None:
    radiograph = shared(bob, ward)
    tagging.tag(bob, [radiograph], "look out")
    assert "look out" not in words(browser_of(alice).get("/radiographs/", {"group": ward.pk}))
    assert api_of(alice).get(f"{RADIOGRAPHS}{radiograph.pk}/").json()["tags"] == []
    assert "look out" in words(browser_of(bob).get("/radiographs/", {"group": ward.pk}))
    assert api_of(bob).get(f"{RADIOGRAPHS}{radiograph.pk}/").json()["tags"] == ["look out"]


def test_an_upload_is_shared_with_the_group_that_was_chosen_and_remembers_it(ward: ReadingGroup, bob: User) -> None:
    browser = browser_of(bob)
    browser.post("/", {"file": upload(), "group": ward.pk})
    radiograph = Radiograph.objects.get()
    assert radiograph.group == ward
    assert f'<option value="{ward.pk}" selected>Ward 3</option>' in words(browser.get("/"))
    browser.post(page_of(radiograph, "again"))
    assert ward.radiographs.count() == 2
    browser.post("/", {"file": upload(data=jpeg_bytes(seed=5)), "group": ""})
    assert ward.radiographs.count() == 2
    assert "selected>Ward 3" not in words(browser.get("/"))


def test_what_was_sent_before_is_shared_too_unless_it_is_shared_already(
    ward: ReadingGroup, alice: User, bob: User
) -> None:
    browser = browser_of(bob)
    browser.post("/", {"file": upload()})
    browser.post("/", {"file": upload(), "group": ward.pk})
    assert Radiograph.objects.get().group == ward
    other = ReadingGroup.found("Ward 4", bob)
    browser.post("/", {"file": upload(), "group": other.pk})
    assert Radiograph.objects.get().group == ward


def test_an_upload_to_a_group_that_one_has_left_is_not_stored(ward: ReadingGroup, bob: User) -> None:
    browser = browser_of(bob)
    browser.post("/", {"file": upload(), "group": ward.pk})
    Radiograph.objects.all().delete()
    member(ward, bob).end()
    answer = browser.post("/", {"file": upload(), "group": ward.pk})
    assert answer.status_code == 400
    assert "You are not in that group" in words(answer)
    assert not Radiograph.objects.exists()


def test_the_api_lists_ones_groups_with_ones_role(ward: ReadingGroup, alice: User, bob: User) -> None:
    ReadingGroup.found("Alice's own", alice)
    (row,) = api_of(bob).get("/api/v1/groups/").json()["results"]
    assert (row["id"], row["name"], row["role"]) == (ward.pk, "Ward 3", "member")


def test_the_api_shares_at_the_upload_and_lists_by_group(ward: ReadingGroup, alice: User, bob: User) -> None:
    answer = api_of(bob).post(RADIOGRAPHS, {"file": upload(), "group": ward.pk})
    assert answer.status_code == 201
    assert (answer.json()["group"], answer.json()["owner"]) == (ward.pk, "bob")
    api = api_of(alice)
    assert api.get(RADIOGRAPHS).json()["results"] == []
    (row,) = api.get(RADIOGRAPHS, {"group": ward.pk}).json()["results"]
    assert row["id"] == answer.json()["id"]


def test_an_upload_through_the_api_to_a_strange_group_is_not_stored(ward: ReadingGroup, charlie: User) -> None:
    for group in (ward.pk, "x"):
        answer = api_of(charlie).post(RADIOGRAPHS, {"file": upload(), "group": group})
        assert_problem(answer, 400, "group")
        assert "group" in answer.json()["errors"]
    assert not Radiograph.objects.exists()


def test_the_api_changes_whom_a_radiograph_is_shared_with(
    ward: ReadingGroup, alice: User, bob: User, charlie: User
) -> None:
    radiograph = make_radiograph(bob)
    address = f"{RADIOGRAPHS}{radiograph.pk}/"

    def patch(user: User, group: Any) -> Any:
        return api_of(user).patch(address, {"group": group}, content_type=JSON)

    assert patch(bob, ward.pk).json()["group"] == ward.pk
    ward.memberships.create(user=charlie)
    assert_problem(patch(charlie, None), 404, "not yours")
    assert_problem(patch(bob, 999), 400, "You are in no group 999")
    assert_problem(api_of(bob).patch(address, {}, content_type=JSON), 400, "required")
    assert group_of(radiograph) == ward
    assert patch(alice, None).status_code == 200
    assert group_of(radiograph) is None
    assert_problem(patch(alice, None), 404, "not yours")


@pytest.mark.parametrize("asked", ["radiographs/{pk}/", "radiographs/{pk}/predictions/", "radiographs/?group={group}"])
def test_an_answer_that_the_api_gave_to_a_member_was_seen(
    asked: str, alice: User, bob: User, version: ModelVersion
) -> None:
    group = ReadingGroup.found("Ward 3", alice)
    group.memberships.create(user=bob)
    radiograph = make_radiograph(alice, **succeeded(version))
    Radiograph.objects.update(group=group)
    assert record(radiograph, bob, "NORMAL").blinded
    Review.objects.all().delete()
    assert api_of(bob).get("/api/v1/" + asked.format(pk=radiograph.pk, group=group.pk)).status_code == 200
    assert not record(radiograph, bob, "NORMAL").blinded


def test_more_than_are_held_in_memory_are_taken_out_and_each_is_recorded(
    ward: ReadingGroup, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.querysets.MANY", 2)
    for number in range(3):
        shared(bob, ward, filename=f"{number}.jpg")
    assert Radiograph.objects.all().unshare(by=bob) == 3
    assert not ward.radiographs.exists()
    assert AuditEntry.objects.filter(verb="unshared").count() == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_out_at_once_one_records_it(ward: ReadingGroup, alice: User, bob: User) -> None:
    radiograph = shared(bob, ward)

    def take_out() -> int:
        try:
            return Radiograph.objects.filter(pk=radiograph.pk).unshare(by=alice)
        finally:
            connection.close()

    with ThreadPoolExecutor() as others:
        with transaction.atomic():
            assert Radiograph.objects.all().unshare(by=bob) == 1
            other = others.submit(take_out)
            with pytest.raises(TimeoutError):
                other.result(timeout=0.5)
        assert other.result(timeout=10) == 0
    assert AuditEntry.objects.filter(verb="unshared").count() == 1
