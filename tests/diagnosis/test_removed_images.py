"""An image that a rule has removed: everything else goes on, and whatever needs it says when it went and why."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.doctor import storage
from diagnosis.doctor.findings import State
from diagnosis.models import ModelVersion, Prediction, Radiograph, Removal
from diagnosis.people.data_export import zip_of_all
from diagnosis.picture import is_preview_coming
from diagnosis.retention import applying
from diagnosis.retention.models import What
from diagnosis.reviewing.recording import record
from diagnosis.reviewing.training_set import NothingToExport, choose
from tests.diagnosis.pages import browser_of, page_of, words
from tests.diagnosis.retention import MAP, old, rule
from tests.drawings import jpeg_bytes
from tests.factories import succeeded, upload

pytestmark = [pytest.mark.usefixtures("rung"), pytest.mark.django_db]

GONE = "by the rule “Ninety days”."
IMAGE_GONE = "The image was removed on "


@pytest.fixture
def removed(alice: User, version: ModelVersion) -> Radiograph:
    """One that was read twice, without its image."""
    radiograph = old(alice, version)
    Prediction.objects.create(radiograph=radiograph, **succeeded(version, 0.03), activation_map=MAP)
    applying.apply(rule())
    radiograph.refresh_from_db()
    return radiograph


@pytest.fixture
def client(alice: User) -> Client:
    return browser_of(alice)


@pytest.mark.parametrize("part", ["image", "thumbnail", "heatmap", "report"])
def test_what_is_gone_is_410_with_the_reason(removed: Radiograph, client: Client, part: str) -> None:
    answer = client.get(page_of(removed, part))
    assert answer.status_code == 410
    assert IMAGE_GONE in words(answer)
    assert GONE in words(answer)
    if part != "thumbnail":
        answer = client.get(f"/api/v1/radiographs/{removed.pk}/{part}/")
        assert (answer.status_code, answer["Content-Type"]) == (410, "application/problem+json")
        assert answer.json()["detail"].startswith(IMAGE_GONE)


def test_the_pages_say_it_and_offer_nothing_that_needs_the_image(removed: Radiograph, client: Client) -> None:
    for part in ("radiograph", "side_by_side"):
        page = words(client.get(page_of(removed, part)))
        assert IMAGE_GONE in page
        assert "3 %" in page
        for needed in ("/image/", "/heatmap/", "/report/", "/classify/", "there is no heat map"):
            assert needed not in page.lower()
    history = words(client.get("/radiographs/"))
    assert "image removed" in history
    assert "/thumbnail/" not in history
    assert "/thumbnail/" not in words(client.get("/radiographs/disagreements/"))


def test_the_api_says_so_in_its_fields(removed: Radiograph, client: Client) -> None:
    for answer in (
        client.get(f"/api/v1/radiographs/{removed.pk}/").json(),
        client.get("/api/v1/radiographs/").json()["results"][0],
    ):
        assert answer["image_removed_at"]
        assert answer["prediction"]["probability"] == 0.03
        assert answer["prediction"]["heatmap_url"] is None
        assert answer["prediction"]["report_url"] is None


def test_nobody_is_asked_to_read_it_again(removed: Radiograph, client: Client, version: ModelVersion) -> None:
    refused = client.post(f"/api/v1/radiographs/{removed.pk}/predictions/")
    assert refused.status_code == 410
    page = words(client.post(page_of(removed, "classify"), follow=True))
    assert f"{GONE} So it cannot be read again." in page
    page = words(client.post("/radiographs/chosen/classify/", {"pk": removed.pk}, follow=True))
    assert "The image of 1 X-ray was removed, so it cannot be read again." in page
    assert "is waiting" not in page
    again = client.post(page_of(removed, "again"))
    assert again.status_code == 410
    assert removed.predictions.count() == 2
    assert not is_preview_coming(removed)


def test_the_same_file_sent_again_is_read_anew(removed: Radiograph, client: Client) -> None:
    Radiograph.objects.update(sha256="")
    client.post("/", {"file": upload("a.jpg", jpeg_bytes(seed=1))})
    first = Radiograph.objects.exclude(pk=removed.pk).get()
    client.post("/", {"file": upload("a.jpg", jpeg_bytes(seed=1))})
    assert Radiograph.objects.count() == 2, "it is known"
    Radiograph.objects.filter(pk=first.pk).update(file="")
    client.post("/", {"file": upload("a.jpg", jpeg_bytes(seed=1))})
    assert Radiograph.objects.count() == 3


def test_exports_training_sets_and_the_list_to_read_go_without_it(
    removed: Radiograph, client: Client, alice: User
) -> None:
    (row,) = json.loads(b"".join(client.get("/radiographs/export.json").streaming_content))  # type: ignore[attr-defined]
    assert row["image_removed_at"]
    assert "image_removed_at" in b"".join(client.get("/radiographs/export.csv").streaming_content).decode()  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_of_all(alice)))) as archive:
        told = json.loads(archive.read("radiographs.json"))[0]
        assert (told["files"], json.loads(archive.read("missing_files.json"))) == ([], [])
        assert told["image_removed_at"]
    assert "You have read everything" in words(client.get("/reading/"))
    record(removed, alice, "NORMAL")
    with pytest.raises(NothingToExport):
        choose(Radiograph.objects.all())
    assert "Choose at least one" in words(client.post("/radiographs/reports/", {"pk": removed.pk}, follow=True))


def test_the_doctor_and_the_backup_miss_no_file(removed: Radiograph, settings: Settings, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path
    findings = [*storage.look()]
    assert {each.state for each in findings} == {State.OK}
    Removal.objects.update(waiting=["2026/a.jpg"], moment=timezone.now() - timedelta(hours=2))
    assert "apply_retention" in [*storage.look()][-1].remedy


def test_a_heat_map_that_was_removed_is_told_and_the_rest_is_there(
    alice: User, version: ModelVersion, client: Client
) -> None:
    radiograph = old(alice, version)
    applying.apply(rule(What.HEATMAPS))
    page = words(client.get(page_of(radiograph)))
    assert "The heat map was removed on " in page
    assert "/report/" in page
    answer = client.get(f"/api/v1/radiographs/{radiograph.pk}/heatmap/")
    assert answer.status_code == 410
    assert answer.json()["detail"].startswith("The heat map was removed on ")
    assert client.get(page_of(radiograph, "report")).status_code == 200
    assert client.get(page_of(radiograph, "image")).status_code == 200
    Prediction.objects.create(radiograph=radiograph, **succeeded(version), activation_map=MAP)
    assert client.get(page_of(radiograph, "heatmap")).status_code == 200


def test_users_are_told_what_will_go(alice: User, bob: User, version: ModelVersion, client: Client) -> None:
    radiograph = old(alice, version, days=10)
    stays, rules = "stay in your history until you delete them", "Images are removed 90 days after the upload"
    assert stays in words(client.get("/"))
    rule(is_on=False)
    assert stays in words(client.get("/"))
    assert rules not in words(client.get("/help/"))
    on = rule(name="All", spare_reviewed=True, outcome="refused")
    for page in (words(client.get("/")), words(client.get("/help/")), words(Client().get("/help/"))):
        assert rules in page
        assert "This holds for those that were refused. What a reader has reviewed is kept." in page
    assert stays not in words(client.get("/"))
    assert "will be removed" not in words(client.get(page_of(radiograph))), "it was answered"
    type(on).objects.filter(pk=on.pk).update(outcome="")
    page = words(client.get(page_of(radiograph)))
    assert "by the rule “All”; the result stays. A verdict of a reader keeps it." in page
    record(radiograph, bob, "NORMAL")
    assert "will be removed" not in words(client.get(page_of(radiograph)))


def test_a_rule_of_a_group_is_told_to_its_members_alone(alice: User, bob: User) -> None:
    from diagnosis.models import ReadingGroup

    ward = ReadingGroup.found("Ward 3", alice)
    rule(What.ALL, group=ward)
    told = "This holds for what is shared with the group Ward 3."
    assert told in words(browser_of(alice).get("/help/"))
    assert told not in words(browser_of(bob).get("/help/"))
    assert told not in words(Client().get("/help/"))
