"""Starts programs, starts them again when they end, and leaves none of them running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

#: A program that ends sooner than this after its start has not worked.
SHORT_LIFE = 10.0
#: After so many short lives in a row there is no point in another.
MOST_SHORT_LIVES = 5
LONGEST_PAUSE = 2.0
LARGEST_LOG = 10 * 1024**2
#: In so many looks in a row, a tenth of a second apart, make must block SIGINT to count as asked to stop.
LOOKS_BLOCKED = 5

# A shell that does nothing until the supervisor's end of the pipe closes. Then, whatever became of the supervisor
# (SIGKILL included), it ends the children and their own children that are left. It knows the latest id of each.
GUARD = """
while read -r name pid; do eval "$name=$pid"; done
for signal in TERM KILL; do
    for pid in $web $worker $redis; do kill -s $signal -- "-$pid" 2>/dev/null; done
    sleep 8
done
"""


#: Said after what names no remedy of its own.
ASK = "What to do says: .venv/bin/python manage.py doctor"


class Fault(Exception):
    """The sentence that tells the user why the platform does not run."""


class Stopped(Exception):
    """The user, or the system, asked for the end."""


class Child:
    """A program in a session of its own, so that Ctrl-C reaches the supervisor alone, which decides on the order."""

    def __init__(self, name: str, command: list[str], log: Path, grace: float) -> None:
        self.name, self.command, self.log, self.grace = name, command, log, grace
        self.short_lives = 0
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.started = time.monotonic()

    def look(self) -> bool:
        """Start it again where it has ended and its pause is over. True if it was started now."""
        if self.process is not None:
            if self.process.poll() is None:
                return False
            self._note_end(self.process.pid, self.process.returncode)
        if time.monotonic() < self.due:
            return False
        self.start()
        return True

    def _note_end(self, pid: int, status: int) -> None:
        self.process = None
        _end_group(pid)
        short = time.monotonic() - self.started < SHORT_LIFE
        self.short_lives = self.short_lives + 1 if short else 0
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        # Whoever kills it from outside will stop doing so; a fault of its own stays.
        if self.short_lives >= MOST_SHORT_LIVES and status != -signal.SIGKILL:
            raise Fault(f"The {self.name} {how}, {self.short_lives} times in a row. Its reasons are in {self.log}")
        say(f"The {self.name} {how} and is started again; see {self.log}")
        self.due = time.monotonic() + min(0.2 * 2**self.short_lives, LONGEST_PAUSE) * short

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.grace)
        self.process.kill()
        self.process.wait()
        _end_group(self.process.pid)


class Supervisor:
    """Holds the children, in the order in which they were started; use it as a context, which stops them."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: list[Child] = []
        self.stopping = False
        self.make = Make() if "MAKELEVEL" in os.environ else None

    def __enter__(self) -> Supervisor:
        self.logs.mkdir(exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._ask_to_stop)
        self.guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", GUARD], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Stopped:
            say("Stopping.")
        for child in reversed(self.children):
            child.stop()
        self.guard.kill()
        self.guard.communicate()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def start(self, name: str, command: list[str], grace: float) -> None:
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, command, log, grace)
        self.children.append(child)
        self._tell_guard(child)

    def call(self, name: str, command: list[str]) -> str:
        """Run a command to its end, and return the line that it printed. Raises Fault with that line if it failed."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self.watch(lambda: process.poll() is not None)
        finally:
            process.kill()
        line = process.communicate()[0].rstrip("\n")
        if process.returncode:
            raise Fault(line or f"The first steps failed. Their reasons are in {log.name}")
        return line

    def _tell_guard(self, child: Child) -> None:
        if self.guard.stdin and child.process:
            with contextlib.suppress(BrokenPipeError):
                self.guard.stdin.write(f"{child.name} {child.process.pid}\n".encode())
                self.guard.stdin.flush()

    def look(self) -> None:
        """Look at every child once. Raises Stopped if the end was asked for, and Fault if there is no going on."""
        if self.stopping or (self.make and self.make.wants_the_end()):
            raise Stopped
        for child in self.children:
            if child.look():
                self._tell_guard(child)

    def watch(self, until: Callable[[], bool] = lambda: False, seconds: float = float("inf")) -> bool:
        """Watch over the children until something is true. False if it did not become so in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            if until():
                return True
            time.sleep(0.1)
        return False


class Make:
    """The make that waits for this process."""

    def __init__(self) -> None:
        self.pid = os.getppid()
        self.blocked = self._blocks_sigint()
        self.looks_blocked = 0

    def wants_the_end(self) -> bool:
        """Whether it was killed, so that nobody is left who could stop the platform, or was asked to stop.

        A terminal sends Ctrl-C to make and to this process. ``kill -INT`` reaches make alone, which then blocks the
        signal and waits for this process without a word to it.
        """
        if self.blocked or not self._blocks_sigint():
            self.looks_blocked = 0
        else:
            self.looks_blocked += 1
        # A parent blocks signals for a moment too whenever it starts a program; make, once asked to stop, for good.
        return os.getppid() != self.pid or self.looks_blocked >= LOOKS_BLOCKED

    def _blocks_sigint(self) -> bool:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:  # not on Linux
            return False
        blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
        return bool(blocked >> (signal.SIGINT - 1) & 1)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _end_group(pid: int) -> None:
    """End what a child left behind: its own children, which are in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
