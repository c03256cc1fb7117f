"""What is wrong with the platform just now, said on every page in words of what it means for the user.

Redis may hang for as long as its time limits allow, so it is asked aside, and a page waits for that a moment at most.
"""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from diagnosis import health, worker

#: Seconds for which what was found holds, and for which a page waits for news.
KEEP = 3.0
PATIENCE = 0.2
THREAD = "platform notices"

REDIS_AWAY = gettext_noop(
    "The queue (Redis) does not answer, so nothing is read at the moment. "
    "What you upload is kept and will be read as soon as the queue is back."
)
WORKER_AWAY = gettext_noop(
    "No worker answers, so nothing is read at the moment. "
    "What you upload is kept and will be read as soon as one is back."
)
DISK_LOW = gettext_noop(
    "The server’s disk is nearly full. What you have uploaded is safe; once the disk is full, new uploads are refused "
    "until the administrator makes room."
)


@dataclass(frozen=True)
class Platform:
    """How the platform stands."""

    redis_answers: bool = True
    worker_answers: bool = True
    disk_has_room: bool = True

    @property
    def notices(self) -> list[str]:
        sentences = []
        if not self.redis_answers:
            sentences.append(gettext(REDIS_AWAY))
        elif not self.worker_answers:
            sentences.append(gettext(WORKER_AWAY))
        if not self.disk_has_room:
            sentences.append(gettext(DISK_LOW))
        return sentences


def platform() -> Platform:
    """Return how the platform stands, as far as it is known within a moment."""
    return _watch.look()


def worker_answers() -> bool:
    return platform().worker_answers


def forget() -> None:
    """Look anew at the next question."""
    global _watch
    _watch = _Watch()


class _Watch:
    """What was found last, and the one thread at most that is finding out anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found = Platform()
        self._due = 0.0
        self._is_asking = False

    def look(self) -> Platform:
        with self._lock:
            is_due = not self._is_asking and time.monotonic() >= self._due
            self._is_asking |= is_due
        if is_due:
            asking = threading.Thread(target=self._ask, name=THREAD, daemon=True)
            asking.start()
            asking.join(PATIENCE)
        return self._found

    def _ask(self) -> None:
        try:
            self._found = _inspect()
        finally:
            with self._lock:
                self._due = time.monotonic() + KEEP
                self._is_asking = False


def _inspect() -> Platform:
    redis_answers = health.redis_answers()
    return Platform(
        redis_answers=redis_answers,
        worker_answers=redis_answers and worker.is_any_alive(),
        disk_has_room=shutil.disk_usage(settings.DATA_DIR).free >= settings.DISK_LOW_BYTES,
    )


_watch = _Watch()
