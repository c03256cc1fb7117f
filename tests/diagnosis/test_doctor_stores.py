"""What stores things is looked at by the doctor: Redis, database and files, each broken for real."""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler
from pytest_django.fixtures import Settings
from redis import Redis

from diagnosis.doctor import database, redis_server, storage
from tests.diagnosis.findings import found
from tests.factories import make_radiograph
from tests.real_redis import RedisServer

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


def test_a_database_that_another_process_holds_is_told_apart(
    db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as holder:
        holder.execute("BEGIN IMMEDIATE")
        use(monkeypatch, tmp_path / "db.sqlite3", timeout=0)
        told = found(database._writable)
    assert "database is locked. Another process has been writing for long" in told
    assert "must own the file" not in told


def test_a_trial_that_fails_leaves_no_transaction_open(
    db: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as earlier:
        earlier.execute("CREATE TABLE doctor_was_here (word text)")
    use(monkeypatch, tmp_path / "db.sqlite3")
    assert "already exists" in found(database._writable)
    assert not database.connection.connection.in_transaction  # type: ignore[attr-defined]


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
