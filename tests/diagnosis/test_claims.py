"""One claim of many wins; a lost claim changes nothing; nobody is tried for ever."""

from __future__ import annotations

import datetime
import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.engine.classifier import Classification
from diagnosis.models import ModelVersion, Prediction
from tests.factories import make_radiograph

Status = Prediction.Status


def waiting(owner: User) -> Prediction:
    return make_radiograph(owner).prediction


def let_lease_run_out(prediction: Prediction) -> None:
    Prediction.objects.filter(pk=prediction.pk).update(lease_until=timezone.now() - datetime.timedelta(seconds=1))


def test_a_claim_takes_the_prediction_for_the_time_of_the_lease(alice: User, settings: Settings) -> None:
    claimed = Prediction.objects.claim(waiting(alice).pk, "host:1")
    assert claimed
    assert (claimed.status, claimed.attempts, claimed.worker) == (Status.RUNNING, 1, "host:1")
    assert claimed.lease_until
    assert claimed.lease_until - timezone.now() <= settings.LEASE


def test_what_is_claimed_cannot_be_claimed_again(alice: User) -> None:
    prediction = waiting(alice)
    assert Prediction.objects.claim(prediction.pk, "host:1")
    assert Prediction.objects.claim(prediction.pk, "host:2") is None


def test_where_its_own_is_taken_a_worker_claims_the_oldest_that_waits(alice: User) -> None:
    oldest, middle, newest = (waiting(alice) for _ in range(3))
    Prediction.objects.claim(newest.pk, "host:1")
    claimed = Prediction.objects.claim(newest.pk, "host:2")
    assert claimed == oldest
    assert Prediction.objects.claim(None, "host:2") == middle


def test_a_lease_that_has_run_out_can_be_claimed_by_another(alice: User) -> None:
    prediction = waiting(alice)
    late = Prediction.objects.claim(prediction.pk, "host:1")
    let_lease_run_out(prediction)
    second = Prediction.objects.claim(prediction.pk, "host:2")
    assert late
    assert second
    assert second.attempts == 2
    assert second.token != late.token


def test_a_worker_that_wakes_up_late_changes_nothing(alice: User, version: ModelVersion) -> None:
    prediction = waiting(alice)
    late = Prediction.objects.claim(prediction.pk, "host:1")
    let_lease_run_out(prediction)
    second = Prediction.objects.claim(prediction.pk, "host:2")
    assert late
    assert second
    assert second.finish(version, Classification(0.9, "PNEUMONIA", "likely", None))
    assert not late.finish(version, Classification(0.1, "NORMAL", "unlikely", None))
    assert not late.fail("unreadable", "late")
    late.give_back()
    prediction.refresh_from_db()
    assert (prediction.status, prediction.probability) == (Status.SUCCEEDED, 0.9)


def test_a_final_prediction_is_never_claimed_again(alice: User) -> None:
    for status in (Status.REFUSED, Status.FAILED):
        prediction = make_radiograph(alice, status=status).prediction
        assert Prediction.objects.claim(prediction.pk, "host:1") is None


def test_after_the_last_attempt_it_fails_with_a_sentence(alice: User, settings: Settings) -> None:
    prediction = waiting(alice)
    for attempt in range(settings.MAX_ATTEMPTS):
        assert Prediction.objects.claim(prediction.pk, f"host:{attempt}")
        let_lease_run_out(prediction)
    assert Prediction.objects.claim(prediction.pk, "host:9") is None
    assert Prediction.objects.all().fail_exhausted() == 1
    prediction.refresh_from_db()
    assert (prediction.status, prediction.reason_code) == (Status.FAILED, "gave_up")
    assert prediction.reason == (
        "Reading this image was tried 3 times without an answer. Upload it again; if that fails too, export it anew."
    )


def test_a_running_last_attempt_is_left_to_finish(alice: User, settings: Settings) -> None:
    prediction = waiting(alice)
    for _ in range(settings.MAX_ATTEMPTS):
        Prediction.objects.all().release()
        Prediction.objects.claim(prediction.pk, "host:1")
    assert Prediction.objects.all().fail_exhausted() == 0


def test_what_is_given_back_is_tried_again_after_a_pause_that_grows(alice: User) -> None:
    prediction = waiting(alice)
    for attempt in (1, 2):
        claimed = Prediction.objects.claim(prediction.pk, "host:1")
        assert claimed
        claimed.give_back()
        assert Prediction.objects.claim(prediction.pk, "host:2") is None
        prediction.refresh_from_db()
        assert (prediction.status, prediction.attempts) == (Status.RUNNING, attempt)
        assert (prediction.token, prediction.worker) == (None, ""), "held by nobody, so no dead worker's"
        assert prediction.lease_until
        assert 5 * attempt - 1 < (prediction.lease_until - timezone.now()).total_seconds() <= 5 * attempt
        assert not claimed.fail("unreadable", "late")
        let_lease_run_out(prediction)
    assert Prediction.objects.claim(prediction.pk, "host:2")


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_race_for_the_same_row_one_gets_it(alice: User) -> None:
    prediction = waiting(alice)
    start, wins = threading.Barrier(8), []

    def race(number: int) -> None:
        start.wait()
        wins.append(Prediction.objects.claim(prediction.pk, f"host:{number}"))
        connection.close()

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len([win for win in wins if win]) == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the other databases look at how many rows there are, too")
def test_what_waits_is_found_by_its_index_among_however_many_rows(alice: User) -> None:
    predictions = Prediction.objects
    claimable = predictions.claimable(timezone.now()).order_by("queued_at")[:1]
    held = predictions.unfinished().filter(status=Status.RUNNING, worker__startswith="host")
    for asked in (claimable, held):
        assert "USING INDEX prediction_not_final" in asked.explain()
