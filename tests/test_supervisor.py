"""When a parent's blocked signals count as a request to stop: a real parent blocks them, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pneumodetect.supervisor import LOOKS_BLOCKED  # noqa: TID251 - what is tested here

#: Becomes the parent of a process that looks at it, and blocks SIGINT in the looks that the first argument counts.
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
child.stdout.readline()
for blocked in sys.argv[1]:
    how = signal.SIG_BLOCK if blocked == "1" else signal.SIG_UNBLOCK
    signal.pthread_sigmask(how, [signal.SIGINT])
    print("look", file=child.stdin, flush=True)
    print(child.stdout.readline().strip())
child.stdin.close()
child.wait()
"""
CHILD = """
import sys
from pneumodetect.supervisor import Make
make = Make()
print("ready", flush=True)
for line in sys.stdin:
    print(make.wants_the_end(), flush=True)
"""


def looks(blocked: str) -> list[bool]:
    """Return the answer of each look, while the parent blocks SIGINT (1) or does not (0)."""
    command = [sys.executable, "-c", PARENT, blocked, CHILD]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return [line == "True" for line in said.split()]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="blocked signals are read from /proc")


def test_a_parent_that_blocks_the_signal_for_good_asks_to_stop() -> None:
    assert looks("1" * (LOOKS_BLOCKED + 1)) == [False] * (LOOKS_BLOCKED - 1) + [True, True]


def test_a_parent_that_blocks_it_for_moments_does_not() -> None:
    assert not any(looks(("1" * (LOOKS_BLOCKED - 1) + "0") * 3))
