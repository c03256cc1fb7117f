"""The place in the queue, the expected seconds, and what both cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from diagnosis import waiting, worker
from diagnosis.models import Prediction
from diagnosis.waiting import about, waits_of
from tests.factories import make_radiograph

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture(autouse=True)
def _worker_answers() -> None:
    worker.report_alive()


def queue(owner: User, count: int) -> list[Prediction]:
    start = timezone.now()
    return [make_radiograph(owner, queued_at=start + timedelta(seconds=i)).prediction for i in range(count)]


@pytest.fixture
def half_a_minute_ago() -> datetime:
    return timezone.now() - timedelta(seconds=30)


def answered(owner: User, worker_name: str, since: datetime, begin: float, seconds: float, waited: float = 60) -> None:
    """Store an answer of ``worker_name`` that began so many seconds after ``since``."""
    started = since + timedelta(seconds=begin)
    make_radiograph(
        owner,
        status="failed",
        worker=worker_name,
        queued_at=started - timedelta(seconds=waited),
        started_at=started,
        finished_at=started + timedelta(seconds=seconds),
    )


def test_each_one_waits_behind_those_that_came_before_it_whoever_sent_them(alice: User, bob: User) -> None:
    first, second = queue(alice, 2)
    (third,) = queue(bob, 1)
    Prediction.objects.filter(pk=third.pk).update(queued_at=timezone.now() + timedelta(minutes=1))
    assert [waits_of([each])[each.pk].ahead for each in (first, second, third)] == [0, 1, 2]


def test_the_words_say_the_stage_and_the_place(alice: User) -> None:
    running = make_radiograph(alice, status="running").prediction
    first, second = queue(alice, 2)
    done = make_radiograph(alice, status="failed").prediction
    waits = waits_of([running, first, second, done])
    assert waits[running.pk].words == "Being read"
    assert waits[first.pk].words == "Waiting, next in turn"
    assert waits[second.pk].words == "Waiting, 1 ahead"
    assert done.pk not in waits


def test_without_an_answer_to_go_by_no_time_is_promised(alice: User) -> None:
    (first,) = queue(alice, 1)
    assert waits_of([first])[first.pk].seconds is None


def test_the_expected_time_is_the_pace_of_the_readers_times_the_place(
    alice: User, half_a_minute_ago: datetime
) -> None:
    for worker_name in ("a", "b"):
        answered(alice, worker_name, half_a_minute_ago, begin=0, seconds=3)
        answered(alice, worker_name, half_a_minute_ago, begin=4, seconds=4)
    waiting_ones = queue(alice, 5)
    expected = waits_of(waiting_ones)
    # Each reader is busy for 4 s an answer, the second between two of them included, and there are two readers.
    assert [expected[each.pk].seconds for each in waiting_ones] == [4, 4, 8, 8, 12]
    assert expected[waiting_ones[4].pk].words == "Waiting, 4 ahead, about 10\N{NO-BREAK SPACE}s"


def test_time_in_which_a_reader_had_nothing_to_do_does_not_count(alice: User, half_a_minute_ago: datetime) -> None:
    answered(alice, "a", half_a_minute_ago, begin=0, seconds=2)
    answered(alice, "a", half_a_minute_ago, begin=20, seconds=2, waited=1)
    (first,) = queue(alice, 1)
    assert waits_of([first])[first.pk].seconds == 2


def test_those_being_read_are_waited_for_too(alice: User, half_a_minute_ago: datetime) -> None:
    answered(alice, "a", half_a_minute_ago, begin=0, seconds=2)
    make_radiograph(alice, status="running")
    (first,) = queue(alice, 1)
    assert waits_of([first])[first.pk].seconds == 4


def test_without_a_worker_nobody_is_promised_a_turn(alice: User) -> None:
    cache.delete(worker.ALIVE_KEY)
    (first,) = queue(alice, 1)
    assert waits_of([first])[first.pk].words == "Waiting, nobody is reading at the moment"


def test_whoever_is_far_behind_is_told_that_it_is_more(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PLACES", 2)
    waiting_ones = queue(alice, 4)
    waits = waits_of(waiting_ones)
    assert [waits[each.pk].words for each in waiting_ones[1:]] == [
        "Waiting, 1 ahead",
        "Waiting, more than 2 ahead",
        "Waiting, more than 2 ahead",
    ]


def test_asking_for_many_costs_two_queries_and_asking_again_at_once_none(
    alice: User, django_assert_num_queries: Any
) -> None:
    predictions = queue(alice, 30)
    with django_assert_num_queries(2):
        waits_of(predictions)
    with django_assert_num_queries(0):
        waits_of(predictions)


def test_the_longer_it_will_take_the_later_it_is_asked_again() -> None:
    pauses = [waiting.Wait("", 1, seconds).pause for seconds in (None, 0.1, 8, 3600)]
    assert pauses == [200, 200, 1000, 5000]


def test_the_more_wait_before_it_the_later_it_is_asked_again() -> None:
    assert [waiting.Wait("", ahead, 0.1).pause for ahead in (None, 0, 5, 50, 1000)] == [200, 200, 200, 2000, 5000]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.05, "2 s"), (5.2, "6 s"), (14, "10 s"), (59, "60 s"), (61, "1 min"), (610, "10 min"), (7000, "2 h")],
)
def test_an_expected_time_is_said_roughly(seconds: float, said: str) -> None:
    assert about(seconds).replace("\N{NO-BREAK SPACE}", " ") == f"about {said}"
