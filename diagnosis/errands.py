"""What is done beside reading: webhooks called, mails sent, accounts and old images removed. In a process of its own.

The sweep of a worker starts it (errands_process.py) when something is due, and it ends when nothing was for a while: a
slow receiver holds up no answer, and where nobody asked for any of it, it takes no memory. All its jobs are rows, so
several such processes, or one that is killed, do no harm.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import DatabaseError, connection

from diagnosis.people import leaving, letters
from diagnosis.people.models import Leaving, Letter
from diagnosis.retention import applying
from diagnosis.webhooks import delivering
from diagnosis.webhooks.models import Webhook

logger = logging.getLogger(__name__)

#: Receivers that are called at the same time, mails and the removal of accounts among them.
THREADS = 8
LOOK_EVERY = 1.0
#: Seconds without anything to do after which the process ends.
IDLE_FOR = 60.0
FORGET_EVERY = 3600.0
PAUSE_AFTER_FAULT = 10.0


class Errands:
    """Looks for what is due, and does it in threads: one for each receiver, one for mails, one for accounts."""

    def __init__(self) -> None:
        self._jobs: dict[Any, Future[Any]] = {}
        self._begun: dict[Any, float] = {}
        self._forgotten = 0.0

    def run(self, idle_for: float = IDLE_FOR) -> None:
        """Go on until nothing was due for so long, or the process that started this one is gone."""
        parent, busy_until = os.getppid(), time.monotonic() + idle_for
        with ThreadPoolExecutor(THREADS) as pool:
            while time.monotonic() < busy_until and os.getppid() == parent:
                if self._look(pool):
                    busy_until = time.monotonic() + idle_for
                time.sleep(LOOK_EVERY)

    def _look(self, pool: ThreadPoolExecutor) -> int:
        """Begin what is due and not being done, and return how many jobs are at work."""
        try:
            due = _due()
            if time.monotonic() > self._forgotten:
                due["forget"] = _forget
                self._forgotten = time.monotonic() + FORGET_EVERY
        except DatabaseError as error:
            logger.error("The database does not answer: %s", error)
            return 0
        self._jobs = {key: job for key, job in self._jobs.items() if not job.done()}
        # Whoever had a turn longest ago is next, so that slow receivers do not keep others from theirs.
        for key in sorted(due.keys() - self._jobs.keys(), key=lambda key: self._begun.get(key, 0.0)):
            if len(self._jobs) < THREADS:
                self._jobs[key] = pool.submit(_do, due[key])
                self._begun[key] = time.monotonic()
        return len(self._jobs)


def _due() -> dict[Any, Callable[[], Any]]:
    found: dict[Any, Callable[[], Any]] = {}
    if Letter.objects.all().due().exists():
        found["letters"] = letters.send_due
    for user_id in Leaving.objects.order_by("asked").values_list("pk", flat=True)[:2]:
        found["leaving", user_id] = partial(leaving.remove_all, user_id)
    if applying.is_anything_due():
        found["retention"] = applying.apply_due
    for pk in Webhook.objects.all().with_due().values_list("pk", flat=True):
        found["webhook", pk] = partial(delivering.deliver_due, pk)
    return found


def _forget() -> None:
    delivering.forget_old()
    letters.forget_old()


def _do(errand: Callable[[], Any]) -> None:
    try:
        errand()
    except Exception:
        logger.exception("An errand failed; it is tried again in a while.")
        time.sleep(PAUSE_AFTER_FAULT)
    finally:
        connection.close()
