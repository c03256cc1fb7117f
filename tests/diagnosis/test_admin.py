"""The administrator sees lists that can be searched and filtered, and edits nothing that must not be edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from diagnosis import publishing
from diagnosis.models import Comparison, ModelVersion, Radiograph
from tests.factories import artifact_named, make_radiograph, succeeded


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


@pytest.mark.parametrize("name", ["radiograph", "prediction", "modelversion"])
def test_each_list_opens_in_few_queries_however_long(
    admin: Client, alice: User, version: ModelVersion, name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        make_radiograph(alice, **succeeded(version))
    with django_assert_max_num_queries(12):
        answer = admin.get(f"/admin/diagnosis/{name}/")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("address", "found", "other"),
    [
        ("radiograph/?q=left", "left.jpg", "right.jpg"),
        ("prediction/?q=left", "left.jpg", "right.jpg"),
        ("prediction/?q=alice", "left.jpg", "of-bob.jpg"),
        ("radiograph/?q=alice", "left.jpg", "of-bob.jpg"),
        ("prediction/?status__exact=failed", "right.jpg", "left.jpg"),
        ("prediction/?status__exact=succeeded", "left.jpg", "right.jpg"),
        ("prediction/?reason_code=unreadable", "right.jpg", "left.jpg"),
        ("prediction/?model_version__isnull=True", "right.jpg", "left.jpg"),
    ],
)
def test_search_and_filters_find_and_leave_out(
    admin: Client, alice: User, bob: User, version: ModelVersion, address: str, found: str, other: str
) -> None:
    make_radiograph(bob, filename="of-bob.jpg")
    make_radiograph(alice, filename="left.jpg", **succeeded(version))
    ended: dict[str, Any] = {"reason_code": "unreadable", "finished_at": timezone.now()}
    make_radiograph(alice, filename="right.jpg", status="failed", **ended)
    page = admin.get(f"/admin/diagnosis/{address}").content.decode()
    assert found in page
    assert other not in page


@pytest.mark.parametrize("name", ["radiograph", "prediction", "modelversion"])
def test_nothing_can_be_added_or_changed_by_hand(admin: Client, alice: User, version: ModelVersion, name: str) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    pk = {"radiograph": radiograph.pk, "prediction": radiograph.prediction.pk, "modelversion": version.pk}[name]
    assert admin.get(f"/admin/diagnosis/{name}/add/").status_code == 403
    page = admin.get(f"/admin/diagnosis/{name}/{pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert admin.post(f"/admin/diagnosis/{name}/{pk}/change/", {"probability": "0.01"}).status_code == 403


def test_deleting_selected_radiographs_removes_their_files(
    admin: Client, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    radiographs = [make_radiograph(alice) for _ in range(2)]
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(
            "/admin/diagnosis/radiograph/",
            {"action": "delete_selected", "_selected_action": [r.pk for r in radiographs], "post": "yes"},
        )
    assert not Radiograph.objects.exists()
    assert not any(Path(r.file.path).exists() for r in radiographs)


def test_deleting_a_user_removes_the_radiographs_with_their_files(
    admin: Client, alice: User, version: ModelVersion, django_capture_on_commit_callbacks: Any
) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not Radiograph.objects.exists()
    assert not Path(radiograph.file.path).exists()


def test_a_version_is_activated_once_that_is_confirmed(admin: Client, version: ModelVersion, tmp_path: Path) -> None:
    newer, _ = publishing.publish(artifact_named("newer", tmp_path))
    data = {"action": "activate", "_selected_action": [newer.pk]}
    asked = admin.post("/admin/diagnosis/modelversion/", data, follow=True)
    assert asked.redirect_chain[-1][0] == f"/admin/diagnosis/modelversion/{newer.pk}/activate/"
    assert f"Version {version} is active now" in asked.content.decode()
    assert 'name="force"' not in asked.content.decode()
    assert ModelVersion.objects.get(active=True) == version
    admin.post(f"/admin/diagnosis/modelversion/{newer.pk}/activate/")
    assert ModelVersion.objects.get(active=True) == newer


def test_the_version_that_was_active_before_is_offered_to_roll_back_to(
    admin: Client, version: ModelVersion, tmp_path: Path
) -> None:
    assert "Roll back" not in admin.get("/admin/diagnosis/modelversion/").content.decode()
    publishing.activate(publishing.publish(artifact_named("newer", tmp_path))[0].version)
    assert f"Roll back to {version}" in admin.get("/admin/diagnosis/modelversion/").content.decode()
    asked = admin.get("/admin/diagnosis/modelversion/roll-back/").content.decode()
    assert f"Make new predictions with version {version}?" in asked
    for _ in range(2):  # the second time there is no older one, and that is said
        page = admin.post("/admin/diagnosis/modelversion/roll-back/", {"chosen": version.version}, follow=True)
        assert ModelVersion.objects.get(active=True) == version
    assert "nothing to roll back to" in page.content.decode()


def test_a_roll_back_does_not_do_what_was_not_confirmed(admin: Client, version: ModelVersion, tmp_path: Path) -> None:
    for name in ("second", "third"):
        publishing.activate(publishing.publish(artifact_named(name, tmp_path))[0].version)
    admin.post("/admin/diagnosis/modelversion/roll-back/", {"chosen": version.version})
    assert ModelVersion.objects.get(active=True).version == "third"


def test_who_may_only_look_cannot_activate(version: ModelVersion, alice: User, tmp_path: Path) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    newer, _ = publishing.publish(artifact_named("newer", tmp_path))
    publishing.activate(newer.version)
    client = Client()
    client.force_login(alice)
    assert client.get(f"/admin/diagnosis/modelversion/{version.pk}/change/").status_code == 200
    for address in (f"{version.pk}/activate/", "roll-back/"):
        assert client.post(f"/admin/diagnosis/modelversion/{address}").status_code == 403
    assert ModelVersion.objects.get(active=True) == newer


def test_a_version_whose_artifact_is_damaged_is_not_activated(admin: Client, version: ModelVersion) -> None:
    broken = ModelVersion.objects.create(version="broken", network_sha256="1" * 64, card=version.card)
    page = admin.post(f"/admin/diagnosis/modelversion/{broken.pk}/activate/")
    assert "is no artifact" in page.content.decode()
    assert ModelVersion.objects.get(active=True) == version


def test_users_are_made_by_the_administrator(admin: Client) -> None:
    data = {
        "username": "dora", "password1": "a-long-enough-one", "password2": "a-long-enough-one",
        "usable_password": "true",
    }  # fmt: skip
    admin.post("/admin/auth/user/add/", data)
    assert Client().login(username="dora", password="a-long-enough-one")


def test_who_is_no_staff_sees_no_admin(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/diagnosis/radiograph/").status_code == 302


def test_two_versions_are_compared_by_what_is_known_of_them(admin: Client, version: ModelVersion) -> None:
    def compare(*chosen: ModelVersion) -> Any:
        data = {"action": "compare", "_selected_action": [each.pk for each in chosen]}
        return admin.post("/admin/diagnosis/modelversion/", data, follow=True)

    other = ModelVersion.objects.create(version="other", network_sha256="1" * 64, card=version.card)
    assert "Select exactly two" in compare(other).content.decode()
    assert "manage.py compare_models" in compare(other, version).content.decode()
    comparison = Comparison.objects.create(a=version, b=other, figures={"images": 1}, sentence="They are alike.")
    shown = compare(version, other)
    assert shown.redirect_chain[-1][0] == f"/admin/diagnosis/comparison/{comparison.pk}/change/"
    assert "They are alike." in admin.get(f"/admin/diagnosis/modelversion/{other.pk}/change/").content.decode()
