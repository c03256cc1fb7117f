"""How the platform does, for its administrators: what comes in, what waits, what fails, and what there is to mend.

Each part costs the same however many rows there are, and what takes more than a moment is kept for a minute. A part
that does not answer says so, and hides no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count
from django.utils import timezone
from redis.exceptions import RedisError

from diagnosis import worker_reports
from diagnosis.administration.disk import disk
from diagnosis.administration.examining import last_examined
from diagnosis.administration.paging import MOST
from diagnosis.history.daily import chart_of_all
from diagnosis.models import ModelVersion, Prediction, Review
from diagnosis.redis_client import client
from diagnosis.reviewing.agreement import Agreement
from diagnosis.reviewing.drift import warning_for
from diagnosis.worker_reports import WorkerReport

#: Seconds for which a part is kept.
KEEP = 60
#: Days over which failures are counted; newest verdicts that are held against the network.
FAILURES_OVER, VERDICTS = 7, 2000
NOT_SUCCEEDED = (Prediction.Status.REFUSED, Prediction.Status.FAILED)


@dataclass(frozen=True)
class Queue:
    """``oldest`` is when the one that has waited longest was queued; more than MOST are not counted."""

    waiting: int
    running: int
    oldest: datetime | None

    @property
    def is_cut(self) -> bool:
        return self.waiting > MOST


@dataclass(frozen=True)
class Worker:
    """What a worker said last. Memory is that of all its processes, in bytes."""

    name: str
    models: list[str]
    processes: int
    wanted: int
    memory: int
    said: datetime
    is_away: bool

    @classmethod
    def of(cls, said: WorkerReport) -> Worker:
        return cls(
            name=said.name,
            models=sorted({each.model for each in said.processes if each.model}),
            processes=len(said.processes),
            wanted=said.wanted,
            memory=said.main.memory + sum(each.memory for each in said.processes),
            said=datetime.fromtimestamp(said.time, tz=timezone.get_default_timezone()),
            is_away=worker_reports.is_away(said),
        )


@dataclass(frozen=True)
class RedisState:
    """``memory`` is in bytes."""

    version: str
    memory: int
    workers: list[Worker]


@dataclass(frozen=True)
class Failures:
    """``rows`` are status, reason code and number, the most frequent first."""

    since: datetime
    rows: list[tuple[str, str, int]]


@dataclass(frozen=True)
class Verdicts:
    """The newest verdicts on answers of the active version, against what it had said."""

    version: str
    agreement: Agreement


def _queue() -> Queue:
    unfinished = Prediction.objects.unfinished().order_by("queued_at")
    pending = unfinished.filter(status=Prediction.Status.PENDING)
    return Queue(
        waiting=pending[: MOST + 1].count(),
        running=unfinished.filter(status=Prediction.Status.RUNNING)[: MOST + 1].count(),
        oldest=pending.values_list("queued_at", flat=True).first(),
    )


def _redis() -> RedisState:
    """Raises RedisError where it is away."""
    workers = [Worker.of(said) for said in worker_reports.reports()]
    redis = client()
    facts: dict[str, Any] = redis.info() if redis else {}
    return RedisState(str(facts.get("redis_version", "")), facts.get("used_memory", 0), workers)


def _failures() -> Failures:
    since = timezone.now() - timedelta(days=FAILURES_OVER)
    lately = Prediction.objects.unsuccessful().filter(status__in=NOT_SUCCEEDED, queued_at__gte=since).order_by()
    counted = lately.values_list("status", "reason_code").annotate(number=Count("pk")).order_by("-number")
    return Failures(since, list(counted))


def _verdicts() -> Verdicts | None:
    """Of the newest, whatever versions they were on, those on the active one: so many are read, and no more."""
    active = ModelVersion.objects.filter(active=True).values_list("pk", "version").first()
    if active is None:
        return None
    newest = Review.objects.order_by("-pk").values_list(
        "label", "prediction__label", "prediction__model_version", "current"
    )
    counts = Counter(
        (said, label) for said, label, version, is_current in newest[:VERDICTS] if is_current and version == active[0]
    )
    sick, healthy = Review.Label.PNEUMONIA.value, Review.Label.NORMAL.value
    agreement = Agreement(
        hits=counts[sick, sick],
        misses=counts[sick, healthy],
        alarms=counts[healthy, sick],
        rejections=counts[healthy, healthy],
    )
    return Verdicts(active[1], agreement)


#: Each with the permission that it asks for; the others are for all staff, as the metrics are.
_PARTS: dict[str, tuple[Callable[[], Any], str]] = {
    "queue": (_queue, ""),
    "redis": (_redis, ""),
    "disk": (disk, ""),
    "chart": (chart_of_all, "diagnosis.view_radiograph"),
    "failures": (_failures, "diagnosis.view_prediction"),
    "verdicts": (_verdicts, "diagnosis.view_review"),
}


def dashboard_for(user: Any) -> dict[str, Any]:
    """Return the parts that the user may see, as ``parts``, and as ``silent`` the names of those without an answer."""
    parts, silent = {}, set()
    for name, (ask, permission) in _PARTS.items():
        if not permission or user.has_perm(permission):
            try:
                parts[name] = _kept(name, ask)
            except (DatabaseError, RedisError, OSError):
                silent.add(name)
    return {
        "parts": parts,
        "silent": silent,
        "drift": warning_for(user),
        "may_examine": user.is_superuser,
        "examined": last_examined() if user.is_superuser else None,
    }


def _kept(name: str, ask: Callable[[], Any]) -> Any:
    key = f"diagnosis.administration.{name}"
    kept = cache.get(key)
    if kept is None:
        kept = ask()
        cache.set(key, kept, KEEP)
    return kept
