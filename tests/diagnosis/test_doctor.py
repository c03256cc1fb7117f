"""What is broken is found, and said in plain words with what to do about it; each thing is broken for real."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis

from diagnosis import worker_reports
from diagnosis.doctor import database, jobs, machine, model, program, redis_server, storage, workers
from diagnosis.doctor.examination import examine
from diagnosis.doctor.findings import Finding, State, ok
from diagnosis.models import ModelVersion
from diagnosis.worker import host_name
from tests.conftest import BUNDLED_MODEL
from tests.factories import make_radiograph
from tests.live import ROOT, clean_environment
from tests.real_redis import RedisServer, cache_at

LONG_AGO = timezone.now() - timedelta(hours=1)


def found(look: Callable[[], Iterable[Finding]]) -> str:
    """Return what is not as it should be, with what to do about it, one a line."""
    findings = [each for each in look() if each.state != State.OK]
    assert all(each.remedy for each in findings)
    return "\n".join(f"{each.state}: {each.sentence} {each.remedy}" for each in findings)


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


# Redis


def test_a_redis_as_make_run_starts_it_is_fine(real_redis: Redis) -> None:
    assert found(redis_server.look) == ""


def test_a_redis_that_drops_messages_or_forgets_them_is_noticed(settings: Settings, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "appendonly no\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru\n")
    settings.REDIS_URL = server.url
    told = found(redis_server.look)
    assert "warning: Redis does not write its queue to disk" in told
    assert "problem: Redis may drop messages to make room (maxmemory-policy allkeys-lru)" in told
    server.stop()
    assert "does not answer" in found(redis_server.look)


def test_a_redis_that_takes_connections_and_says_nothing_is_to_be_started_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.REDIS_URL = url
        monkeypatch.setattr(redis_server, "connect", lambda: Redis.from_url(url, socket_timeout=0.1))
        assert "says nothing: it hangs, was stopped" in found(redis_server.look)


def test_a_wrong_password_of_redis_is_told_without_the_password(
    settings: Settings, redis_process: RedisServer
) -> None:
    settings.REDIS_URL = f"redis://:a-secret@{redis_process.url.rpartition('@')[2]}"
    told = found(redis_server.look)
    assert "Correct the password in REDIS_URL" in told or "does not answer" in told
    assert "a-secret" not in told


# Database


def use(monkeypatch: pytest.MonkeyPatch, path: Path | str, **options: Any) -> None:
    """Let the doctor look at the SQLite database at ``path``."""
    facts = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
    monkeypatch.setattr(database, "connection", ConnectionHandler({"default": facts})["default"])


def test_migrations_that_are_missing_or_too_many_are_told(db: Any) -> None:
    assert found(database._migrations) == ""
    MigrationRecorder(connection).record_unapplied("diagnosis", "0010_tags_filters_thumbnails")
    assert "1 migrations are not applied, such as diagnosis.0010" in found(database._migrations)
    MigrationRecorder(connection).record_applied("diagnosis", "9999_of_the_future")
    assert "made by a newer version (it has diagnosis.9999_of_the_future)" in found(database._migrations)


def test_a_damaged_database_is_noticed(db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE much (text)")
        raw.executemany("INSERT INTO much VALUES (?)", [("x" * 3000,)] * 50)
    raw.close()
    data = bytearray(path.read_bytes())
    data[8 * 4096 : 10 * 4096] = os.urandom(2 * 4096)
    path.write_bytes(data)
    use(monkeypatch, path)
    assert "problem: The database is damaged" in found(database.look)


def test_no_database_and_one_that_is_none_are_told(db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, tmp_path / "nowhere.sqlite3")
    assert "There is no database" in found(database.look)
    (tmp_path / "text.sqlite3").write_text("this is no database " * 100)
    use(monkeypatch, tmp_path / "text.sqlite3")
    assert "problem: The database cannot be used" in found(database.look)


def test_an_empty_database_beside_uploads_was_taken_away_and_is_not_just_migrated(
    db: Any, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "empty.sqlite3").touch()
    use(monkeypatch, tmp_path / "empty.sqlite3")
    assert "The database is empty" in (told := found(database.look))
    assert "If it is new: manage.py migrate" in told
    Path(settings.MEDIA_ROOT).mkdir()
    (Path(settings.MEDIA_ROOT) / "chest.png").touch()
    told = found(database.look)
    assert "it was removed, or DATABASE_URL names another one" in told
    assert "manage.py migrate" not in told


def test_a_database_that_takes_no_changes_is_told(db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "db.sqlite3").close()
    use(monkeypatch, tmp_path / "db.sqlite3")
    assert found(database._writable) == ""
    use(monkeypatch, f"file:{tmp_path / 'db.sqlite3'}?mode=ro", uri=True)
    assert "Nothing can be written to the database" in (told := found(database._writable))
    assert "readonly" in told


def test_a_database_that_readers_must_wait_for_is_told(
    db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sqlite3.connect(tmp_path / "db.sqlite3").close()
    (tmp_path / "db.sqlite3").touch()
    use(monkeypatch, tmp_path / "db.sqlite3")
    assert "SQLite's journal mode is delete" in found(database.look)


# Storage


def test_files_that_all_belong_to_rows_and_rows_to_files_are_fine(alice: User) -> None:
    make_radiograph(alice)
    assert found(storage.look) == ""


def test_folders_that_are_not_there_yet_are_not_made(db: Any, settings: Settings) -> None:
    assert found(storage.look) == ""
    assert not Path(settings.MEDIA_ROOT).exists()


def test_a_file_that_is_missing_and_one_too_many_are_told_with_their_names(alice: User, settings: Settings) -> None:
    kept, lost = make_radiograph(alice), make_radiograph(alice)
    Path(lost.file.path).unlink()
    stray = Path(settings.MEDIA_ROOT) / "stray.jpg"
    stray.touch()
    assert "stray.jpg" not in found(storage.look)  # it may be an upload under way
    for path in (stray, Path(kept.file.path)):
        os.utime(path, (0, 0))
    told = found(storage.look)
    assert "problem: Of 2 radiographs that were looked at, the files of 1 are missing" in told
    assert str(lost.file.name) in told
    assert f"warning: 1 of 2 files that were looked at belong to no radiograph, such as {stray}" in told


def test_folders_that_cannot_be_written_to_are_told(db: Any, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = "/proc/uploads"
    settings.MODELS_DIR = tmp_path / "file"
    settings.MODELS_DIR.touch()
    told = found(storage.look)
    assert "Nothing can be written to /proc/uploads" in told
    assert f"Nothing can be written to {settings.MODELS_DIR}" in told


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
        (host_name(), 20.0, "has said nothing for 20 s: it hangs, or was stopped."),
        ("elsewhere", 20.0, "has said nothing for 20 s, or its clock is behind."),
        ("elsewhere", -60.0, "has a clock that is ahead."),
    ],
)
def test_a_worker_that_hangs_is_told_from_one_whose_clock_differs(
    real_redis: Redis, monkeypatch: pytest.MonkeyPatch, host: str, seconds: float, words: str
) -> None:
    monkeypatch.setattr(worker_reports, "host_name", lambda: host)
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


def test_it_says_under_which_names_others_reach_the_platform(settings: Settings) -> None:
    settings.IS_PUBLIC, settings.ALLOWED_HOSTS = True, ["xray.example.org"]
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECRET_KEY = 3600, "0123456789abcdefghij" * 4
    assert "is reached as xray.example.org" in "".join(each.sentence for each in program.settings_in_use())
