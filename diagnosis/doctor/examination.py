"""Looks at all areas at once; none of them waits for another, and none for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DatabaseError, connections

from diagnosis.doctor import database, jobs, machine, model, program, redis_server, storage, workers
from diagnosis.doctor.findings import Finding, on_one_line, problem

#: Seconds for which an area is waited for.
PATIENCE = 30.0
Look = Callable[[], Iterable[Finding]]
#: What comes later may be broken only because of what comes before.
AREAS: dict[str, Look] = {
    "settings": program.settings_in_use,
    "program": program.versions,
    "disk": machine.disk,
    "permissions": machine.permissions,
    "clock": machine.clock,
    "database": database.look,
    "redis": redis_server.look,
    "storage": storage.look,
    "model": model.look,
    "workers": workers.look,
    "jobs": jobs.look,
    "static files": program.static_files,
    "e-mail": program.email,
}


class _Examiner(threading.Thread):
    """Looks at one area. What it raises is a finding too."""

    def __init__(self, look: Look) -> None:
        super().__init__(daemon=True)  # what hangs must not keep the command from its end
        self._look = look
        self.findings: list[Finding] = []
        self.is_done = False

    def run(self) -> None:
        try:
            for finding in self._look():
                self.findings.append(finding)
        except DatabaseError:
            self.findings.append(problem("This cannot be looked at without the database.", "Mend the database first."))
        except Exception as error:  # whatever is broken, the other areas are looked at
            why = f"Looking at this failed: {type(error).__name__}: {on_one_line(error)}."
            self.findings.append(problem(why, "Mend what the other lines name, and ask again."))
        finally:
            connections.close_all()
            self.is_done = True


def examine(areas: dict[str, Look] | None = None, patience: float = PATIENCE) -> dict[str, list[Finding]]:
    """Return what was found of each area, in their order."""
    examiners = {name: _Examiner(look) for name, look in (areas or AREAS).items()}
    end = time.monotonic() + patience
    for examiner in examiners.values():
        examiner.start()
    found: dict[str, list[Finding]] = {}
    for name, examiner in examiners.items():
        examiner.join(max(end - time.monotonic(), 0))
        found[name] = list(examiner.findings)
        if not examiner.is_done:
            found[name].append(_silent(patience))
    return found


def _silent(patience: float) -> Finding:
    return problem(f"There was no answer within {patience:g} seconds.", "See whether a disk or a server hangs.")


def as_dict(found: dict[str, list[Finding]]) -> list[dict[str, Any]]:
    return [
        {"area": area, "state": each.state.value, "sentence": each.sentence, "remedy": each.remedy}
        for area, findings in found.items()
        for each in findings
    ]
