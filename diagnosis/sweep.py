"""The sweep, every few seconds in every worker: what died is put right, and what nobody took is rung for again."""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.signals import task_received
from celery.worker import state
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from diagnosis import tasks, worker_reports
from diagnosis.errands_process import ErrandsProcess
from diagnosis.metrics import tally
from diagnosis.models import KeyedCall, Prediction, ShadowPrediction
from diagnosis.people import batch_notices
from diagnosis.querysets import JobQuerySet
from diagnosis.reviewing import drift
from diagnosis.worker import host_name

logger = logging.getLogger(__name__)

#: Seconds after which a worker that rang itself and heard nothing ends, to be started again by its supervisor.
DEAF_AFTER = 30.0
#: Seconds without a byte more after which an upload is over, whoever sent it.
STALE_AFTER = 3600.0
#: So many are rung for again by one sweep.
AT_ONCE = 100


def sweep() -> list[int | None]:
    """Put right what died, and return the ids of those that wait although nobody was rung, or nobody came.

    None stands for a silent answer, which no message names: whoever finds no other work finds it. Any number of
    processes may sweep at once.
    """
    remove_stale_uploads()
    KeyedCall.objects.all().forget_old()
    for predictions in (Prediction.objects.all(), ShadowPrediction.objects.all()):
        release_claims_of_the_dead(predictions)
    tally.count_given_up(Prediction.objects.all().fail_exhausted())
    ShadowPrediction.objects.all().fail_exhausted()
    drift.check_if_due()
    batch_notices.tell_of_ended()
    forgotten: list[int | None] = [*_forgotten(Prediction.objects.all())]
    return forgotten + [None] * len(_forgotten(ShadowPrediction.objects.all())[: AT_ONCE - len(forgotten)])


def _forgotten(predictions: JobQuerySet[Any]) -> list[int]:
    now = timezone.now()
    waiting = predictions.claimable(now).filter(queued_at__lt=now - timedelta(seconds=2))
    return list(waiting.order_by("queued_at").values_list("pk", flat=True)[:AT_ONCE])


def remove_stale_uploads() -> None:
    """Remove what a web process that was killed in the middle of an upload has left behind."""
    for path in settings.FILE_UPLOAD_TEMP_DIR.iterdir():
        # Finished in the meantime, or removed by another sweep; what cannot be removed must not keep it from the jobs.
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_AFTER:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def release_claims_of_the_dead(predictions: JobQuerySet[Any]) -> int:
    """Give back what processes of this host held when they died, without waiting for their leases to run out."""
    prefix = f"{host_name()}:"
    held = predictions.unfinished().filter(status=Prediction.Status.RUNNING, worker__startswith=prefix)
    workers = set(held.values_list("worker", flat=True))
    dead = [name for name in workers if not _is_alive(int(name.removeprefix(prefix)))]
    return predictions.unfinished().filter(worker__in=dead).release() if dead else 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # not on Linux
        return True


def _pool_of(consumer: Any) -> tuple[list[int], int]:
    """Return the ids of the worker's processes, and how many there should be."""
    info = consumer.pool.info
    return list(info.get("processes", [])), info["max-concurrency"]


class SweepStep(bootsteps.StartStopStep):
    """Sweeps every few seconds in the worker's main process, and rings the worker's own doorbell as well.

    The ring has a purpose beside finding work: an answer shows that the worker hears. After a restart of Redis a
    worker may stay connected and deaf (celery issues 8030 and 9054); it ends then and is started again. The timer
    is Celery's own: a thread would be copied, with the locks it holds, into every child that is forked later.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None
        self._errands = ErrandsProcess()
        self._heard = time.monotonic()
        task_received.connect(self._hear)

    def _hear(self, **_: Any) -> None:
        self._heard = time.monotonic()

    def start(self, consumer: Any) -> None:
        self._heard = time.monotonic()
        self._timer = consumer.timer.call_repeatedly(settings.SWEEP_EVERY, self._sweep, (consumer,))
        self._sweep(consumer)

    def stop(self, consumer: Any) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _sweep(self, consumer: Any) -> None:
        try:
            waiting = sweep()
            self._errands.look()
            worker_reports.report(consumer.hostname, *_pool_of(consumer), time.monotonic() - self._heard)
        except (DatabaseError, OSError) as error:
            # Raised on, Celery would take it for a broken connection to Redis, and connect anew without end.
            logger.error("Database or disk do not answer the sweep: %s", error)
            return
        finally:
            # Never open when Celery forks a child: a connection must not be shared by two processes.
            connection.close()
        own_queue = f"{consumer.hostname}.dq2"
        if not tasks.ring(None, queue=own_queue, expires=settings.SWEEP_EVERY * 2):
            return
        # A message whose prediction is taken already finds the oldest that waits: as many as wait are enough.
        for prediction_id in waiting[tasks.count_waiting_rings() :]:
            tasks.ring(prediction_id, expires=settings.SWEEP_EVERY * 2)
        if time.monotonic() - self._heard > DEAF_AFTER:
            logger.critical("This worker no longer hears its doorbell; it ends, to be started again.")
            state.should_terminate = 70
