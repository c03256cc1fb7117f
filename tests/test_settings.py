"""Nonsense in the environment is refused at start, in one sentence with a hint."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = "import pneumodetect.settings as s; print(s.SECRET_KEY)"


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "PNEUMODETECT_DATA_DIR": str(tmp_path / "var"), **environment}
    return subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, env=clean, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"PNEUMODETECT_MAX_UPLOAD_MB": "lots"}, "whole number of 1 or more"),
        ({"PNEUMODETECT_MAX_UPLOAD_MB": "0"}, "whole number of 1 or more"),
        ({"DEBUG": "maybe"}, "must be 1 (on) or 0 (off)"),
        ({"REDIS_URL": "localhost:6379"}, "must look like redis://"),
        ({"DATABASE_URL": "oracle-or-so"}, "must look like postgres://"),
        ({"PNEUMODETECT_DATA_DIR": "/proc/nowhere"}, "folder that you may write to"),
        ({"DATABASE_URL": "postgres://u:pass/word@h:5432/x"}, "must look like postgres://"),
        ({"PNEUMODETECT_CORS_ORIGINS": "reading.example.org"}, "must be origins without a path"),
        ({"PNEUMODETECT_CORS_ORIGINS": "https://a.example,https://b.example/page"}, "must be origins without a path"),
        ({"PNEUMODETECT_UPLOADS_A_MINUTE": "-1"}, "whole number of 1 or more"),
        ({"TZ": ":/etc/localtime"}, "must name a time zone"),
        ({"PNEUMODETECT_STORAGE_URL": "s3://bucket"}, "is not supported yet"),
        ({"ALLOWED_HOSTS": "xray.example.org"}, "SECRET_KEY must be set"),
        ({"ALLOWED_HOSTS": "https://xray.example.org"}, "must be host names alone"),
        ({"ALLOWED_HOSTS": "xray.example.org:8000"}, "must be host names alone"),
        ({"PNEUMODETECT_WEBHOOKS_ALLOW_PRIVATE": "10.0.0.1/8"}, "must be networks with commas"),
        ({"PNEUMODETECT_URL": "xray.example.org"}, "must look like https://"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_a_hint(
    tmp_path: Path, environment: dict[str, str], hint: str
) -> None:
    done = start(tmp_path, **environment)
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr.splitlines()[-1]
    assert hint in done.stderr.splitlines()[-1]
    assert next(iter(environment)) in done.stderr.splitlines()[-1]


def test_the_secret_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    first, again = start(tmp_path), start(tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var" / "secret_key").mkdir(parents=True)
    last = start(tmp_path).stderr.splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured")
    assert "Run this as the user to whom" in last


def test_many_processes_that_start_at_once_agree_on_the_secret_key(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PNEUMODETECT_DATA_DIR": str(tmp_path / "var")}
    processes = [
        subprocess.Popen([sys.executable, "-c", CODE], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    keys = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(keys) == 1
    assert keys.pop().strip()


def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    start(tmp_path)
    assert {path.name for path in (tmp_path / "var").rglob("*")} >= {"incoming", "static", "secret_key"}
    for path in (tmp_path / "var", *(tmp_path / "var").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_limits_that_depend_on_one_another_are_in_order() -> None:
    from django.conf import settings

    lease = settings.LEASE.total_seconds()
    assert settings.CLASSIFY_SOFT_LIMIT < settings.CLASSIFY_HARD_LIMIT < lease
    assert lease < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
