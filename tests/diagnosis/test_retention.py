"""Retention rules remove what they say, all of it and nothing else, whenever the process is killed."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.asking_again import classify_again
from diagnosis.errands_process import is_anything_due
from diagnosis.models import (
    ModelVersion,
    Prediction,
    Radiograph,
    ReadingGroup,
    Removal,
    RetentionRule,
    RetentionRun,
    ShadowPrediction,
)
from diagnosis.previews import make_missing_preview
from diagnosis.retention import applying
from diagnosis.retention.estimate import estimate
from diagnosis.retention.models import What
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import files_under
from tests.diagnosis.retention import MAP, old, rule
from tests.factories import succeeded

pytestmark = [pytest.mark.usefixtures("rung"), pytest.mark.django_db]


class Killed(BaseException): ...


def kill(*_: Any, **__: Any) -> None:
    raise Killed


def refuse(*_: Any, **__: Any) -> None:
    raise PermissionError


@pytest.fixture
def three(alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> list[Radiograph]:
    monkeypatch.setattr(applying, "AT_ONCE", 2)
    return [old(alice, version) for _ in range(3)]


def size_of(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def run_command(*options: str) -> str:
    call_command("apply_retention", *options, stdout=(out := StringIO()))
    return out.getvalue()


def test_the_images_go_from_the_disk_and_the_figures_stay(
    three: list[Radiograph], alice: User, version: ModelVersion, settings: Settings
) -> None:
    young = old(alice, version, days=89)
    size = size_of(files_under(settings.MEDIA_ROOT))
    run = applying.apply(rule())
    left = files_under(settings.MEDIA_ROOT)
    assert {path.name.split(".")[0] for path in left} == {str(young.pk)}
    assert len(left) == 3
    assert (run.radiographs, run.files, run.bytes) == (3, 9, size - size_of(left))
    assert run.finished
    for radiograph in Radiograph.objects.exclude(pk=young.pk):
        assert not radiograph.has_image
        assert radiograph.prediction.probability == 0.94
        assert radiograph.prediction.activation_map is None
        assert radiograph.removal
        assert radiograph.removal.rule == "Ninety days"
        assert radiograph.image_removed_at == radiograph.removal.moment
    assert not Removal.objects.all().unfinished().exists()


def test_the_dry_run_says_what_the_real_run_does_and_removes_nothing(
    three: list[Radiograph], settings: Settings
) -> None:
    retention = rule()
    found = estimate(retention)
    said = run_command("--dry-run")
    assert f"3 radiographs, 9 files, {found.bytes} bytes" in said
    assert len(files_under(settings.MEDIA_ROOT)) == 9
    assert found.oldest == three[0].created
    assert found.newest == three[2].created
    assert not found.is_rough
    rough = estimate(retention, most_measured=1)
    assert (rough.radiographs, rough.files, rough.is_rough) == (3, 9, True)
    assert f"removed of 3 radiographs, 9 files, {found.bytes} bytes" in run_command()
    assert "would go: nothing" in run_command("--dry-run")


def test_heat_maps_alone_go_and_so_do_those_of_silent_answers(alice: User, version: ModelVersion) -> None:
    radiograph = old(alice, version)
    silent = ModelVersion.objects.create(version="silent", network_sha256="1" * 64, card=version.card)
    beside = {"beside": radiograph.prediction, "active_version": version, "radiograph": radiograph}
    answer = ShadowPrediction.objects.create(**beside, **{**succeeded(silent), "activation_map": MAP})
    assert applying.apply(rule(What.HEATMAPS)).radiographs == 1
    answer.refresh_from_db()
    assert answer.activation_map is None
    radiograph = Radiograph.objects.get()
    assert radiograph.has_image
    assert radiograph.prediction.activation_map is None
    assert applying.apply(RetentionRule.objects.get()).radiographs == 0


def test_whole_radiographs_go_with_all_that_belongs_to_them(three: list[Radiograph], settings: Settings) -> None:
    three[0].owner.tags.create(name="to teach").radiographs.add(three[0])
    run = applying.apply(rule(What.ALL))
    assert (run.radiographs, run.files) == (3, 9)
    assert not files_under(settings.MEDIA_ROOT)
    assert not Radiograph.objects.exists()
    assert not Prediction.objects.exists()
    assert not three[0].owner.tags.exists()
    assert set(Removal.objects.values_list("radiograph", flat=True)) == {each.pk for each in three}


@pytest.mark.parametrize("what", [What.IMAGES, What.ALL])
@pytest.mark.parametrize("where", ["diagnosis.retention.applying.finish", "storage", "REMOVE"])
def test_a_run_that_is_killed_leaves_no_file_that_nothing_names_and_goes_on(
    three: list[Radiograph], settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str, where: str
) -> None:
    retention = rule(what)
    with monkeypatch.context() as patched:
        if where == "storage":
            patched.setattr(FileSystemStorage, "delete", kill)
        elif where == "REMOVE":
            patched.setitem(applying.REMOVE, what, kill)
        else:
            patched.setattr(where, kill)
        with pytest.raises(Killed):
            applying.apply_due()
    named = {name for each in Radiograph.objects.all() for name in each.file_names()}
    waiting = Removal.objects.all().unfinished().values_list("waiting", flat=True)
    named |= {name for names in waiting for name in names or []}
    there = {str(path.relative_to(settings.MEDIA_ROOT)) for path in files_under(settings.MEDIA_ROOT)}
    assert there <= named
    assert is_anything_due()
    applying.apply_due()
    assert not files_under(settings.MEDIA_ROOT)
    run = RetentionRun.objects.get()
    assert (run.rule, run.radiographs, run.files) == (retention, 3, 9)
    assert not is_anything_due()


@pytest.mark.parametrize("by_command", [True, False])
def test_files_that_could_not_be_deleted_are_tried_again_later_though_no_rule_is_left(
    three: list[Radiograph], settings: Settings, monkeypatch: pytest.MonkeyPatch, by_command: bool
) -> None:
    with monkeypatch.context() as away:
        away.setattr(FileSystemStorage, "delete", refuse)
        applying.apply(rule())
    rule(name="Off", is_on=False)
    RetentionRule.objects.all().on().delete()
    assert len(files_under(settings.MEDIA_ROOT)) == 9
    assert not is_anything_due(), "a storage that is away is not asked all the time"
    if by_command:
        run_command()
    else:
        Removal.objects.update(try_at=timezone.now())
        assert is_anything_due()
        applying.apply_due()
    assert not files_under(settings.MEDIA_ROOT)
    assert not is_anything_due()


def test_a_file_that_cannot_be_measured_keeps_nothing_from_its_removal(
    three: list[Radiograph], settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FileSystemStorage, "size", refuse)
    assert estimate(rule()).radiographs == 3
    applying.apply_due()
    assert not files_under(settings.MEDIA_ROOT)
    assert "cannot be measured: PermissionError" in caplog.text


def test_a_rule_that_fails_keeps_no_other_from_its_turn(
    three: list[Radiograph], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(applying.REMOVE, What.HEATMAPS, refuse)
    for what in (What.HEATMAPS, What.ALL, What.HEATMAPS):
        rule(what, name=str(RetentionRule.objects.count()))
    with pytest.raises(ExceptionGroup) as fault:
        applying.apply_due()
    assert len(fault.value.exceptions) == 1
    assert not Radiograph.objects.exists()


def test_a_rule_stays_the_same_when_its_group_is_renamed(alice: User) -> None:
    ward, other = (ReadingGroup.found("Ward 3", alice) for _ in range(2))
    limited = RetentionRule(days=90, group=ward)
    said = limited.text
    assert said != RetentionRule(days=90, group=other).text
    ward.name = "Ward 4"
    assert limited.text == said


def test_a_rule_has_its_turn_once_a_day_and_goes_on_in_small_steps(
    three: list[Radiograph], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_anything_due()
    retention = rule(is_on=False)
    assert not is_anything_due()
    assert retention.switch_on(retention.text)
    monkeypatch.setattr(applying, "STEPS", 1)
    applying.apply_due()
    assert Radiograph.objects.exclude(file="").count() == 1
    assert is_anything_due()
    applying.apply_due()
    applying.apply_due()
    assert not is_anything_due()
    retention.switch_off()
    assert retention.switch_on(retention.text)
    assert is_anything_due(), "it may say something else than it did before"
    applying.apply_due()
    assert not is_anything_due()
    RetentionRun.objects.update(finished=timezone.now() - timedelta(days=1, minutes=1))
    assert is_anything_due()


@pytest.mark.parametrize("change", [{"on_since": None}, {"days": 2}, None])
def test_a_rule_that_is_changed_off_or_deleted_meanwhile_removes_nothing_more(
    three: list[Radiograph], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(applying, "STEPS", 1)
    retention = rule()
    applying.apply_due()
    if change is None:
        retention.delete()
    else:
        RetentionRule.objects.update(**change)
    applying.apply_due()
    run = RetentionRun.objects.last()
    assert run
    assert run.finished
    assert (run.name, run.text, run.radiographs) == ("Ninety days", "images, 90 days after the upload", 2)
    assert Removal.objects.filter(rule="Ninety days").count() == 2


def test_what_waits_for_an_answer_stays_also_where_it_came_to_wait_at_the_last_moment(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    old(alice, version, status="pending", probability=None, finished_at=None)
    assert estimate(rule()).radiographs == 0
    read = old(alice, version)
    measure = applying.sizes_of

    def classify_meanwhile(radiograph: Radiograph) -> list[int]:
        classify_again([read])
        return measure(radiograph)

    monkeypatch.setattr(applying, "sizes_of", classify_meanwhile)
    assert applying.apply(RetentionRule.objects.get()).radiographs == 0
    assert Radiograph.objects.exclude(file="").count() == 2


def test_a_rule_holds_for_what_it_is_limited_to(alice: User, bob: User, version: ModelVersion) -> None:
    plain, refused, reviewed, shared = (old(alice, version) for _ in range(4))
    Radiograph.objects.filter(pk=refused.pk).update(outcome="refused")
    record(reviewed, bob, "NORMAL")
    ward = ReadingGroup.found("Ward 3", alice)
    Radiograph.objects.filter(pk=shared.pk).update(group=ward)
    everything = {plain, refused, reviewed, shared}
    now = timezone.now()
    for limits, wanted in (
        ({}, everything),
        ({"outcome": "refused"}, {refused}),
        ({"spare_reviewed": True}, everything - {reviewed}),
        ({"group": ward}, {shared}),
        ({"group": ward, "outcome": "refused"}, set()),
    ):
        limited = RetentionRule(name="x", days=90, **limits)
        assert set(limited.due(now)) == wanted
        assert {each for each in Radiograph.objects.all() if limited.covers(each)} == wanted
    rule(group=ward)
    ward.delete()
    assert not RetentionRule.objects.exists(), "it would hold for everybody"


def test_a_preview_that_is_made_too_late_is_not_kept(three: list[Radiograph], settings: Settings) -> None:
    from diagnosis.previews import make_preview

    data = three[0].read()
    applying.apply(rule())
    three[0].preview = three[0].thumbnail = ""
    make_preview(three[0], data)
    make_missing_preview(str(three[1].pk))
    assert not files_under(settings.MEDIA_ROOT)


def test_what_is_due_is_found_by_the_moment_of_its_upload(alice: User) -> None:
    due = rule().due(timezone.now())[:100].explain() if connection.vendor == "sqlite" else "radiograph_by_moment"
    assert "radiograph_by_moment" in due


@pytest.mark.parametrize(("options", "why"), [(["--rule", "?"], "no rule called"), (["--rule", "Off"], "is off")])
def test_the_command_says_why_it_does_nothing(three: list[Radiograph], options: list[str], why: str) -> None:
    rule(name="Off", is_on=False)
    with pytest.raises(CommandError, match=why):
        run_command(*options)
    assert run_command() == ""
    assert not Removal.objects.exists()
