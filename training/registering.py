"""The run that the ``train`` command carries out itself, in the registry beside those of the workers."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection

from training import runs
from training.errors import TrainingError
from training.models import TrainingRun

logger = logging.getLogger(__name__)

Report = Callable[[str], None]


def carry_out_here(facts: dict[str, Any], work: Callable[[Report], object], report: Report, afresh: bool) -> None:
    """Let ``work`` train in this process, and keep the run's row as a worker does.

    ``facts`` are the fields of the row. An unfinished run of the same facts goes on in its own row, unless ``afresh``.
    Raises TrainingError where another process has the run, or where it was stopped from outside.
    """
    with _log_of(Path(facts["output"])) as log:
        run = _enter(facts, afresh)
        report(f"Registered as {run}: {run.get_absolute_url()}")
        try:
            if not runs.is_finished(run):
                with _followed(run):
                    work(_to_both(report, log))
        except KeyboardInterrupt:
            _stopped(run)
            raise
        except BaseException as error:
            _fail(run, str(error) or f"It ended with {type(error).__name__}.")
            raise
        runs.conclude(run)


def _to_both(report: Report, log: IO[str]) -> Report:
    def tell(line: str) -> None:
        report(line)
        print(line, file=log, flush=True)

    return tell


@contextmanager
def _log_of(output: Path) -> Iterator[IO[str]]:
    """Give the log of a run, which is locked as long as the command lives, however it ends."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.with_name(f"{output.name}.log").open("a") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(
                f"Another process is training into {output}: wait for it, or name another --output."
            ) from error
        yield log


def _enter(facts: dict[str, Any], afresh: bool) -> TrainingRun:
    """Find the row or make it, and hold it."""
    run = None if afresh else TrainingRun.objects.all().of_command(facts)
    if run is None:
        run = TrainingRun(**facts)
        if run.folder.exists():
            raise TrainingError(f"{run.folder} exists already; name a new folder.")
        try:
            run.clean_fields(exclude={field.name for field in TrainingRun._meta.fields} - facts.keys())
        except ValidationError as error:
            wrong = "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
            raise TrainingError(f"The run cannot be registered. {wrong}") from error
    run.take(f"{socket.gethostname()}, process {os.getpid()}")
    TrainingRun.objects.all().close_others(run)
    return run


@contextmanager
def _followed(run: TrainingRun) -> Iterator[None]:
    """Keep the row up to date beside the training, which is interrupted as by Ctrl-C where the run is stopped.

    By a signal of its own: a program that a script starts in the background ignores Ctrl-C's.
    """
    ended = threading.Event()
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)

    def follow() -> None:
        try:
            if runs.follow(run, lambda seconds: 0 if ended.wait(seconds) else None) is None:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        finally:
            connection.close()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
        signal.signal(signal.SIGUSR1, before)


def _stopped(run: TrainingRun) -> None:
    """Note that the command was stopped at the terminal. Raises TrainingError where it was from outside."""
    if not _fail(run, "Stopped at the terminal; the same command goes on where it was."):
        run.refresh_from_db(fields=["reason"])
        raise TrainingError(f"{run.reason} The same command goes on where it was.") from None


def _fail(run: TrainingRun, reason: str) -> bool:
    """True also where the database does not answer: it must not hide why the training ended."""
    try:
        return run.fail(reason, log=runs.log_tail(run.log_file), progress={})
    except DatabaseError as error:
        logger.error("The end of %s could not be stored: %s", run, error)
        return True
