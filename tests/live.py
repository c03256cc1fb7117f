"""The whole platform as ``make run`` starts it: a real Redis, a real prefork worker, a real web server.

Tests that need it take the fixture ``live_platform``; one platform serves the whole session of pytest.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent
PASSWORD = "a live password"
CONFIGURING = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "DEBUG",
    "EMAIL_URL",
    "SENTRY_DSN",
    "DJANGO_ALLOW_ASYNC_UNSAFE",  # the browser's tests set it for their own process
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return the environment without what configures the platform."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMODETECT_")}
    return {name: value for name, value in kept.items() if name not in CONFIGURING}


class LivePlatform:
    """A running ``python -m pneumodetect.run``; ``environment`` overrides what it is given."""

    username = "demo"

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.password = PASSWORD
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **clean_environment(),
            "PNEUMODETECT_PORT": str(self.port),
            "PNEUMODETECT_DATA_DIR": str(data_dir),
            "PNEUMODETECT_WORKERS": "2",
            "PNEUMODETECT_DEMO_PASSWORD": self.password,
            "PYTHONUNBUFFERED": "1",
            "MAKELEVEL": "1",  # it ends when this process is gone, as it does when make is
            **environment,
        }
        data_dir.mkdir(parents=True, exist_ok=True)
        self._output = data_dir / "output.txt"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pneumodetect.run"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        """What it has printed up to now."""
        return self._output.read_text()

    def wait_until_ready(self, seconds: float = 120) -> LivePlatform:
        end = time.monotonic() + seconds
        while "PneumoDetect is ready" not in self.output:
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                pytest.fail(f"The platform did not become ready. It printed:\n{self.output}\n{self.logs()}")
            time.sleep(0.1)
        return self

    def logs(self) -> str:
        """The last lines of each log."""
        files = sorted((self.data_dir / "logs").glob("*.log"))
        return "\n".join(f"--- {file.name}\n" + "\n".join(file.read_text().splitlines()[-15:]) for file in files)

    def pids(self) -> list[int]:
        """All processes that it started, and their children."""
        return [process.pid for process in psutil.Process(self.process.pid).children(recursive=True)]

    def redis_pid(self) -> int | None:
        """None while it is being started again."""
        return next(iter(self._children("redis-server", "valkey-server")), None)

    def worker_pids(self) -> list[int]:
        """The worker's main process, then its pool's; empty while it is being started again."""
        return self._with_children("celery")

    def web_pids(self) -> list[int]:
        """The web server's main process, then the one that answers."""
        return self._with_children("gunicorn")

    def redis_url(self) -> str:
        """The address of its Redis, password included."""
        configuration = (self.data_dir / "redis" / "redis.conf").read_text()
        port, password = (re.search(rf"^{name} (\S+)", configuration, re.M) for name in ("port", "requirepass"))
        assert port
        assert password
        return f"redis://:{password[1]}@127.0.0.1:{port[1]}/0"

    def _children(self, *words: str) -> list[int]:
        found = []
        for process in psutil.Process(self.process.pid).children():
            try:
                if any(word in part for part in process.cmdline()[:4] for word in words):
                    found.append(process.pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def _with_children(self, word: str) -> list[int]:
        for pid in self._children(word):
            try:
                return [pid, *(child.pid for child in psutil.Process(pid).children())]
            except psutil.NoSuchProcess:
                continue
        return []

    def stop(self, number: int = signal.SIGINT, seconds: float = 45) -> int:
        """End it as Ctrl-C does, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture(scope="session")
def live_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    reached = {"PNEUMODETECT_WEBHOOKS_ALLOW_PRIVATE": "127.0.0.1/32"}  # where tests listen for webhooks
    platform = LivePlatform(tmp_path_factory.mktemp("live"), **reached).wait_until_ready()
    yield platform
    platform.stop()
