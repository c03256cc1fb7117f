"""What is broken is found, and said in plain words with what to do about it; each thing is broken for real."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from diagnosis import worker_reports
from diagnosis.doctor import jobs, machine, model, program, workers
from diagnosis.doctor.examination import examine
from diagnosis.doctor.findings import Finding, State, ok
from diagnosis.models import ModelVersion
from diagnosis.worker import host_name
from tests.conftest import BUNDLED_MODEL
from tests.diagnosis.findings import found
from tests.factories import make_radiograph
from tests.live import ROOT, clean_environment
from tests.real_redis import cache_at

LONG_AGO = timezone.now() - timedelta(hours=1)


@pytest.fixture
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    return Path(settings.DATA_DIR)


# The command


def doctor(data_dir: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *options],
        cwd=ROOT,
        env={**clean_environment(), "PNEUMODETECT_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_nothing_is_set_up_each_part_is_named_and_none_keeps_the_others_from_it(tmp_path: Path) -> None:
    done = doctor(tmp_path / "new", "--json", REDIS_URL="redis://:a-secret@127.0.0.1:1/0")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    problems = {each["area"]: each for each in told if each["state"] == "problem"}
    assert set(problems) == {"static files", "database", "redis", "storage", "model", "workers", "jobs"}
    assert "manage.py migrate" in problems["database"]["remedy"]
    assert "a-secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_packages_it_says_which_is_missing_and_how_to_call_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-S", "manage.py", "doctor"], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.startswith("The Python package django is not installed for ")
    assert ".venv/bin/python manage.py" in done.stderr


def test_settings_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    done = doctor(tmp_path, DATABASE_URL="oracle-or-so")
    assert done.returncode == 1
    assert done.stderr == "DATABASE_URL must look like postgres://user:password@host:5432/name.\n"


def test_an_area_that_fails_or_hangs_is_a_finding_and_the_others_are_looked_at() -> None:
    hanging = threading.Event()

    def fail() -> Iterable[Finding]:
        yield ok("So far it went well.")
        raise RuntimeError("it broke\nin two")

    def need_the_database() -> Iterable[Finding]:
        raise OperationalError("no such table: diagnosis_radiograph")

    def hang() -> Iterable[Finding]:
        hanging.wait(60)
        yield ok("At last.")

    areas = {"fails": fail, "rows": need_the_database, "hangs": hang, "well": lambda: [ok("Well.")]}
    told = examine(areas, patience=0.3)
    hanging.set()
    assert [each.state for each in told["fails"]] == [State.OK, State.PROBLEM]
    assert "it broke in two" in told["fails"][1].sentence
    assert told["rows"][0].remedy == "Mend the database first."
    assert "no answer within" in told["hangs"][0].sentence
    assert told["well"] == [ok("Well.")]


# Machine


def test_a_disk_that_is_nearly_full_is_told(data_dir: Path, settings: Settings) -> None:
    assert found(machine.disk) == ""
    settings.DISK_LOW_BYTES = 10**18
    assert "problem: The disk of" in found(machine.disk)


def test_data_that_others_can_read_is_told_with_the_command_that_closes_it(data_dir: Path) -> None:
    (data_dir / "secret_key").touch(mode=0o600)
    assert found(machine.permissions) == ""
    data_dir.chmod(0o755)
    (data_dir / "secret_key").chmod(0o640)
    told = found(machine.permissions)
    assert f"chmod o-rwx {data_dir}" in told
    assert f"chmod 600 {data_dir / 'secret_key'}" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_has_written_in_another_users_folder_is_told(data_dir: Path) -> None:
    (data_dir / "of_root").touch()
    os.chown(data_dir, 65534, 65534)
    assert f"1 files belong to another user than {data_dir} does, such as {data_dir / 'of_root'}" in found(
        machine.permissions
    )


@pytest.mark.parametrize(("seconds", "state"), [(0.0, ""), (3.0, "warning"), (-60.0, "problem")])
def test_clocks_that_disagree_are_told(
    db: Any, real_redis: Redis, monkeypatch: pytest.MonkeyPatch, seconds: float, state: str
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    told = found(machine.clock)
    assert told.partition(":")[0] == state
    assert ("NTP" in told) == bool(state)


# Model


def test_a_network_that_was_changed_or_has_gone_is_told(version: ModelVersion) -> None:
    assert found(model.look) == ""
    network = version.folder / "network.tflite"
    data = bytearray(network.read_bytes())
    data[5000] ^= 1
    network.write_bytes(data)
    told = found(model.look)
    assert f"problem: The active version {version} cannot be used, so workers that start now read nothing" in told
    assert f"cp {BUNDLED_MODEL}/* {version.folder}/" in told
    ModelVersion.objects.update(active=False)
    told = found(model.look)
    assert "No model version is active" in told
    assert f"warning: Version {version}, which is not active, cannot be used" in told


# Workers


def report(**facts: Any) -> None:
    worker_reports.report(**{"name": "worker@here", "pids": [os.getpid()], "wanted": 1, "heard": 1.0, **facts})


def test_a_worker_that_does_its_work_is_fine(
    real_redis: Redis, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MUCH_MEMORY", 2**63)  # the process of the tests stands in, and may hold TensorFlow
    key = f"diagnosis.held_model:{host_name()}:{os.getpid()}"
    real_redis.set(key, version.version)
    report()
    assert "worker@here" not in found(workers.look).replace("takes", "")


def test_workers_that_are_deaf_few_without_a_network_or_of_another_version_are_told(
    real_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No worker runs" in found(workers.look)
    report(heard=60.0, wanted=3)
    monkeypatch.setattr(worker_reports, "program_digest", lambda: "newer")
    told = found(workers.look)
    for words in ("is deaf", "has 1 of its 3 processes", "hold no network", "another version of the program"):
        assert words in told
    monkeypatch.setattr(worker_reports, "AWAY_AFTER", -1.0)
    assert "has not reported" in found(workers.look)


@pytest.mark.parametrize(
    ("host", "seconds", "words"),
    [
        ("here", 20.0, "has said nothing for 20 s: it hangs, or was stopped."),
        ("elsewhere", 20.0, "has said nothing for 20 s, or its clock is behind."),
        ("elsewhere", -60.0, "has a clock that is ahead."),
    ],
)
def test_a_worker_that_hangs_is_told_from_one_whose_clock_differs(
    real_redis: Redis, monkeypatch: pytest.MonkeyPatch, host: str, seconds: float, words: str
) -> None:
    monkeypatch.setattr(worker_reports, "host_name", lambda: host_name() if host == "here" else host)
    report()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    assert words in found(workers.look)


def test_without_redis_nobody_can_be_asked_and_that_is_told(settings: Settings) -> None:
    settings.CACHES = {**settings.CACHES, "redis": cache_at("redis://127.0.0.1:1/0")}
    assert "Mend Redis first" in found(workers.look)


# Jobs


def test_jobs_that_wait_for_long_or_that_nobody_gives_back_are_told(alice: User) -> None:
    make_radiograph(alice)
    assert found(jobs.look) == ""
    make_radiograph(alice, queued_at=LONG_AGO)
    make_radiograph(alice, queued_at=LONG_AGO, status="running", lease_until=LONG_AGO, attempts=1)
    told = found(jobs.look)
    assert "warning: 2 radiographs wait to be read, the first for" in told
    assert "problem: 1 radiographs are held by workers that are gone" in told


# Program


def test_packages_of_other_versions_are_told(tmp_path: Path, settings: Settings) -> None:
    assert found(program.versions) == ""
    settings.BASE_DIR = tmp_path
    (tmp_path / "diagnosis").mkdir()
    lines = ["# comment", "Django==1.0", "no-such-package==2", "celery[redis]==0.1", "x==1; sys_platform == 'none'"]
    (tmp_path / "diagnosis" / "requirements.txt").write_text("\n".join(lines))
    told = found(program.versions)
    assert "Django is 5." in told
    assert "no-such-package is not installed" in told
    assert "celery is" in told
    assert len(told.splitlines()) == 3


def test_static_files_that_were_not_collected_are_told(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path
    assert "were not collected" in found(program.static_files)
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": {"live.js": "live.123.js"}}))
    assert "static files are missing, such as " in found(program.static_files)


def test_a_mail_server_that_does_not_answer_is_told(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        assert "problem: The mail server does not answer" in found(program.email)


def test_mail_that_goes_nowhere_matters_where_others_are_served(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert found(program.email) == ""
    settings.IS_PUBLIC = True
    assert "Set EMAIL_URL" in found(program.email)


def test_settings_that_are_wrong_for_others_are_told(settings: Settings) -> None:
    assert found(program.settings_in_use) == ""
    settings.IS_PUBLIC = settings.DEBUG = True
    assert "security.W018" in found(program.settings_in_use)


def test_it_says_under_which_names_others_reach_the_platform(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IS_PUBLIC, settings.ALLOWED_HOSTS = True, ["xray.example.org"]
    monkeypatch.setattr("django.core.checks.run_checks", lambda **_: [])
    assert "is reached as xray.example.org" in "".join(each.sentence for each in program.settings_in_use())
