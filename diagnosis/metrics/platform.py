"""What is so just now, and what workers have counted: asked anew by each scrape, at a cost that does not grow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from diagnosis import worker_reports
from diagnosis.metrics import tally
from diagnosis.models import ModelVersion, Prediction

#: So many that wait are counted; that it is more changes nothing for whoever is called at night.
MOST_COUNTED = 10_000


class PlatformCollector(Collector):
    """A part that does not answer is left out, and ``pneumodetect_answers`` says which."""

    def collect(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily("pneumodetect_answers", "Whether this part answers: 1 or 0.", labels=["part"])
        for part, ask in _PARTS.items():
            try:
                found = list(ask())
            except (DatabaseError, RedisError, OSError):
                answers.add_metric([part], 0)
            else:
                answers.add_metric([part], 1)
                yield from found
        yield answers


def _queue() -> Iterable[Metric]:
    """All read the index of predictions that are not final, from its old end."""
    unfinished = Prediction.objects.unfinished().order_by("queued_at")
    pending = unfinished.filter(status=Prediction.Status.PENDING)
    running = unfinished.filter(status=Prediction.Status.RUNNING)
    oldest = pending.values_list("queued_at", flat=True).first()
    age = max((timezone.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    words = f"Predictions that wait for a worker, {MOST_COUNTED} where they are more."
    yield GaugeMetricFamily("pneumodetect_queue_length", words, pending[:MOST_COUNTED].count())
    yield GaugeMetricFamily("pneumodetect_queue_oldest_seconds", "Age of the one that has waited longest.", age)
    words = "Predictions that a worker holds."
    yield GaugeMetricFamily("pneumodetect_predictions_running", words, running[:MOST_COUNTED].count())


def _model() -> Iterable[Metric]:
    family = GaugeMetricFamily(
        "pneumodetect_model_active", "The version that new predictions are made by.", labels=["version", "sha256"]
    )
    for version, digest in ModelVersion.objects.filter(active=True).values_list("version", "network_sha256"):
        family.add_metric([version, digest], 1)
    yield family


def _counters() -> Iterable[Metric]:
    counters = tally.read()
    finals = CounterMetricFamily(
        "pneumodetect_predictions", "Predictions that became final.", labels=["outcome", "model_version"]
    )
    for name, value in sorted(counters.items()):
        if name.startswith("predictions|"):
            finals.add_metric(name.split("|", 2)[1:], value)
    yield finals
    for name, words in (("inference", "From claim to answer."), ("waiting", "From upload to claim.")):
        total = counters.get(f"{name}|sum", 0.0)
        yield HistogramMetricFamily(f"pneumodetect_{name}_seconds", words, tally.buckets_of(name, counters), total)
    dropped = counters.get("dropped_messages", 0.0)
    yield CounterMetricFamily("pneumodetect_dropped_messages", "Messages that no task is called by.", dropped)


def _workers() -> Iterable[Metric]:
    present = [said for said in worker_reports.reports() if not worker_reports.is_away(said)]
    yield GaugeMetricFamily("pneumodetect_workers", "Workers that reported within half a minute.", len(present))
    labels = ["worker", "process", "model_version"]
    memory = GaugeMetricFamily("pneumodetect_worker_memory_bytes", "Resident memory of each process.", labels=labels)
    heard = GaugeMetricFamily(
        "pneumodetect_worker_heard_seconds", "Since the worker last heard its doorbell.", labels=["worker"]
    )
    for said in present:
        memory.add_metric([said.name, "main", ""], said.main.memory)
        for place, process in enumerate(said.processes):
            memory.add_metric([said.name, str(place), process.model], process.memory)
        heard.add_metric([said.name], said.heard)
    yield from (memory, heard)


def _disk() -> Iterable[Metric]:
    usage = shutil.disk_usage(settings.DATA_DIR)
    yield GaugeMetricFamily("pneumodetect_disk_free_bytes", "Room where uploads are stored.", usage.free)
    yield GaugeMetricFamily("pneumodetect_disk_size_bytes", "Size of that disk.", usage.total)


_PARTS: dict[str, Callable[[], Iterable[Metric]]] = {
    "database": lambda: [*_queue(), *_model()],
    "redis": lambda: [*_counters(), *_workers()],
    "disk": _disk,
}
