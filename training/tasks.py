"""The doorbell of the training queue. A message holds an id and nothing else."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import LimitExceeded, OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

#: Longer than any training, since the limit of classification would hold otherwise; the lease watches over a run.
FOR_EVER = 365 * 24 * 3600


# Acknowledged at its start: the row is the job, and its message would be delivered anew after a minute.
@shared_task(name="training.run", bind=True, acks_late=False, soft_time_limit=FOR_EVER, time_limit=FOR_EVER)
def run(task: Any, run_id: int | None = None) -> None:
    """Carry out this run; if it is taken already or none is named, the oldest one that waits."""
    from training import runs

    runs.carry_out_next(run_id, task.request.hostname)


def ring(run_id: int | None, expires: float | None = None, **options: Any) -> bool:
    """Tell the training workers that there is work. False where Redis is away: then their sweep will ring again."""
    try:
        run.apply_async((run_id,), expires=expires, retry=False, **options)
    except (OperationalError, LimitExceeded, RedisError, OSError) as error:
        logger.warning("Redis does not answer (%s); the run waits for the next sweep.", type(error).__name__)
        return False
    return True
