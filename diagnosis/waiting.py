"""How long until an answer: a prediction's place among those that wait, and the seconds that are to be expected.

Two short queries, whose answers are kept for a moment, however many predictions are asked for.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _

from diagnosis import notices
from diagnosis.models import Prediction

#: So many places in the queue are counted; whoever waits behind them is told that it is more.
PLACES = 1000
#: More that are being read at the same moment are not counted.
MOST_READERS = 100
#: The pace is that of the newest so many answers, and the readers at work are those that gave them lately.
ANSWERS = 60
LATELY = timedelta(minutes=1)
PLACES_A_SECOND = 25
KEEP_QUEUE, KEEP_PACE = 1.0, 5.0


@dataclass(frozen=True)
class Wait:
    """``ahead`` predictions are read before this one, None where they are too many to count.

    ``seconds`` are expected until its answer, None where nothing is known to go by. ``words`` say both to the user.
    """

    words: str
    ahead: int | None = None
    seconds: float | None = None

    @property
    def pause(self) -> int:
        """Return the milliseconds after which it is worth asking again: longer where many ask, and far behind."""
        return int(1000 * min(max((self.seconds or 0) / 8, (self.ahead or 0) / PLACES_A_SECOND, 0.2), 5))


@dataclass(frozen=True)
class _Queue:
    places: dict[int, int]
    running: int


@dataclass(frozen=True)
class _Pace:
    """For so many ``seconds`` an answer keeps one reader busy; None where there was no answer yet."""

    seconds: float | None
    readers: int


def waits_of(predictions: Iterable[Prediction]) -> dict[int, Wait]:
    """Map the primary keys of those predictions that are not final to what their users are to be told."""
    unfinished = [prediction for prediction in predictions if not prediction.is_final]
    if not unfinished:
        return {}
    if not notices.worker_answers():
        return {prediction.pk: Wait(_("Waiting, nobody is reading at the moment")) for prediction in unfinished}
    queue = cast("_Queue", cache.get_or_set("diagnosis.waiting.queue", _queue, KEEP_QUEUE))
    pace = _pace()
    return {prediction.pk: _wait(prediction, queue, pace) for prediction in unfinished}


def _wait(prediction: Prediction, queue: _Queue, pace: _Pace) -> Wait:
    if prediction.status == Prediction.Status.RUNNING:
        return Wait(_("Being read"), ahead=0, seconds=pace.seconds)
    ahead = queue.places.get(prediction.pk, len(queue.places))  # what came after the queue was read is behind it
    seconds = pace.seconds and pace.seconds * ((queue.running + ahead) // pace.readers + 1)
    if ahead >= PLACES:
        return Wait(_("Waiting, more than {number} ahead").format(number=PLACES), None, seconds)
    words = _("Waiting, {number} ahead").format(number=ahead) if ahead else _("Waiting, next in turn")
    return Wait(f"{words}, {about(seconds)}" if ahead and seconds else words, ahead, seconds)


def about(seconds: float) -> str:
    """Say an expected time as roughly as it is known, so that it does not change with each answer."""
    for limit, step, unit, length in ((10, 2, "s", 1), (60, 10, "s", 1), (600, 1, "min", 60), (5400, 10, "min", 60)):
        if seconds < limit:
            rounded = max(step, round(seconds / length / step) * step)
            return _("about {time}").format(time=f"{rounded}\N{NO-BREAK SPACE}{unit}")
    return _("about {time}").format(time=f"{round(seconds / 3600)}\N{NO-BREAK SPACE}h")


def _queue() -> _Queue:
    """Read it in one query: what is being read came before what waits."""
    oldest = Prediction.objects.unfinished().order_by("queued_at", "pk").values_list("pk", "status")
    rows = list(oldest[: PLACES + MOST_READERS])
    pending = [pk for pk, status in rows if status == Prediction.Status.PENDING]
    return _Queue({pk: place for place, pk in enumerate(pending[:PLACES])}, len(rows) - len(pending))


@dataclass(frozen=True)
class _Answer:
    worker: str
    queued: datetime
    started: datetime
    finished: datetime


def readers() -> int:
    """Return how many processes have read lately; one where nothing was read."""
    return _pace().readers


def seconds_for(number: int) -> float | None:
    """Return how long reading so many takes; None where nothing is known to go by."""
    pace = _pace()
    return pace.seconds and pace.seconds * number / pace.readers


def _pace() -> _Pace:
    return cast("_Pace", cache.get_or_set("diagnosis.waiting.pace", _measured_pace, KEEP_PACE))


def _measured_pace() -> _Pace:
    done = Prediction.objects.filter(started_at__isnull=False, finished_at__isnull=False).order_by("-pk")[:ANSWERS]
    facts = done.values_list("worker", "queued_at", "started_at", "finished_at")
    rows = [
        _Answer(name, queued, started, finished) for name, queued, started, finished in facts if started and finished
    ]
    if not rows:
        return _Pace(None, readers=1)
    since = timezone.now() - LATELY
    lately = {row.worker for row in rows if row.finished > since}
    return _Pace(statistics.median(_busy_seconds(rows)), readers=len(lately) or 1)


def _busy_seconds(rows: list[_Answer]) -> list[float]:
    """Return for how long each answer kept its reader: until it took the next one, where that waited already."""
    by_worker: defaultdict[str, list[_Answer]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.started):
        by_worker[row.worker].append(row)
    seconds = [(row.finished - row.started).total_seconds() for of_one in by_worker.values() for row in of_one[-1:]]
    for of_one in by_worker.values():
        for row, following in pairwise(of_one):
            until = following.started if following.queued <= row.finished else row.finished
            seconds.append((until - row.started).total_seconds())
    return [max(each, 0.0) for each in seconds]


def poll_milliseconds(prediction: Prediction) -> int:
    """How soon to ask again: an answer takes a moment, so what has waited for long can wait a little longer."""
    waited = (timezone.now() - prediction.queued_at).total_seconds()
    return 200 if waited < 2 else 500 if waited < 20 else 2000 if waited < 120 else 5000
