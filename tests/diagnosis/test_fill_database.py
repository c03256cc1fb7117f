"""Made-up rows to measure with."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from diagnosis.management.commands import fill_database
from diagnosis.models import AuditEntry, Disagreement, ModelVersion, Prediction, Radiograph, ReadingGroup, Review
from tests.diagnosis.pages import browser_of
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")


def test_rows_are_written_that_every_list_can_show_and_no_worker_takes(version: ModelVersion) -> None:
    call_command("fill_database", 40, "--user", "measured", verbosity=0)
    owner = User.objects.get(username="measured")
    assert Radiograph.objects.owned_by(owner).count() == 40
    assert not owner.check_password("")
    uploads = AuditEntry.objects.filter(actor=owner, verb="uploaded", kind="radiograph")
    assert set(uploads.values_list("object_id", flat=True)) == {str(each.pk) for each in Radiograph.objects.all()}
    assert not Prediction.objects.exclude(status__in=Prediction.FINAL).exists()
    facts = ("pk", "outcome", "label", "band", "probability", "model_version")
    kept = set(Radiograph.objects.values_list(*facts))
    Radiograph.objects.all().follow_newest()
    assert set(Radiograph.objects.values_list(*facts)) == kept


def test_some_of_them_are_reviewed(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill_database, "REVIEWED", 1.0)
    call_command("fill_database", 30, "--user", "measured", verbosity=0)
    kept = dict(Radiograph.objects.values_list("pk", "reading"))
    assert set(kept.values()) >= {"agrees", "differs"}
    assert Review.objects.count() == Radiograph.objects.filter(reviewed__isnull=False).count()
    Radiograph.objects.all().follow_newest()
    assert dict(Radiograph.objects.values_list("pk", "reading")) == kept


def test_where_there_are_two_versions_some_were_read_by_both(version: ModelVersion) -> None:
    newer = ModelVersion.objects.create(version="newer", network_sha256="1" * 64, card=version.card)
    call_command("fill_database", 60, "--user", "measured", verbosity=0)
    written = set(
        Disagreement.objects.between(version, newer).values_list("radiograph", "by_older", "by_newer", "kind")
    )
    assert written
    Disagreement.objects.all().delete()
    for radiograph in Radiograph.objects.all():
        if radiograph.prediction.status in Prediction.ANSWERED:
            Disagreement.objects.follow(radiograph.prediction)
    assert written == set(Disagreement.objects.values_list("radiograph", "by_older", "by_newer", "kind"))


def test_rows_can_be_shared_with_a_group_to_measure_its_list(version: ModelVersion) -> None:
    call_command("fill_database", 20, "--user", "measured", "--group", "Ward 3", verbosity=0)
    owner = User.objects.get(username="measured")
    assert ReadingGroup.objects.of(owner).get().radiographs.count() == 20


def test_real_radiographs_are_not_mixed_with_made_up_ones_unless_forced(alice: User, version: ModelVersion) -> None:
    make_radiograph(alice)
    with pytest.raises(CommandError, match="would mislead"):
        call_command("fill_database", 3)
    assert Radiograph.objects.count() == 1
    call_command("fill_database", 3, "--user", "alice", "--force")
    browser = browser_of(alice)
    assert len(browser.get("/radiographs/").context["page"].radiographs) == 4


def test_without_a_model_version_or_rows_it_says_so(db: Any, version: ModelVersion) -> None:
    with pytest.raises(CommandError, match="whole numbers"):
        call_command("fill_database", 0)
    ModelVersion.objects.all().delete()
    with pytest.raises(CommandError, match="publish_model"):
        call_command("fill_database", 3)
