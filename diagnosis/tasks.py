"""The doorbell. A message holds an id and nothing else; losing one, or getting it twice, does no harm."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from celery import shared_task
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import producers
from redis.exceptions import RedisError

from diagnosis import classification, previews
from diagnosis.redis_client import client

logger = logging.getLogger(__name__)

#: For so long a Redis that says nothing is waited for, by a user among others.
RING_SECONDS = 1


@shared_task(name="diagnosis.classify")
def classify(prediction_id: int | None = None) -> None:
    """Classify this prediction; if it is taken already or none is named, the oldest one that waits."""
    _classify(prediction_id)


@shared_task(name="diagnosis.make_preview")
def make_preview(radiograph_id: str) -> None:
    """Make the picture of a radiograph that has none yet; whoever has waited longest for an answer comes first.

    One answer, and then the picture: all that was rung for before is in front of this message as it is.
    """
    _classify(None)
    previews.make_missing_preview(radiograph_id)


def _classify(prediction_id: int | None) -> None:
    """What an answer leaves to be done comes behind all that was rung for before."""
    left = classification.classify_next(prediction_id)
    if left.silent_answer:
        ring(None)
    if left.preview_of and not ring_for_preview(str(left.preview_of), expires=None):
        previews.make_missing_preview(str(left.preview_of))


def ring(prediction_id: int | None, queue: str | None = None, expires: float | None = None) -> bool:
    """Tell the workers that there is work. False where Redis is away: then the sweep will ring again."""
    return _send(classify, prediction_id, queue=queue, expires=expires)


def ring_for_preview(radiograph_id: str, expires: float | None = 60) -> bool:
    return _send(make_preview, radiograph_id, expires=expires)


def count_waiting_rings() -> int:
    """Return how many messages no worker has taken yet; 0 where Redis does not answer."""
    with suppress(RedisError, OSError):
        if redis := client():
            return redis.llen(classify.app.conf.task_default_queue)
    return 0


def _send(task: Any, id_: Any, **options: Any) -> bool:
    try:
        with _producers().acquire(block=True, timeout=RING_SECONDS) as producer:
            task.apply_async((id_,), retry=False, producer=producer, **options)
    except (OperationalError, LimitExceeded, RedisError, OSError) as error:
        logger.warning("Redis does not answer (%s); what was rung for waits.", type(error).__name__)
        return False
    return True


def _producers() -> Any:
    """Return connections that give up sooner than the worker's own, which must outlast the wait for a message."""
    app = classify.app
    options = {**app.conf.broker_transport_options, "socket_timeout": RING_SECONDS}
    return producers[app.connection_for_write(transport_options=options)]
