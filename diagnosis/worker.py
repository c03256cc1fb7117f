"""The classifiers that this worker process holds, and what the process is called."""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery.signals import worker_process_init
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from redis.exceptions import RedisError

from diagnosis import publishing
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ModelVersion
from diagnosis.redis_client import client

logger = logging.getLogger(__name__)

ALIVE_KEY = "diagnosis.worker_alive"
#: Seconds for which a worker counts as alive after it has looked for work. The sweep makes each look every few.
ALIVE_FOR = 15
#: Followed by the process' name: the version that it has loaded. The worker's main process renews it.
HELD_KEY = "diagnosis.held_model"
HELD_FOR = 600
#: So many classifiers are held at once: the active one, one that answers silently, and one that a user asked for.
MOST_HELD = 3
#: By the primary keys of their versions, the one that was used last at the end.
_held: dict[int, Classifier] = {}
#: The primary key of the version that was last said to be active.
_reported: int | None = None


def current_classifier() -> tuple[Classifier, ModelVersion]:
    """Return the classifier of the active version: the one held, or a new one after another was activated.

    Raises ArtifactError where no version is active, or its artifact must not be used.
    """
    version = ModelVersion.objects.filter(active=True).first()
    if version is None:
        raise ArtifactError("no model version is active. Publish one: manage.py publish_model DIR --activate")
    classifier = _hold(version)
    _report_held(version)
    return classifier, version


def classifier_of(pk: int) -> tuple[Classifier, ModelVersion]:
    """Return that of any published version. Raises ArtifactError where its artifact must not be used."""
    version = ModelVersion.objects.get(pk=pk)
    return _hold(version), version


def _hold(version: ModelVersion) -> Classifier:
    """Return what is held, or load it; what was not used for the longest makes room."""
    classifier = _held.pop(version.pk, None)
    if classifier is None:
        classifier = publishing.load(version)
        logger.info("Model version %s is loaded and answers its probes as recorded.", version)
    _held[version.pk] = classifier
    for unused in list(_held)[:-MOST_HELD]:
        del _held[unused]
    return classifier


def _report_held(version: ModelVersion) -> None:
    """Say which version is the active one here, where that is news."""
    global _reported
    if _reported == version.pk:
        return
    _reported = version.pk
    with suppress(RedisError, OSError):
        if redis := client():
            redis.set(f"{HELD_KEY}:{process_name()}", version.version, ex=HELD_FOR)


def report_alive() -> None:
    """Say to the whole platform that a worker with a usable classifier is looking for work."""
    caches["redis"].set(ALIVE_KEY, time.time(), timeout=ALIVE_FOR)


def is_any_alive() -> bool:
    """Whether a worker has looked for work lately. False too where Redis is away."""
    return caches["redis"].get(ALIVE_KEY) is not None


@worker_process_init.connect
def prepare_process(**_: Any) -> None:
    """Load the classifier after the fork, and bound the memory that a decoder may take."""
    try:
        current_classifier()
    except (ArtifactError, DatabaseError) as error:
        logger.error("This worker process is not ready, and its jobs wait: %s", error)
    finally:
        _limit_memory()


def _limit_memory() -> None:
    if sys.platform == "linux":
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + settings.WORKER_MEMORY_BYTES, resource.RLIM_INFINITY))


def host_name() -> str:
    """Name this machine and, on Linux, the process namespace (of a container) in which process ids are unique.

    Two machines may bear the same host name, and one then takes the other's processes for dead; no two share a boot.
    """
    try:
        machine = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not on Linux
        machine, namespace = socket.gethostname()[:64], ""
    return f"{machine}/{namespace}"


def process_name() -> str:
    """Name this process among those of all hosts."""
    return f"{host_name()}:{os.getpid()}"
