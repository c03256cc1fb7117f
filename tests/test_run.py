"""``make run`` comes up, keeps everything, repairs itself, fails in one sentence and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from pneumodetect import prepare  # noqa: TID251 - what is tested here
from pneumodetect.prepare import demo_user  # noqa: TID251 - what is tested here
from pneumodetect.run import web_command  # noqa: TID251 - what is tested here
from pneumodetect.supervisor import ASK, Child  # noqa: TID251 - what is tested here
from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import ROOT, LivePlatform, clean_environment, free_port


def run_until_it_fails(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pneumodetect.run"],
        cwd=ROOT,
        env={
            **clean_environment(),
            "PNEUMODETECT_DATA_DIR": str(data_dir),
            "PNEUMODETECT_PORT": str(free_port()),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def becomes(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(psutil.NoSuchProcess):
            if condition():
                return True
        time.sleep(0.1)
    return False


def none_lives(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def sentence_of(failed: subprocess.CompletedProcess[str]) -> str:
    """Check that it failed with one line and nothing else, and return that."""
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert len(failed.stderr.splitlines()) == 1, failed.stderr
    return failed.stderr


def test_a_second_run_keeps_everything_and_no_process_outlives_either(tmp_path: Path) -> None:
    first = LivePlatform(tmp_path, PNEUMODETECT_DEMO_PASSWORD="").wait_until_ready()
    pids = first.pids()
    pattern = rf"PneumoDetect is ready: {re.escape(first.url)}/  user demo  password (\S{{12,}})\n"
    line = re.fullmatch(pattern, first.output)
    assert line, first.output
    status, uploaded = Caller(first.url, "demo", line[1]).upload(jpeg_bytes(), wait=20)
    assert (status, uploaded["status"]) == (201, "succeeded"), uploaded
    assert first.stop(signal.SIGINT) == 0
    assert none_lives(pids)

    second = LivePlatform(tmp_path, PNEUMODETECT_DEMO_PASSWORD="").wait_until_ready()
    pids = second.pids()
    assert "user demo  password as printed at the first run" in second.output
    kept = Caller(second.url, "demo", line[1]).radiographs()
    assert [(one["id"], one["prediction"]["probability"]) for one in kept] == [
        (uploaded["id"], uploaded["prediction"]["probability"])
    ]
    second.process.kill()
    second.process.wait()
    assert becomes(lambda: none_lives(pids), 20)


@pytest.mark.parametrize("is_public", [True, False])
def test_the_demo_user_is_no_administrator_where_others_are_served(
    db: Any, settings: Settings, is_public: bool
) -> None:
    settings.IS_PUBLIC = False
    demo_user()
    settings.IS_PUBLIC = is_public
    demo_user()
    demo = User.objects.get()
    assert (demo.is_staff, demo.is_superuser) == (not is_public, not is_public)


def test_clients_that_begin_a_request_and_say_no_more_do_not_hold_the_web_server(tmp_path: Path) -> None:
    port = free_port()
    command = web_command(port)
    worker_class = command[command.index("--worker-class") + 1]
    impatient = (
        "import pneumodetect.web_worker as w; w.SILENCE_SECONDS = 1; from gunicorn.app.wsgiapp import run; run()"
    )
    options = ["--bind", f"127.0.0.1:{port}", "--threads", "2", "--no-control-socket", "--worker-class", worker_class]
    with (tmp_path / "web.log").open("w") as log:
        web = subprocess.Popen(
            [sys.executable, "-c", impatient, *options, "wsgiref.simple_server:demo_app"], cwd=ROOT, stderr=log
        )

    def is_answered() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=4) as answer:
            return b"Hello world!" in answer.read()
        return False

    try:
        assert becomes(is_answered, 10)
        with ExitStack() as stack:
            for _ in range(4):
                silent = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                silent.sendall(b"POST / HTTP/1.1\r\nHost: ")
            time.sleep(0.2)
            assert is_answered()
            assert silent.recv(1) == b""
        assert "Traceback" not in (tmp_path / "web.log").read_text()
    finally:
        web.terminate()
        web.wait(10)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = sentence_of(run_until_it_fails(tmp_path, PNEUMODETECT_PORT=str(port)))
    assert f"Port {port} cannot be used" in sentence
    assert "PNEUMODETECT_PORT" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PNEUMODETECT_WORKERS", "many"),
        ("PNEUMODETECT_WORKERS", "0"),
        ("PNEUMODETECT_PORT", "70000"),
        ("PNEUMODETECT_DATA_DIR", "/proc/none"),
        ("DATABASE_URL", "sqlite:////proc/none/db.sqlite3"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    assert name in sentence_of(run_until_it_fails(**{"data_dir": tmp_path, name: value}))  # type: ignore[arg-type]


def test_a_redis_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    sentence = sentence_of(run_until_it_fails(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"))
    assert "No Redis answers at REDIS_URL" in sentence


def test_a_first_step_that_fails_is_one_sentence_that_says_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/static")

    monkeypatch.setattr("django.setup", lambda: None)  # again, it would close what pytest logs to
    monkeypatch.setattr(prepare, "prepare", no_room)
    assert prepare.main() == 1
    said = capsys.readouterr().out
    assert said == f"/data/static cannot be used: No space left on device. {ASK}\n"
    assert "manage.py doctor" in said


def test_a_second_run_beside_the_first_is_one_sentence(live_platform: LivePlatform) -> None:
    assert "is running already" in sentence_of(run_until_it_fails(live_platform.data_dir))


def test_redis_that_is_killed_comes_back_on_its_port(live_platform: LivePlatform) -> None:
    killed, url = live_platform.redis_pid(), live_platform.redis_url()
    assert killed
    os.kill(killed, signal.SIGKILL)
    assert becomes(lambda: live_platform.redis_pid() not in (killed, None), 5)
    assert live_platform.redis_url() == url
    caller = Caller(live_platform.url, live_platform.username, live_platform.password)
    status, uploaded = caller.upload(jpeg_bytes(seed=2), wait=25)
    assert (status, uploaded["status"]) == (201, "succeeded"), live_platform.logs()


def test_a_worker_that_is_killed_comes_back(live_platform: LivePlatform) -> None:
    killed = live_platform.worker_pids()
    assert len(killed) == 3
    os.kill(killed[0], signal.SIGKILL)
    assert becomes(lambda: none_lives(killed), 5)
    assert becomes(lambda: len(live_platform.worker_pids()) == 3, 20)
    caller = Caller(live_platform.url, live_platform.username, live_platform.password)
    status, uploaded = caller.upload(jpeg_bytes(seed=3), wait=25)
    assert (status, uploaded["status"]) == (201, "succeeded"), live_platform.logs()


def test_what_a_killed_program_leaves_running_is_ended(tmp_path: Path) -> None:
    child = Child("worker", ["/bin/sh", "-c", "sleep 60 & exec sleep 60"], tmp_path / "worker.log", grace=1)
    try:
        assert child.process
        assert becomes(lambda: child.process and psutil.Process(child.process.pid).children(), 5)
        orphans = [orphan.pid for orphan in psutil.Process(child.process.pid).children()]
        os.kill(child.process.pid, signal.SIGKILL)
        assert becomes(child.look, 5)
        assert becomes(lambda: none_lives(orphans), 2)
    finally:
        child.stop()


def test_a_program_that_never_works_ends_the_run_with_its_logs_name(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    failed = run_until_it_fails(tmp_path / "data", PATH=f"{broken.parent}:{os.environ['PATH']}")
    assert failed.returncode == 1
    sentence = failed.stderr.splitlines()[-1]
    assert "The redis ended with status 3, 5 times in a row." in sentence
    assert str(tmp_path / "data" / "logs" / "redis.log") in sentence
