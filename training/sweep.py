"""What a training worker does every few seconds beside training, and when it is asked to stop."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import bootsteps
from celery.signals import task_received
from celery.worker import state
from django.conf import settings
from django.db import DatabaseError, connection

from training import runs, tasks
from training.models import TrainingRun

logger = logging.getLogger(__name__)

#: Seconds after which an idle worker that rang itself and heard nothing ends, to be started again.
DEAF_AFTER = 30.0


class TrainingSweepStep(bootsteps.StartStopStep):
    """Takes the place that diagnosis.sweep has in the workers that classify.

    A worker that trains does not ring: nobody would answer before the training is over.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None
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
        if state.should_stop is None and state.should_terminate is None:
            return  # only the connection to Redis is made anew
        try:
            TrainingRun.objects.all().release(consumer.hostname)  # whoever trains notices it, and ends its process
        except DatabaseError as error:
            logger.error("The run could not be given back, and waits for the end of its lease: %s", error)
        finally:
            connection.close()

    def _sweep(self, consumer: Any) -> None:
        try:
            TrainingRun.objects.all().fail_exhausted()
        except DatabaseError as error:
            logger.error("The database does not answer the sweep: %s", error)
            return
        finally:
            connection.close()  # never open when Celery forks a child
        runs.report_alive()
        if state.active_requests:
            self._heard = time.monotonic()
            return
        # Whoever hears it takes the oldest run that waits, however its own ring was lost.
        own_queue = f"{consumer.hostname}.dq2"
        if not tasks.ring(None, queue=own_queue, expires=settings.SWEEP_EVERY * 2):
            return
        if time.monotonic() - self._heard > DEAF_AFTER:
            logger.critical("This worker no longer hears its doorbell; it ends, to be started again.")
            state.should_terminate = 70
