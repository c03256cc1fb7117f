"""The audit log: what people do leaves an entry that says who did what to what, by which door and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from diagnosis import errands
from diagnosis.models import AuditEntry, Membership, ModelVersion, Radiograph, ReadingGroup, Webhook
from diagnosis.people import leaving
from diagnosis.people.models import Leaving
from diagnosis.people.tokens import make_token
from diagnosis.submission import submit
from tests.conftest import BUNDLED_MODEL
from tests.diagnosis.pages import browser_of, page_of
from tests.factories import PASSWORD, artifact_named, make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


@dataclass
class Scene:
    """What Alice does something with, and her browser. Her group has Bob in it."""

    browser: Client
    radiograph: Radiograph
    ward: ReadingGroup
    bob: Membership

    @property
    def alice(self) -> User:
        return self.radiograph.owner

    def post(self, address: str, **facts: Any) -> Any:
        answer = self.browser.post(address, facts)
        assert answer.status_code < 400, answer.content
        return answer

    def chosen(self, act: str, **facts: Any) -> Any:
        return self.post(f"/radiographs/chosen/{act}", pk=[str(self.radiograph.pk)], **facts)


@pytest.fixture
def scene(alice: User, bob: User, version: ModelVersion) -> Scene:
    ward = ReadingGroup.found("Ward 3", alice)
    member = ward.memberships.create(user=bob)
    return Scene(browser_of(alice), make_radiograph(alice, **succeeded(version)), ward, member)


def entries_of(act: Callable[[], Any]) -> list[AuditEntry]:
    newest = max(AuditEntry.objects.values_list("pk", flat=True), default=0)
    act()
    return list(AuditEntry.objects.filter(pk__gt=newest).order_by("pk"))


def _shared(scene: Scene) -> int:
    return Radiograph.objects.update(group=scene.ward)


def _let_bob_own(scene: Scene) -> int:
    return scene.ward.memberships.filter(pk=scene.bob.pk).update(role="owner")


def _api(scene: Scene) -> str:
    return f"/api/v1/radiographs/{scene.radiograph.pk}/"


#: By what was done: how, and what the entries say. Of ids, R is the radiograph's, G the group's, A and B are
#: Alice's and Bob's; another one's is ``*``.
ACTS: dict[str, tuple[Callable[[Scene], Any], list[str]]] = {
    "uploads": (lambda s: s.post("/", file=upload("Erika Mustermann.jpg")), ["uploaded radiograph *"]),
    "tags": (lambda s: s.chosen("tag/", name="Erika"), ["changed radiograph R: tagged"]),
    "takes a tag off": (lambda s: s.chosen("untag/", name="x"), ["changed radiograph R: tag taken off"]),
    "has it read again": (lambda s: s.chosen("classify/"), ["classified_again radiograph R: the active version"]),
    "takes the chosen away": (lambda s: s.chosen("export.csv"), ["exported radiograph R: csv"]),
    "takes reports away": (
        lambda s: s.post("/radiographs/reports/", pk=[str(s.radiograph.pk)]),
        ["downloaded radiograph R: report"],
    ),
    "shares": (
        lambda s: s.post(page_of(s.radiograph, "share"), group=s.ward.pk),
        ["shared radiograph R: with group G"],
    ),
    "shares it again": (lambda s: (_shared(s), s.post(page_of(s.radiograph, "share"), group=s.ward.pk)), []),
    "shares no longer": (
        lambda s: (_shared(s), s.post(page_of(s.radiograph, "share"), group="")),
        ["unshared radiograph R"],
    ),
    "reviews": (
        lambda s: s.post(page_of(s.radiograph, "review"), label="NORMAL", comment="Erika is well"),
        ["reviewed radiograph R: NORMAL"],
    ),
    "deletes": (lambda s: s.post(page_of(s.radiograph, "delete")), ["deleted radiograph R"]),
    "deletes the chosen": (lambda s: s.chosen("delete/", confirmed="1"), ["deleted radiograph R"]),
    "founds a group": (lambda s: s.post("/groups/", name="Ward 4"), ["added group * Ward 4"]),
    "renames a group": (
        lambda s: s.post(f"/groups/{s.ward.pk}/rename/", name="Ward 5"),
        ["changed group G Ward 3: renamed Ward 5"],
    ),
    "invites": (
        lambda s: s.post(f"/groups/{s.ward.pk}/invite/", addressee="carla@example.org", role="member"),
        ["added invitation G: member"],
    ),
    "gives a role": (
        lambda s: s.post(f"/groups/{s.ward.pk}/members/{s.bob.pk}/role/", role="supervisor"),
        ["changed membership G bob: member → supervisor"],
    ),
    "removes a member": (
        lambda s: s.post(f"/groups/{s.ward.pk}/members/{s.bob.pk}/remove/"),
        ["deleted membership G bob"],
    ),
    "leaves a group that shared it": (
        lambda s: (_shared(s), _let_bob_own(s), s.post(f"/groups/{s.ward.pk}/leave/")),
        ["deleted membership G alice", "unshared radiograph R"],
    ),
    "dissolves a group": (
        lambda s: (_shared(s), s.post(f"/groups/{s.ward.pk}/dissolve/")),
        ["unshared radiograph R", "deleted membership G alice", "deleted membership G bob", "deleted group G Ward 3"],
    ),
    "reads blinded": (lambda s: s.post("/reading/mode/", blinded="on"), ["changed account A alice: reads blinded"]),
    "revokes tokens": (lambda s: s.post("/accounts/tokens/revoke/"), ["deleted token * the scanner"]),
    "logs out": (lambda s: s.post("/accounts/logout/"), ["logged_out account A alice"]),
    "logs other browsers out": (
        lambda s: (s.browser.get("/"), s.post("/accounts/sessions/end/")),
        ["logged_out account A: from afar"],
    ),
    "changes the password": (
        lambda s: s.post(
            "/accounts/password/change/",
            oldpassword=PASSWORD, password1="another correct horse", password2="another correct horse",
        ),
        ["deleted token * the scanner", "logged_out account A: from afar", "changed account A alice: password"],
    ),
}  # fmt: skip


def said(entry: AuditEntry, scene: Scene) -> str:
    ids = {str(scene.radiograph.pk): "R", str(scene.ward.pk): "G", str(scene.alice.pk): "A"}
    if entry.kind in ("group", "membership", "invitation"):
        ids = {str(scene.ward.pk): "G"}
    if entry.kind == "account":
        ids = {str(scene.alice.pk): "A", str(scene.bob.user_id): "B"}
    named = ids.get(entry.object_id, "*") if entry.object_id and entry.kind != "token" else "*" * bool(entry.object_id)
    return " ".join(filter(None, [entry.verb, entry.kind, named, entry.label])) + f": {entry.details}" * bool(
        entry.details
    )


@pytest.mark.parametrize("name", ACTS)
def test_what_somebody_does_on_a_page_is_an_entry(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str
) -> None:
    monkeypatch.setattr("diagnosis.report.zip_of_reports", lambda _: iter([b"zip"]))
    make_token(scene.alice, "the scanner")
    browser_of(scene.alice).get("/help/")
    act, expected = ACTS[name]
    found = entries_of(lambda: act(scene))
    assert sorted(said(entry, scene).replace(f"group {scene.ward.pk}", "group G") for entry in found) == sorted(
        expected
    )
    for entry in found:
        assert (entry.actor_id, entry.actor_name) == (scene.alice.pk, "alice")
        assert (entry.door, entry.address) == ("page", "127.0.0.1")
        assert len(entry.request_id) == 32
        assert "Erika" not in f"{entry.label} {entry.details}", "a patient's name may be in it"


def test_a_program_is_told_by_its_token_and_the_door_is_the_api(scene: Scene) -> None:
    found = entries_of(lambda: make_token(scene.alice, "the scanner"))
    assert said(found[0], scene) == "added token * the scanner: write"
    _, token = make_token(scene.bob.user)
    _shared(scene)
    program = Client(headers={"authorization": f"Token {token}", "x-request-id": "from-the-proxy"})
    address = _api(scene)
    found = entries_of(lambda: (program.get(address), program.post(f"{address}reviews/", {"label": "NORMAL"})))
    assert [said(entry, scene) for entry in found] == ["saw radiograph R", "reviewed radiograph R: NORMAL"]
    assert {(entry.actor_name, entry.door, entry.request_id) for entry in found} == {("bob", "api", "from-the-proxy")}


def test_logins_are_entries_and_failed_ones_name_accounts_alone(alice: User) -> None:
    def log_in(login: str, password: str) -> list[AuditEntry]:
        facts = {"login": login, "password": password}
        return entries_of(lambda: Client().post("/accounts/login/", facts))

    (right,) = log_in("alice", PASSWORD)
    assert (right.verb, right.label, right.actor_id) == ("logged_in", "alice", alice.pk)
    (wrong,) = log_in("alice", "nonsense")
    assert (wrong.verb, wrong.object_id, wrong.label) == ("login_failed", str(alice.pk), "alice")
    assert (wrong.actor_id, wrong.actor_name, wrong.address) == (None, "", "127.0.0.1")
    (secret,) = log_in("correct horse battery", "alice")  # the password in the wrong field
    assert (secret.object_id, secret.label) == ("", "unknown")


def test_what_an_administrator_changes_is_an_entry(scene: Scene, charlie: User) -> None:
    admin, bob = browser_of(charlie), scene.bob.user
    facts = {"name": "Ward 9", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    found = entries_of(lambda: admin.post(f"/admin/diagnosis/readinggroup/{scene.ward.pk}/change/", facts))
    assert [said(entry, scene) for entry in found] == ["changed group G Ward 9: Changed Name."]
    assert [(entry.actor_name, entry.door) for entry in found] == [("charlie", "admin")]
    found = entries_of(lambda: admin.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}))
    told = {said(entry, scene) for entry in found}
    assert {"deleted account B bob", "deleted membership G bob"} <= told
    assert len(told) == len(found), "and none twice"


def test_what_commands_do_is_an_entry_of_the_account_of_the_machine(version: ModelVersion, tmp_path: Any) -> None:
    folder = artifact_named("newer", tmp_path)
    found = entries_of(lambda: call_command("publish_model", folder, "--activate"))
    assert [(entry.verb, entry.label) for entry in found] == [("added", "newer"), ("activated", "newer")]
    assert {entry.door for entry in found} == {"command"}
    assert all(entry.actor_name and entry.actor_id is None for entry in found)
    found = entries_of(lambda: call_command("activate_model", "--previous"))
    assert [(entry.label, entry.details) for entry in found] == [(version.version, "rolled back")]
    call_command("publish_model", BUNDLED_MODEL)
    assert len(entries_of(lambda: call_command("publish_model", BUNDLED_MODEL))) == 0, "nothing was new"


@pytest.mark.django_db(transaction=True)
def test_the_log_survives_an_account_and_says_what_went_with_it(alice: User) -> None:
    radiograph = submit(alice, upload())
    Webhook.objects.create(owner=alice, url="https://archive.example.org/secret/path")
    Leaving.objects.begin(alice)
    number = alice.pk
    errands._do(partial(leaving.remove_all, number))
    assert not User.objects.exists()
    by_verb = {(entry.verb, entry.kind): entry for entry in AuditEntry.objects.all()}
    assert by_verb["deleted", "radiograph"].object_id == str(radiograph.pk)
    assert by_verb["deleted", "webhook"].label == "archive.example.org"
    assert by_verb["changed", "account"].details == "closed, to be deleted"
    assert {entry.door for entry in by_verb.values() if entry.verb == "deleted"} == {"background"}
    assert (by_verb["deleted", "account"].object_id, by_verb["deleted", "account"].label) == (str(number), "alice")


@pytest.mark.django_db(transaction=True)
def test_what_is_not_done_leaves_no_entry(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change and its entry are one transaction."""

    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("diagnosis.reviewing.recording.follow_reviews", fail)
    scene.browser.raise_request_exception = False
    address = page_of(scene.radiograph, "review")
    assert entries_of(lambda: scene.browser.post(address, {"label": "NORMAL"})) == []
    monkeypatch.setattr("diagnosis.audit.models.AuditEntry.save", fail)
    monkeypatch.setattr("diagnosis.reviewing.recording.follow_reviews", lambda *_: None)
    scene.browser.post(address, {"label": "NORMAL"})
    assert not scene.radiograph.reviews.exists(), "and what cannot be written down is not done"
