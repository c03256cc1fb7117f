"""The workers: do they report, hear, run this program and hold a network."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.conf import settings
from redis.exceptions import RedisError

from diagnosis import worker_reports
from diagnosis.doctor.findings import Finding, ok, problem, warning
from diagnosis.worker import host_name
from diagnosis.worker_reports import WorkerReport

#: Seconds since a worker heard its own doorbell, which rings every few.
HEARD_WITHIN = 15.0
#: A process that holds a network takes about 160 MB.
MUCH_MEMORY = 160 * 1024**2 + settings.WORKER_MEMORY_BYTES // 2
AGAIN = "Start one: its service or container, or make run, after Ctrl-C where it still runs."
SKEW = settings.LEASE.total_seconds() / 3


def look() -> Iterator[Finding]:
    try:
        said = worker_reports.reports()
    except (RedisError, OSError):
        yield problem("Workers cannot be asked, since Redis does not answer.", "Mend Redis first.")
        return
    present = [each for each in said if not worker_reports.is_away(each)]
    for each in said:
        if each not in present:
            yield warning(
                f"{each.name} has not reported for {(time.time() - each.time) / 60:.0f} minutes.",
                "Start it again if it should run; it is forgotten after a day.",
            )
    if not present:
        yield problem(
            "No worker runs, so nothing is read.",
            f"{AGAIN} See logs/worker.log for its reasons.",
        )
    for each in present:
        yield from _judge(each)


def _judge(said: WorkerReport) -> Iterator[Finding]:
    bad = [*_faults(said)]
    yield from bad or [ok(f"{said.name} is at work, with {len(said.processes)} processes.")]


def _faults(said: WorkerReport) -> Iterator[Finding]:
    again = f"Start {said.name} again: its service or container, or make run after Ctrl-C."
    if said.heard > HEARD_WITHIN:
        yield problem(f"{said.name} is deaf: it heard nothing for {said.heard:.0f} s.", again)
    if said.program != worker_reports.program_digest():
        yield problem(f"{said.name} runs another version of the program than is installed here.", again)
    if len(said.processes) < said.wanted:
        yield warning(f"{said.name} has {len(said.processes)} of its {said.wanted} processes.", "See its log.")
    if without := [each for each in said.processes if not each.model]:
        yield warning(
            f"{len(without)} of {len(said.processes)} processes of {said.name} hold no network.",
            "If this stays for a minute, see its log, and the lines on the model.",
        )
    if large := [each for each in said.processes if each.memory > MUCH_MEMORY]:
        yield warning(f"{said.name} takes {large[0].memory // 1024**2} MB in one process.", again)
    age = time.time() - said.time
    if age > SKEW + settings.SWEEP_EVERY and said.host == host_name():
        yield problem(f"{said.name} has said nothing for {age:.0f} s: it hangs, or was stopped.", again)
    elif abs(age) > SKEW + settings.SWEEP_EVERY:
        late = f"has said nothing for {age:.0f} s, or its clock is behind" if age > 0 else "has a clock that is ahead"
        yield problem(f"{said.name} {late}.", f"Let the clocks of both machines follow a time server. {again}")
