"""An administrator has predictions made again, and calls off those that wait; everything else is left as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from diagnosis.administration import predictions
from diagnosis.administration.reasons import reason_codes
from diagnosis.models import ModelVersion, Prediction, Radiograph
from tests.factories import make_radiograph, succeeded

Status = Prediction.Status


@pytest.fixture
def admin(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    return client


def ended(status: str, code: str) -> dict[str, Any]:
    return {"status": status, "reason_code": code, "finished_at": timezone.now()}


def do(client: Client, action: str, *rows: Prediction, query: str = "") -> str:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(f"/admin/diagnosis/prediction/{query}", chosen, follow=True).content.decode()


def test_those_that_were_refused_or_failed_are_classified_again_and_no_others(
    admin: Client,
    alice: User,
    version: ModelVersion,
    rung: list[int | None],
    django_capture_on_commit_callbacks: Any,
) -> None:
    facts: tuple[dict[str, Any], ...] = (
        ended("failed", "gave_up"),
        ended("refused", "rotated"),
        succeeded(version),
        {},
    )
    rows = [make_radiograph(alice, filename=f"{place}.jpg", **each).prediction for place, each in enumerate(facts)]
    with django_capture_on_commit_callbacks(execute=True):
        page = do(admin, "classify_again", *rows)
    assert "2 X-rays are classified again" in page
    assert "2 were left as they are" in page
    again = Prediction.objects.exclude(pk__in=[row.pk for row in rows])
    assert {each.radiograph.filename for each in again} == {"0.jpg", "1.jpg"}
    assert sorted(map(str, rung)) == sorted(str(each.pk) for each in again)
    assert "0 X-rays are classified again" in do(admin, "classify_again", *rows)  # the newest of each waits by now


def test_an_answer_that_came_after_a_failure_is_left_alone(admin: Client, alice: User, version: ModelVersion) -> None:
    failed = make_radiograph(alice, **ended("failed", "gave_up")).prediction
    Prediction.objects.create(radiograph=failed.radiograph, **succeeded(version))
    page = do(admin, "classify_again", failed)
    assert "0 X-rays are classified again" in page
    assert "1 was left as it is" in page
    assert Prediction.objects.count() == 2


def test_an_x_ray_that_failed_twice_is_classified_again_once(admin: Client, alice: User, rung: list[int]) -> None:
    first = make_radiograph(alice, **ended("failed", "gave_up")).prediction
    second = Prediction.objects.create(radiograph=first.radiograph, **ended("failed", "gave_up"))
    page = do(admin, "classify_again", first, second)
    assert "1 X-ray is classified again" in page
    assert "left as" not in page


def test_all_that_a_filter_shows_as_waiting_are_cancelled_and_none_is_left(admin: Client, alice: User) -> None:
    rows = [make_radiograph(alice).prediction for _ in range(2)]
    page = do(admin, "cancel", *rows, query="?status__exact=pending")
    assert "2 predictions are cancelled" in page
    assert "left as" not in page


def test_those_that_wait_are_cancelled_and_one_that_a_worker_has_is_left_to_it(
    admin: Client, alice: User, version: ModelVersion
) -> None:
    waits, runs, done = (
        make_radiograph(alice, **each).prediction for each in ({}, {"status": "running"}, succeeded(version))
    )
    page = do(admin, "cancel", waits, runs, done)
    assert "1 prediction is cancelled" in page
    assert "2 were left as they are" in page
    for row in (waits, runs, done):
        row.refresh_from_db()
    assert (waits.status, waits.reason_code) == (Status.FAILED, "cancelled")
    assert (runs.status, done.status) == (Status.RUNNING, Status.SUCCEEDED)
    assert Radiograph.objects.get(pk=waits.radiograph_id).outcome == "failed"
    assert Prediction.objects.claim(waits.pk, "host:1") is None
    client = Client()
    client.force_login(alice)
    shown = client.get(f"/api/v1/radiographs/{waits.radiograph_id}/").json()["prediction"]
    assert shown["error"]["code"] == "cancelled"
    assert "cancelled" in shown["error"]["detail"]


def test_what_a_worker_claims_while_it_is_being_cancelled_stays_with_the_worker(alice: User) -> None:
    seen = make_radiograph(alice).prediction
    claimed = Prediction.objects.claim(seen.pk, "host:1")
    assert claimed
    assert not seen.cancel()
    assert claimed.fail("too_slow", "It took too long.")
    assert Prediction.objects.get(pk=seen.pk).reason_code == "too_slow"


def test_no_more_than_can_be_done_at_once_are_taken(
    admin: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "MOST_AT_ONCE", 1)
    rows = [make_radiograph(alice).prediction for _ in range(2)]
    assert "At most 1,000 at once" in do(admin, "cancel", *rows)
    assert not Prediction.objects.exclude(status=Status.PENDING).exists()


def test_who_may_only_look_changes_nothing(alice: User) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    client = Client()
    client.force_login(alice)
    row = make_radiograph(alice).prediction
    assert "Cancel those" not in client.get("/admin/diagnosis/prediction/").content.decode()
    do(client, "cancel", row)
    row.refresh_from_db()
    assert row.status == Status.PENDING


def test_every_reason_that_the_program_gives_can_be_filtered_by() -> None:
    given = set(codes_in(Path(settings.BASE_DIR) / "diagnosis"))
    assert {"modality", "uniform", "file_missing"} <= given
    assert given - set(reason_codes()) == set()


def codes_in(folder: Path) -> Iterator[str]:
    """Yield what stands first in ``Refusal(…)`` and ``….fail(…)`` of predictions."""
    for path in (*(folder / "engine").rglob("*.py"), folder / "classification.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("Refusal", "fail"):
                    yield str(node.args[0].value)
