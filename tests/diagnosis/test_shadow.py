"""A version that answers silently: beside the active one, behind it, seen by administrators alone, and never lost."""

from __future__ import annotations

import datetime
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from diagnosis import classification, publishing, tasks, worker
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ComparisonSeen, ModelVersion, Prediction, Radiograph, ShadowPrediction
from diagnosis.submission import submit
from diagnosis.sweep import sweep
from diagnosis.versions.differences import Kind
from diagnosis.waiting import waits_of
from diagnosis.worker import host_name
from tests.diagnosis.pages import browser_of, page_of
from tests.diagnosis.test_api import RADIOGRAPHS, api_of
from tests.diagnosis.test_sweep import dead_process
from tests.drawings import damaged_png_bytes, uniform_png_bytes
from tests.factories import artifact_named, make_radiograph, upload

LONG_AGO = timezone.now() - datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_held", {})


@pytest.fixture
def silent(version: ModelVersion, tmp_path: Path) -> ModelVersion:
    """A version that says the opposite of the active one to most pictures, and says it silently."""
    other, _ = publishing.publish(artifact_named("silent", tmp_path, slope=-version.card["slope"]))
    assert other.answer_silently()
    return other


def read(radiograph: Radiograph) -> None:
    """Let workers come as often as they are rung for."""
    tasks.classify(radiograph.prediction.pk)
    tasks.classify(None)


def test_it_answers_once_the_active_one_has_and_both_are_kept(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    radiograph = submit(alice, upload())
    rung.clear()
    tasks.classify(radiograph.prediction.pk)
    assert rung == [None]
    assert radiograph.prediction.model_version == version
    assert ShadowPrediction.objects.get().status == "pending"
    tasks.classify(None)
    found = ShadowPrediction.objects.get()
    assert (found.status, found.model_version, found.active_version) == ("succeeded", silent, version)
    assert found.beside == radiograph.prediction
    assert found.label != radiograph.prediction.label
    assert (found.differs, found.kind) == (True, Kind.LABEL)
    assert found.activation_map
    assert rung == [None], "a silent answer asks for no further one"


def test_where_both_agree_that_is_written_down(
    alice: User, version: ModelVersion, tmp_path: Path, rung: list[int | None]
) -> None:
    publishing.publish(artifact_named("same", tmp_path))[0].answer_silently()
    read(make_radiograph(alice))
    read(make_radiograph(alice, uniform_png_bytes()))
    assert set(ShadowPrediction.objects.values_list("status", "differs")) == {("succeeded", False), ("refused", False)}


def test_users_see_nothing_of_it(alice: User, version: ModelVersion, silent: ModelVersion, rung: list[None]) -> None:
    radiograph = make_radiograph(alice)
    tasks.classify(radiograph.prediction.pk)
    shown = [page_of(radiograph), "/radiographs/", "/radiographs/export.json", "/radiographs/disagreements/"]
    called = ["", f"{radiograph.pk}/", f"{radiograph.pk}/predictions/", "export.csv"]

    def seen() -> list[bytes]:
        browser, api = browser_of(alice), api_of(alice)
        pages = [browser.get(address) for address in shown] + [api.get(f"{RADIOGRAPHS}{call}") for call in called]
        contents = [b"".join(page) if page.streaming else page.content for page in pages]
        return [re.sub(rb"[\w-]{32,}", b"", content) for content in contents]  # tokens against forgery

    before = seen()
    tasks.classify(None)
    assert ShadowPrediction.objects.get().status == "succeeded"
    assert seen() == before
    radiograph.refresh_from_db()
    assert (radiograph.prediction.model_version, radiograph.model_version) == (version, version)


def test_nobody_waits_behind_a_silent_answer(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    first = make_radiograph(alice)
    tasks.classify(first.prediction.pk)
    ShadowPrediction.objects.update(queued_at=LONG_AGO)
    second = make_radiograph(alice)
    worker.report_alive()
    assert waits_of([second.prediction])[second.prediction.pk].ahead == 0
    tasks.classify(None)  # the message was for the silent answer, and yet the upload comes first
    assert second.prediction.is_final
    assert not ShadowPrediction.objects.filter(finished_at__isnull=False).exists()


def test_what_nobody_was_rung_for_is_rung_for_by_the_sweep_behind_all_others(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    tasks.classify(make_radiograph(alice).prediction.pk)
    assert sweep() == [], "it was rung for a moment ago"
    ShadowPrediction.objects.update(queued_at=LONG_AGO)
    waiting = make_radiograph(alice, queued_at=LONG_AGO).prediction
    assert sweep() == [waiting.pk, None]


def test_what_a_killed_worker_held_is_answered_by_another(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    tasks.classify(make_radiograph(alice).prediction.pk)
    ShadowPrediction.objects.update(queued_at=LONG_AGO)
    assert ShadowPrediction.objects.claim(None, f"{host_name()}:{dead_process()}")
    assert sweep() == [None]
    tasks.classify(None)
    found = ShadowPrediction.objects.get()
    assert (found.status, found.attempts) == ("succeeded", 2)


def test_after_the_last_attempt_it_has_failed_and_no_users_answer_with_it(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    radiograph = make_radiograph(alice)
    tasks.classify(radiograph.prediction.pk)
    ShadowPrediction.objects.update(attempts=3, status="running", lease_until=LONG_AGO)
    sweep()
    found = ShadowPrediction.objects.get()
    assert (found.status, found.reason_code) == ("failed", "gave_up")
    assert radiograph.prediction.status == "succeeded"


def test_its_damaged_artifact_fails_it_alone(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    shutil.rmtree(silent.folder)
    radiograph = make_radiograph(alice)
    read(radiograph)
    assert radiograph.prediction.status == "succeeded"
    assert ShadowPrediction.objects.get().reason_code == "version_unusable"


def test_it_is_not_asked_about_what_cannot_be_read_nor_beside_a_version_that_a_user_chose(
    alice: User, version: ModelVersion, silent: ModelVersion, tmp_path: Path, rung: list[int | None]
) -> None:
    read(make_radiograph(alice, damaged_png_bytes()))
    third, _ = publishing.publish(artifact_named("third", tmp_path))
    read(make_radiograph(alice, wanted_version=third))
    assert Prediction.objects.filter(status="succeeded", model_version=third).exists()
    assert not ShadowPrediction.objects.exists()


def test_it_is_asked_once_about_each_radiograph(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    radiograph = make_radiograph(alice)
    read(radiograph)
    Prediction.objects.create(radiograph=radiograph)
    read(radiograph)
    assert Prediction.objects.filter(status="succeeded").count() == 2
    assert ShadowPrediction.objects.count() == 1


def test_the_answer_and_the_silent_job_are_written_together_or_not_at_all(
    alice: User, version: ModelVersion, silent: ModelVersion, monkeypatch: pytest.MonkeyPatch, rung: list[int | None]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    prediction = make_radiograph(alice).prediction
    monkeypatch.setattr("diagnosis.versions.querysets.ShadowPredictionQuerySet.bulk_create", fail)
    with pytest.raises(ZeroDivisionError):
        classification.classify_next(prediction.pk)
    prediction.refresh_from_db()
    assert prediction.status == "running"


def test_one_version_at_most_answers_silently_and_never_the_active_one(
    version: ModelVersion, silent: ModelVersion, tmp_path: Path
) -> None:
    third, _ = publishing.publish(artifact_named("third", tmp_path))
    assert not third.answer_silently()
    assert not version.answer_silently()
    for pk, facts in ((third.pk, {"shadow": True}), (version.pk, {"active": True, "shadow": True})):
        with pytest.raises(IntegrityError), transaction.atomic():
            ModelVersion.objects.filter(pk=pk).update(**facts)
    silent.fall_silent()
    assert third.answer_silently()


def test_when_it_stops_what_waits_is_forgotten_and_what_was_answered_stays(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    read(make_radiograph(alice))
    tasks.classify(make_radiograph(alice).prediction.pk)
    silent.fall_silent()
    assert ShadowPrediction.objects.get().status == "succeeded"
    read(make_radiograph(alice))
    assert ShadowPrediction.objects.count() == 1


def test_it_is_activated_only_after_an_administrator_has_looked(
    alice: User, charlie: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    with pytest.raises(ArtifactError, match="no administrator has looked"):
        publishing.activate(silent.version)
    assert ModelVersion.objects.get(active=True) == version
    read(make_radiograph(alice))
    ComparisonSeen.objects.create(
        version=silent, active=version, user=charlie, username="charlie", radiographs=1, differing=1
    )
    publishing.activate(silent.version)
    active = ModelVersion.objects.get(active=True)
    assert (active, active.shadow) == (silent, False)
    assert ModelVersion.objects.filter(shadow=True).first() is None


def test_forced_it_is_activated_all_the_same(version: ModelVersion, silent: ModelVersion) -> None:
    publishing.activate(silent.version, force=True)
    assert ModelVersion.objects.get(active=True) == silent


def test_a_deleted_radiograph_takes_its_silent_answer_along(
    alice: User, version: ModelVersion, silent: ModelVersion, rung: list[int | None]
) -> None:
    read(make_radiograph(alice))
    browser_of(alice).post(page_of(Radiograph.objects.get(), "delete"))
    assert not ShadowPrediction.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the other databases look at how many rows there are, too")
def test_what_waits_and_what_is_compared_is_found_by_an_index(version: ModelVersion, silent: ModelVersion) -> None:
    rows = ShadowPrediction.objects
    assert "USING INDEX shadow_not_final" in rows.claimable(timezone.now()).order_by("queued_at")[:1].explain()
    pairs = rows.of(silent, version).order_by("-pk")
    assert "USING INDEX shadow_by_versions" in pairs.filter(finished_at__isnull=False)[:10].explain()
    assert "USING INDEX shadow_that_differs" in pairs.differing().filter(pk__lt=9)[:10].explain()
    assert "TEMP B-TREE" not in pairs.differing()[:10].explain()
