"""How a silent version's answers compare, for administrators; and what they must have seen to activate it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from diagnosis import publishing
from diagnosis.models import Comparison, ComparisonSeen, ModelVersion, Radiograph, ShadowPrediction
from diagnosis.reviewing.recording import record
from diagnosis.versions.comparing import compare_silently
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.reviews import reader
from tests.factories import artifact_named, make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")
REFUSED = {"status": "refused", "reason": "It is inverted."}


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


@pytest.fixture
def silent(version: ModelVersion, tmp_path: Path) -> ModelVersion:
    other, _ = publishing.publish(artifact_named("silent", tmp_path))
    assert other.answer_silently()
    return other


def answered(owner: User, version: ModelVersion, silent: ModelVersion, said: Any, silently: Any) -> Radiograph:
    """A radiograph that both have read; what they said is a probability, or that they refused."""
    facts, silent_facts = (
        {**succeeded(by, 0.5), "probability": None, "label": "", "band": "", **REFUSED}
        if each is None
        else succeeded(by, each)
        for each, by in ((said, version), (silently, silent))
    )
    radiograph = make_radiograph(owner, filename=f"{said} {silently}.jpg", **facts)
    beside = {"radiograph": radiograph, "beside": radiograph.prediction, "active_version": version}
    answer = ShadowPrediction.objects.create(**beside, **silent_facts)
    ShadowPrediction.objects.filter(pk=answer.pk).compare(answer)
    return radiograph


def page_of(silent: ModelVersion, part: str = "") -> str:
    return f"/admin/diagnosis/modelversion/{silent.pk}/silent/{part}"


def test_labels_refusals_and_probabilities_are_counted(
    alice: User, version: ModelVersion, silent: ModelVersion
) -> None:
    for said, silently in ((0.9, 0.8), (0.9, 0.2), (0.8, 0.1), (0.1, 0.2), (0.1, None), (None, 0.9), (None, None)):
        answered(alice, version, silent, said, silently)
    ShadowPrediction.objects.create(
        radiograph=make_radiograph(alice), beside=Radiograph.objects.all()[1].prediction,
        model_version=silent, active_version=version,
    )  # fmt: skip
    found = compare_silently(silent, version)
    assert (len(found.pairs), len(found.both), found.waiting, found.failed) == (7, 4, 1, 0)
    assert found.table == [("NORMAL", [1, 0]), ("PNEUMONIA", [2, 1])]
    assert found.refusals == (1, 1, 1)
    assert [number for _, number in found.kinds] == [2, 2, 0]
    assert (found.differing, found.same_label, found.p) == (4, 0.5, 0.5)
    assert found.mean_difference == pytest.approx((-0.1 - 0.7 - 0.7 + 0.1) / 4)
    assert found.limits
    assert found.limits[0] < found.mean_difference < found.limits[1]  # type: ignore[operator]


def test_what_readers_say_is_held_against_both(alice: User, version: ModelVersion, silent: ModelVersion) -> None:
    made = [
        answered(alice, version, silent, said, silently) for said, silently in ((0.9, 0.2), (0.9, 0.9), (0.1, 0.9))
    ]
    assert compare_silently(silent, version).readers is None
    for radiograph, labels in zip(made, (["NORMAL"], ["PNEUMONIA"] * 2 + ["NORMAL"], ["UNCLEAR"]), strict=True):
        for number, label in enumerate(labels):
            record(radiograph, reader(number), label)
    found = compare_silently(silent, version).readers
    assert found
    assert (found.radiographs, found.both, found.only_silent, found.only_active) == (2, 1, 1, 0)


def test_the_page_shows_the_comparison_and_the_cases_a_page_at_a_time(
    admin: Client, alice: User, version: ModelVersion, silent: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnosis.versions.admin.PAGE_SIZE", 2)
    for silently in (0.9, 0.1, 0.2, 0.3):
        answered(alice, version, silent, 0.8, silently)
    first = admin.get(page_of(silent))
    assert [case.probability for case in first.context["cases"]] == [0.3, 0.2]
    second = admin.get(page_of(silent), {"before": first.context["after"]})
    assert [case.probability for case in second.context["cases"]] == [0.1]
    assert second.context["after"] is None
    assert "4 radiographs have been read by both." in words(first)
    assert "NORMAL, 30 %" in words(first)
    picture = admin.get(page_of(silent, "probabilities.svg"))
    assert picture["Content-Type"] == "image/svg+xml"
    assert b"4 images, 3 of them with different labels" in picture.content
    thumbnail = f"/admin/diagnosis/modelversion/silent/{Radiograph.objects.first().pk}/thumbnail/"  # type: ignore[union-attr]
    assert thumbnail in words(first)
    assert admin.get(thumbnail).status_code == 200
    assert admin.get(f"/admin/diagnosis/modelversion/silent/{uuid.uuid4()}/thumbnail/").status_code == 404


def test_it_takes_as_many_queries_however_many_there_are(
    admin: Client, alice: User, version: ModelVersion, silent: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        answered(alice, version, silent, 0.8, 0.1)
    admin.get("/help/")  # the first in a minute writes down that the browser was seen
    with django_assert_max_num_queries(15):
        assert admin.get(page_of(silent)).status_code == 200


def test_who_looked_and_at_what_is_written_down_once_an_hour(
    admin: Client, alice: User, charlie: User, version: ModelVersion, silent: ModelVersion
) -> None:
    admin.get(page_of(silent))
    assert not ComparisonSeen.objects.exists(), "there was nothing to be seen"
    answered(alice, version, silent, 0.8, 0.1)
    page = words(admin.get(page_of(silent)))
    admin.get(page_of(silent))
    found = ComparisonSeen.objects.get()
    assert (found.user, found.username, found.radiographs, found.differing) == (charlie, "charlie", 1, 1)
    assert "charlie, " in page
    charlie.delete()
    found.refresh_from_db()
    assert (found.user, found.username) == (None, "charlie")


def test_the_button_activates_what_was_seen(
    admin: Client, alice: User, version: ModelVersion, silent: ModelVersion
) -> None:
    assert "I have seen this" not in words(admin.get(page_of(silent)))
    admin.post(page_of(silent, "activate/"))
    asked = admin.get(f"/admin/diagnosis/modelversion/{silent.pk}/activate/")
    assert asked.status_code == 302
    assert asked["Location"] == page_of(silent)
    admin.post(f"/admin/diagnosis/modelversion/{silent.pk}/activate/", {"force": "yes"})
    assert ModelVersion.objects.get(active=True) == version
    answered(alice, version, silent, 0.8, 0.1)
    assert "I have seen this: activate" in words(admin.get(page_of(silent)))
    page = admin.post(page_of(silent, "activate/"), follow=True)
    assert f"Version {silent} is active" in words(page)
    assert ModelVersion.objects.get(active=True) == silent


def test_what_was_seen_beside_another_active_version_does_not_count(
    admin: Client, alice: User, version: ModelVersion, silent: ModelVersion, tmp_path: Path
) -> None:
    answered(alice, version, silent, 0.8, 0.1)
    admin.get(page_of(silent))
    publishing.activate(publishing.publish(artifact_named("third", tmp_path))[0].version)
    admin.post(page_of(silent, "activate/"))
    assert ModelVersion.objects.get(active=True).version == "third"


def test_a_comparison_that_speaks_against_it_still_has_to_be_overridden(
    admin: Client, alice: User, version: ModelVersion, silent: ModelVersion
) -> None:
    answered(alice, version, silent, 0.8, 0.1)
    against = "Version silent is significantly worse."
    Comparison.objects.create(
        a=version, b=silent, data="x", fingerprint="x", figures={"images": 9}, sentence=against, against_b=against
    )
    assert against in words(admin.get(page_of(silent)))
    page = admin.post(page_of(silent, "activate/"), follow=True)
    assert page.redirect_chain[-1][0] == f"/admin/diagnosis/modelversion/{silent.pk}/activate/"
    assert 'name="force"' in words(page)
    assert ModelVersion.objects.get(active=True) == version
    admin.post(f"/admin/diagnosis/modelversion/{silent.pk}/activate/", {"force": "yes"})
    assert ModelVersion.objects.get(active=True) == silent


def test_it_begins_and_stops_by_button_and_by_action(
    admin: Client, version: ModelVersion, silent: ModelVersion
) -> None:
    admin.post(page_of(silent, "stop/"))
    assert not ModelVersion.objects.filter(shadow=True).exists()
    admin.post(page_of(silent, "begin/"))
    assert ModelVersion.objects.get(shadow=True) == silent
    admin.post(page_of(silent, "stop/"))
    action = {"action": "answer_silently", "_selected_action": [silent.pk]}
    assert "answers silently from the next upload on" in words(
        admin.post("/admin/diagnosis/modelversion/", action, follow=True)
    )
    page = admin.post(page_of(version, "begin/"), follow=True)
    assert "cannot answer silently" in words(page)
    assert ModelVersion.objects.get(shadow=True) == silent


def test_a_damaged_version_does_not_begin(admin: Client, version: ModelVersion) -> None:
    broken = ModelVersion.objects.create(version="broken", network_sha256="1" * 64, card=version.card)
    assert "is no artifact" in words(admin.post(page_of(broken, "begin/"), follow=True))
    assert not ModelVersion.objects.filter(shadow=True).exists()


def test_who_may_only_look_changes_nothing_and_users_see_nothing(
    alice: User, bob: User, version: ModelVersion, silent: ModelVersion
) -> None:
    radiograph = answered(alice, version, silent, 0.8, 0.1)
    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client = browser_of(alice)
    page = client.get(page_of(silent))
    assert page.status_code == 200
    assert radiograph.filename not in words(page)
    assert not ComparisonSeen.objects.exists()
    for part in ("begin/", "stop/", "activate/"):
        assert client.post(page_of(silent, part)).status_code == 403
        assert browser_of(bob).post(page_of(silent, part)).status_code == 302
    assert client.get(f"/admin/diagnosis/modelversion/silent/{radiograph.pk}/thumbnail/").status_code == 403
    assert browser_of(bob).get(page_of(silent)).status_code == 302


def test_buttons_take_no_get(admin: Client, silent: ModelVersion) -> None:
    for part in ("begin/", "stop/", "activate/"):
        assert admin.get(page_of(silent, part)).status_code == 405


def test_the_active_version_has_no_such_page(admin: Client, version: ModelVersion) -> None:
    assert "There is nothing to compare" in words(admin.get(page_of(version), follow=True))
