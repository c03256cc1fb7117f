"""Counters that workers raise and the web process reads. They lie in one hash in Redis, and none is ever lowered.

Where Redis is away nothing is counted, and nothing waits for it; where it was emptied they begin at 0 again, which
Prometheus knows of every counter.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from datetime import datetime
from itertools import accumulate
from typing import Any

from redis.exceptions import RedisError

from diagnosis.models import Prediction
from diagnosis.redis_client import client

KEY = "diagnosis.metrics"
#: Upper bounds in seconds.
INFERENCE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAITING = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
HISTOGRAMS = {"inference": INFERENCE, "waiting": WAITING}


def count_final(prediction: Prediction) -> None:
    """Count a prediction that this process claimed, if its answer is the one that was stored.

    The row says so: whoever lost the claim finds another attempt's number on it.
    """
    mine = Prediction.objects.filter(pk=prediction.pk, attempts=prediction.attempts, finished_at__isnull=False)
    facts = mine.values_list("status", "model_version__version", "queued_at", "started_at", "finished_at").first()
    if facts:
        status, version, queued, started, finished = facts
        _add(
            {f"predictions|{status}|{version or ''}": 1}
            | _observation("inference", started, finished)
            | _observation("waiting", queued, started)
        )


def count_given_up(number: int) -> None:
    """Count predictions that were failed since no attempt at them had an answer."""
    if number:
        _add({"predictions|failed|": number})


def count_dropped_message() -> None:
    """Count a message that no task of this version is called by."""
    _add({"dropped_messages": 1})


def _observation(name: str, since: datetime | None, until: datetime | None) -> dict[str, float]:
    if since is None or until is None:
        return {}
    seconds = max((until - since).total_seconds(), 0.0)
    return {f"{name}|{bisect_left(HISTOGRAMS[name], seconds)}": 1, f"{name}|sum": seconds}


def _add(amounts: dict[str, float]) -> None:
    with suppress(RedisError, OSError):
        if (redis := client()) is None:
            return
        with redis.pipeline(transaction=False) as pipeline:
            for field, amount in amounts.items():
                pipeline.hincrbyfloat(KEY, field, amount)
            pipeline.execute()


def read() -> dict[str, float]:
    """Return all counters. Raises RedisError where Redis is away."""
    redis = client()
    found: dict[Any, Any] = redis.hgetall(KEY) if redis else {}
    return {name.decode(): float(value) for name, value in found.items()}


def buckets_of(name: str, counters: dict[str, float]) -> list[tuple[str, float]]:
    """Return upper bound and count of each bucket; as Prometheus has it, a count holds those of smaller ones."""
    bounds = [*map(str, HISTOGRAMS[name]), "+Inf"]
    counts = accumulate(counters.get(f"{name}|{place}", 0.0) for place in range(len(bounds)))
    return list(zip(bounds, counts, strict=True))
