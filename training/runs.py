"""Starts, carries out, stops and publishes training runs. The training itself is a process of its own."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, transaction

from diagnosis import publishing
from diagnosis.engine.artifact import read_artifact
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ModelVersion
from training import sources, tasks
from training.child import Child
from training.errors import TrainingError
from training.models import TrainingRun

logger = logging.getLogger(__name__)

#: Seconds between two looks at the training process, each of which renews the lease and stores the progress.
LOOK_EVERY = 2.0
LOG_CHARACTERS = 4000
ALIVE_KEY = "training.worker_alive"
ALIVE_FOR = 15


def start(run: TrainingRun) -> None:
    """Store a new run, or let a failed one go on; a worker that listens to the training queue takes it."""
    if run.is_of_command:
        raise TrainingError(f"{run} goes on when its command is given again: no worker takes it.".capitalize())
    if run.pk is None:
        run.save()
    elif not run.go_on():
        raise TrainingError(f"Only a run that has failed or was stopped goes on; {run} is {run.status}.")
    transaction.on_commit(partial(tasks.ring, run.pk), robust=True)


def publish(run: TrainingRun, activate: bool = False) -> ModelVersion:
    """Register the artifact of a run that has succeeded. Raises ArtifactError where it does not prove itself."""
    if run.status != TrainingRun.Status.SUCCEEDED:
        raise ArtifactError(f"Only a run that has succeeded can be published; {run} is {run.status}.")
    version, _ = publishing.publish(run.folder)
    TrainingRun.objects.filter(pk=run.pk).update(version=version)
    return publishing.activate(version.version) if activate else version


def report_alive() -> None:
    """Say to the whole platform that a worker listens to the training queue."""
    caches["redis"].set(ALIVE_KEY, time.time(), timeout=ALIVE_FOR)


def is_any_worker_alive() -> bool:
    return caches["redis"].get(ALIVE_KEY) is not None


def carry_out_next(pk: int | None, worker: str) -> None:
    """Claim one run, train, and store what came of it."""
    if not (run := TrainingRun.objects.claim(pk, worker)):
        return
    logger.info("Training %s starts, at attempt %s.", run, run.attempts)
    try:
        ended = is_finished(run) or _train(run)
    except TrainingError as error:
        run.fail(str(error))
        return
    if ended:
        conclude(run)


def command(run: TrainingRun) -> list[str]:
    """Return the command that trains; given once more, it goes on where it was."""
    words = [sys.executable, "manage.py", "train", "--data", str(sources.resolve(run.data))]
    words += ["--recipe", run.recipe, "--accelerator", run.accelerator, "--output", str(run.folder)]
    if run.imagenet_weights:
        words += ["--imagenet-weights", str(sources.resolve(run.imagenet_weights))]
    for option, value in (("--epochs", run.epochs), ("--seed", run.seed), ("--source", run.source or None)):
        words += [f"{option}={value}"] if value is not None else []  # in one word, since a source may begin with "-"
    return words


def is_finished(run: TrainingRun) -> bool:
    """Whether a worker died between the end of the training and saying so."""
    return (run.folder / "card.json").exists()


def _train(run: TrainingRun) -> bool:
    """Watch over the training process. True once it has ended well; False where the run is no longer this worker's."""
    with Child(command(run), run.log_file, settings.BASE_DIR) as child:

        def wait(seconds: float) -> int | None:
            report_alive()
            return child.wait(seconds)

        status = follow(run, wait)
    if status is None:
        return False
    if status < 0:
        logger.error("The process of %s was ended by signal %s.", run, -status)
        run.give_back()
        return False
    if status:
        raise TrainingError(_error_sentence(run.log, status))
    return True


def follow(run: TrainingRun, wait: Callable[[float], int | None]) -> int | None:
    """Renew the lease and store the progress until ``wait`` returns a status; None where the run was taken away."""
    kept, status = time.monotonic(), None
    while status is None:
        status = wait(LOOK_EVERY)
        try:
            if not run.keep(**_news(run)):
                logger.info("Training %s was stopped, or taken by another worker.", run)
                return None
            kept = time.monotonic()
        except DatabaseError as error:
            logger.error("The database does not answer: %s", error)
            # Before another worker may claim it and write to the same folder; nobody else takes that of a command.
            if not run.is_of_command and time.monotonic() - kept > settings.TRAINING_LEASE.total_seconds() / 2:
                return None
    return status


def conclude(run: TrainingRun) -> None:
    """Store what the artifact says of itself."""
    try:
        card = read_artifact(run.folder).card
    except ArtifactError as error:
        run.fail(str(error))
        return
    facts = {"metrics": card.metrics, "fingerprint": card.data.get("fingerprint", ""), "progress": {}}
    facts |= {"config": card.training.get("config", run.config), "log": log_tail(run.log_file)}
    run.succeed(history=card.training.get("epochs", run.history), **facts)
    logger.info("Training %s has succeeded.", run)


def _news(run: TrainingRun) -> dict[str, Any]:
    """Return what the training process has written since the last look, and note it on ``run``."""
    progress = _read_json(run.partial / "progress.json", dict, run.progress)
    history = _read_json(run.partial / "history.json", list, run.history)
    found = {"progress": progress, "history": history, "log": log_tail(run.log_file)}
    if len(history) > len(run.history):
        found["attempts"] = 1  # only those count that finish no epoch
    news = {name: value for name, value in found.items() if value != getattr(run, name)}
    for name, value in news.items():
        setattr(run, name, value)
    return news


def _read_json(path: Path, kind: type, known: Any) -> Any:
    """Return what the file holds; what is ``known`` where it is not there, or not whole."""
    try:
        found = json.loads(path.read_text(), parse_constant=lambda _: None)  # NaN is no JSON to a database
    except (OSError, ValueError):
        return known
    return found if isinstance(found, kind) else known


def log_tail(path: Path) -> str:
    """Return the last whole lines, of a progress bar only what it shows last."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_CHARACTERS))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = text.split("\n")[1 if len(text) >= LOG_CHARACTERS else 0 :]
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines).replace("\0", "").strip()


def _error_sentence(log: str, status: int) -> str:
    """Return the sentence with which the command ended."""
    last = log.rpartition("\n")[2].removeprefix("CommandError: ").strip()
    return last or f"The training process ended with status {status} and said nothing."
