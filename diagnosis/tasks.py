"""The doorbell. A message holds an id and nothing else; losing one, or getting it twice, does no harm."""

from __future__ import annotations

import logging

from celery import shared_task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from diagnosis import classification

logger = logging.getLogger(__name__)


@shared_task(name="diagnosis.classify")
def classify(prediction_id: int | None = None) -> None:
    """Classify this prediction; if it is taken already or none is named, the oldest one that waits."""
    classification.classify_next(prediction_id)


def ring(prediction_id: int | None, queue: str | None = None, expires: float | None = None) -> bool:
    """Tell the workers that there is work. False where Redis is away: then the sweep will ring again."""
    try:
        classify.apply_async((prediction_id,), queue=queue, expires=expires, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("Redis does not answer (%s); the prediction waits for the next sweep.", type(error).__name__)
        return False
    return True
