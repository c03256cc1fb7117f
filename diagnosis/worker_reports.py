"""What each worker says of itself every few seconds, in Redis, for whoever watches over the platform."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from diagnosis.redis_client import client
from diagnosis.worker import HELD_FOR, HELD_KEY, host_name

KEY = "diagnosis.workers"
#: A worker that has not reported for so long is away, and after a day it is forgotten.
AWAY_AFTER, FORGET_AFTER = 30.0, 86400.0


@dataclass(frozen=True)
class ProcessReport:
    """A process of a worker; ``model`` is the version that it has loaded, empty where it has none."""

    pid: int
    memory: int
    model: str = ""


@dataclass(frozen=True)
class WorkerReport:
    """``time`` and ``started`` are by the worker's own clock; ``heard`` is how long ago it heard its doorbell."""

    name: str
    host: str
    time: float
    started: float
    program: str
    heard: float
    wanted: int
    main: ProcessReport
    processes: list[ProcessReport] = field(default_factory=list)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> WorkerReport:
        main = ProcessReport(**facts.pop("main"))
        processes = [ProcessReport(**each) for each in facts.pop("processes")]
        return cls(**facts, main=main, processes=processes)


_STARTED = time.time()


def report(name: str, pids: list[int], wanted: int, heard: float) -> None:
    """Say how this worker is; called in its main process, of which ``pids`` are the children."""
    with suppress(RedisError, OSError):
        if redis := client():
            models = _held_models(redis, pids)
            memory = _memory_of([os.getpid(), *pids])
            said = WorkerReport(
                name=name,
                host=host_name(),
                time=time.time(),
                started=_STARTED,
                program=program_digest(),
                heard=heard,
                wanted=wanted,
                main=ProcessReport(os.getpid(), memory.get(os.getpid(), 0)),
                processes=[ProcessReport(pid, memory.get(pid, 0), models[pid]) for pid in pids],
            )
            redis.hset(KEY, name, json.dumps(asdict(said)))


def _held_models(redis: Redis, pids: list[int]) -> dict[int, str]:
    with redis.pipeline(transaction=False) as pipeline:
        for pid in pids:
            key = f"{HELD_KEY}:{host_name()}:{pid}"
            pipeline.get(key)
            pipeline.expire(key, HELD_FOR)
        found = pipeline.execute()[::2]
    return {pid: (name or b"").decode() for pid, name in zip(pids, found, strict=True)}


def _memory_of(pids: list[int]) -> dict[int, int]:
    """Return the resident memory of processes, in bytes; those that have ended since are left out."""
    if sys.platform != "linux":
        command = ["/bin/ps", "-o", "pid=,rss=", "-p", ",".join(map(str, pids))]
        lines = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False).stdout.split()  # noqa: S603
        return {int(pid): int(size) * 1024 for pid, size in zip(lines[::2], lines[1::2], strict=True)}
    found = {}
    for pid in pids:
        with suppress(OSError):
            found[pid] = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return found


@functools.cache
def program_digest() -> str:
    """Name the program that this process was started with: another digest on disk means that it was changed since."""
    digest = hashlib.sha256()
    for path in sorted((settings.BASE_DIR / "diagnosis").rglob("*.py")):
        digest.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def reports() -> list[WorkerReport]:
    """Return what every worker said last, those that are away included. Raises RedisError where Redis is away."""
    redis = client()
    texts: dict[Any, Any] = redis.hgetall(KEY) if redis else {}
    found = []
    for name, text in texts.items():
        said = _understood(text)
        if said and time.time() - said.time < FORGET_AFTER:
            found.append(said)
        elif redis:
            redis.hdel(KEY, name)
    return sorted(found, key=lambda each: each.name)


def _understood(text: bytes) -> WorkerReport | None:
    try:
        return WorkerReport.from_dict(json.loads(text))
    except (ValueError, TypeError, KeyError):  # of another version
        return None


def is_away(said: WorkerReport) -> bool:
    return time.time() - said.time > AWAY_AFTER
