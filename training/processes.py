"""Processes that augment beside the training step. Nothing here imports Keras: they would take seconds to start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

#: At 1.3 ms an image these make 12,000 images a second; each takes some 150 MB.
MOST = 16


def processes_beside(kind: str) -> int:
    """Return how many processes should augment for the accelerator ``kind``.

    None for a CPU: there a training step takes 48 ms an image and augmentation 1.3 ms, which a thread does beside it.
    """
    return 0 if kind == "cpu" else min(MOST, max(1, (os.cpu_count() or 1) - 1))


def start_processes(count: int) -> ProcessPoolExecutor:
    """Return a pool of ``count`` processes. They are spawned: a fork of a process with TensorFlow in it may hang."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it ends, however it does: killed, it could not tell its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
