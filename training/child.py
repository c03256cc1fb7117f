"""A program in a process group of its own, which does not outlive the process that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

#: Seconds between asking the group to end and ending it.
GRACE = 5

# Waits until the pipe from the starter closes, whatever became of the starter (SIGKILL included).
GUARD = f'read -r _; kill -s TERM -- "-$1"; sleep {GRACE}; kill -s KILL -- "-$1"'


class Child:
    """Use it as a context, at whose end nothing of the group is left."""

    def __init__(self, command: list[str], log: Path, folder: Path) -> None:
        self.command, self.log, self.folder = command, log, folder

    def __enter__(self) -> Child:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", GUARD, "guard", str(self.process.pid)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def wait(self, seconds: float) -> int | None:
        """Return the exit status, negative where a signal ended it; None where it still runs after ``seconds``."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self._send(signal.SIGTERM)
            self.wait(GRACE)
        self._send(signal.SIGKILL)
        self.process.wait()
        self._await_end_of_group()
        self.guard.kill()
        self.guard.communicate()

    def _await_end_of_group(self) -> None:
        """Wait for the children of the program too: a signal that was sent takes effect only after a while."""
        end = time.monotonic() + GRACE  # where nobody reaps them, they stay as zombies, and hold nothing any more
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < end:
                os.killpg(self.process.pid, 0)
                time.sleep(0.01)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)
