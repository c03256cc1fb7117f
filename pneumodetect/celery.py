"""The Celery application. Its messages carry ids only; the database rows are the jobs."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")

app = Celery("pneumodetect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def add_worker_steps(**_: Any) -> None:
    """Add the sweep to the worker. Imported here and not above, since it needs Django's models to be loaded."""
    from diagnosis.sweep import SweepStep

    app.steps["consumer"].add(SweepStep)


@worker_init.connect
def load_decoders_before_the_fork(**_: Any) -> None:
    """Let the children share them. Loaded in a child, they may take longer than the 4 s that Celery waits for it."""
    from diagnosis.engine.dicom.decoding import load_decoders

    load_decoders()
