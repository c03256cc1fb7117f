"""The Celery application. Its messages carry ids only; the database rows are the jobs."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_rejected, task_unknown, worker_init, worker_process_init
from celery.utils.nodenames import worker_direct

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")

app = Celery("pneumodetect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def add_worker_steps(sender: Any, **_: Any) -> None:
    """Make the worker one that classifies or, where it listens to the training queue, one that trains.

    Imported here and not above, since both need Django's models to be loaded.
    """
    from django.conf import settings

    from diagnosis import worker
    from diagnosis.engine.dicom.decoding import load_decoders
    from diagnosis.sweep import SweepStep

    queues = set(sender.app.amqp.queues.consume_from) - {worker_direct(sender.hostname).name}
    if settings.TRAINING_QUEUE not in queues:
        app.steps["consumer"].add(SweepStep)
        # Before the fork, for the children to share: a child may take longer than the 4 s that Celery waits for it.
        load_decoders()
        return
    if queues != {settings.TRAINING_QUEUE}:
        raise SystemExit("A worker trains or classifies, not both: -Q training, without another queue.")
    from training.sweep import TrainingSweepStep

    app.steps["consumer"].add(TrainingSweepStep)
    # It holds no classifier, and the limit of memory that a decoder needs would end a training.
    worker_process_init.disconnect(worker.prepare_process)


@task_unknown.connect
@task_rejected.connect
def count_dropped(**_: Any) -> None:
    """Count what Celery, having logged it, throws away: the doorbell of a task that this version does not have."""
    from diagnosis.metrics import tally

    tally.count_dropped_message()
