"""Everything comes back out of a backup, into an empty place, all of it or nothing."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from diagnosis.backup import restoring
from diagnosis.backup.container import FORMAT, HEADER, BackupError, BackupWriter
from diagnosis.backup.restoring import restore
from tests.calls import Caller
from tests.drawings import jpeg_bytes
from tests.live import ROOT, LivePlatform, clean_environment


def run(data_dir: Path, *command: object, **environment: str) -> str:
    """Run Python in an installation with its data in ``data_dir``, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**clean_environment(), "PNEUMODETECT_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(data_dir: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Return all rows of a SQLite database, but for what starting a platform writes by itself."""
    database = sqlite3.connect(f"file:{data_dir / 'db.sqlite3'}?mode=ro", uri=True)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: set(database.execute(f"SELECT * FROM {name}")) for name in names}
    database.close()
    return {name: rows for name, rows in found.items() if name not in ("django_migrations", "sqlite_sequence")}


def files_of(data_dir: Path) -> dict[str, str]:
    folders = [data_dir / name for name in ("uploads", "models", "training")]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()] + [data_dir / "secret_key"]
    return {str(path.relative_to(data_dir)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


class Uploading(threading.Thread):
    """Sends radiographs until it is stopped."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(daemon=True)
        self.caller, self.sent, self.enough = caller, 0, threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.05):
            assert self.caller.upload(jpeg_bytes(seed=100 + self.sent))[0] == 201
            self.sent += 1


def test_a_backup_of_a_running_platform_is_whole_and_works_in_an_empty_place(
    live_platform: LivePlatform, tmp_path: Path
) -> None:
    caller = Caller(live_platform.url, live_platform.username, live_platform.password)
    before = [caller.upload(jpeg_bytes(seed=seed), wait=20)[1] for seed in (31, 32)]
    (live_platform.data_dir / "training" / "run-1").mkdir(parents=True, exist_ok=True)
    (live_platform.data_dir / "training" / "run-1" / "history.json").write_text("[]")
    uploading = Uploading(caller)
    uploading.start()
    run(live_platform.data_dir, "manage.py", "backup", tmp_path / "all.tar.gz", REDIS_URL=live_platform.redis_url())
    uploading.enough.set()
    uploading.join()
    assert uploading.sent

    place = tmp_path / "place"
    run(place, "manage.py", "restore", tmp_path / "all.tar.gz")
    restored, source = rows_of(place), rows_of(live_platform.data_dir)
    assert restored.keys() == source.keys()
    for table in ("auth_user", "diagnosis_apitoken", "diagnosis_modelversion", "auth_permission"):
        assert restored[table]
        assert restored[table] <= source[table]
    names = {row["id"].replace("-", "") for row in before}
    kept = {row for row in restored["diagnosis_radiograph"] if names & set(row)}
    assert len(kept) == 2
    assert kept <= source["diagnosis_radiograph"]
    files, there = files_of(place), files_of(live_platform.data_dir)
    assert files.items() <= there.items()
    uploads = sum(not name.endswith((".preview.png", ".thumbnail.jpg")) for name in files if "uploads/" in name)
    assert uploads == len(restored["diagnosis_radiograph"])
    assert "training/run-1/history.json" in files

    second = LivePlatform(place, PNEUMODETECT_DEMO_PASSWORD="").wait_until_ready()
    try:
        again = Caller(second.url, "demo", live_platform.password)
        by_id = {each["id"]: each for each in again.radiographs()}
        for each in before:
            assert by_id[each["id"]]["prediction"]["probability"] == each["prediction"]["probability"]
        status, new = again.upload(jpeg_bytes(seed=33), wait=20)
        assert (status, new["status"]) == (201, "succeeded")
    finally:
        second.stop()


FILLING = """
import django, sys; django.setup()
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command
from diagnosis.models import Prediction, Radiograph
call_command("migrate", verbosity=0)
alice = User.objects.create_user("alice", password="correct horse battery")
for seed in range(3):
    radiograph = Radiograph(owner=alice, filename="Erika.jpg", format="JPEG", width=1, height=1, sha256=str(seed) * 64)
    radiograph.file.save("upload.jpg", ContentFile(bytes([seed])))
    Prediction.objects.create(radiograph=radiograph)
"""
DELETING = """
from diagnosis.backup import taking
from diagnosis.models import RetentionRule
from diagnosis.retention.applying import apply
add_files, (gone, lost, removed) = taking._add_files, Radiograph.objects.all()
def meanwhile(*args):
    gone.delete()
    lost.file.delete(save=False)
    Prediction.objects.update(status="failed", finished_at="2001-01-01T00:00Z")
    Radiograph.objects.filter(pk=removed.pk).update(created="2001-01-01T00:00Z")
    apply(RetentionRule.objects.create(name="old", days=9, on_since="2001-01-01T00:00Z"))
    add_files(*args)
taking._add_files = meanwhile
call_command("backup", sys.argv[1])
print(gone.sha256[0], lost.sha256[0])
"""


def test_what_is_deleted_meanwhile_does_not_come_back_and_what_was_lost_before_is_told(tmp_path: Path) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings"}
    backup = tmp_path / "b.tar"
    *_, told = run(tmp_path / "a", "-c", FILLING + DELETING, backup, **environment).splitlines()
    run(tmp_path / "b", "manage.py", "restore", backup)
    rows = rows_of(tmp_path / "b")
    numbers = {text[0] for row in rows["diagnosis_radiograph"] for text in row if text and len(str(text)) == 64}
    gone, lost = told.split()
    assert numbers == {"0", "1", "2"} - {gone}
    assert lost in numbers
    assert len(rows["diagnosis_prediction"]) == 2
    assert not any("uploads/" in name for name in files_of(tmp_path / "b"))
    names = [str(text) for row in rows["diagnosis_radiograph"] for text in row if "/" in str(text)]
    assert len(names) == 1, "that of what was lost; what a rule removed is named no more"


OLDER = """
import django, sys; django.setup()
from pathlib import Path
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from diagnosis.backup import rows
from diagnosis.backup.container import FORMAT, BackupWriter
executor = MigrationExecutor(connection)
leaves = [each for each in executor.loader.graph.leaf_nodes() if each[0] not in ("diagnosis", "training")]
older = [*leaves, ("diagnosis", "0005_preview")]
executor.migrate(older)
executor.loader.build_graph()
tables = rows.tables(executor.loader.project_state(older).apps)
user = tables["auth_user"].objects.create(username="alice", password="x")
radiograph = tables["diagnosis_radiograph"].objects.create(
    owner=user, filename="a.jpg", format="JPEG", width=1, height=1, sha256="0" * 64)
tables["diagnosis_prediction"].objects.create(radiograph=radiograph, status="refused", finished_at=radiograph.created)
with open(sys.argv[1], "wb") as file:
    writer = BackupWriter(file)
    columns = {name: list(rows.fields_of(model)) for name, model in tables.items()}
    applied = sorted(executor.loader.applied_migrations)
    writer.add_json("header.json", {"format": FORMAT, "migrations": applied, "tables": columns})
    counted = dict.fromkeys(tables, 0)
    for name, model in tables.items():
        for data, number in rows.dump(model, "default"):
            writer.add_bytes(f"rows/{name}/000001.jsonl", data)
            counted[name] = number
    writer.finish(rows=counted, deleted=[], missing=[])
"""


def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "pneumodetect.settings"}
    run(tmp_path / "a", "-c", OLDER, tmp_path / "old.tar", **environment)
    run(tmp_path / "b", "manage.py", "restore", tmp_path / "old.tar")
    database = sqlite3.connect(tmp_path / "b" / "db.sqlite3")
    assert database.execute("SELECT filename, outcome FROM diagnosis_radiograph").fetchall() == [("a.jpg", "refused")]
    database.close()


@pytest.fixture
def place(db: None, settings: Settings, tmp_path: Path) -> Path:
    """An empty place."""
    settings.DATA_DIR = tmp_path / "place"
    settings.DATA_DIR.mkdir()
    return Path(settings.DATA_DIR)


HEADER_FACTS: dict[str, Any] = {"format": FORMAT, "migrations": [], "tables": {}}


def small(path: Path, members: dict[str, bytes], header: dict[str, Any] | None = None, **end: Any) -> Path:
    """Write a backup that fits its own hashes, whatever it holds."""
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as file:
        writer = BackupWriter(file)  # type: ignore[arg-type]
        writer.add_json(HEADER, HEADER_FACTS | (header or {}))
        for name, data in members.items():
            writer.add_bytes(name, data)
        writer.finish(**{"rows": {}, "deleted": [], "missing": [], **end})
    return path


def assert_refused(backup: Path, place: Path, sentence: str) -> None:
    with pytest.raises(BackupError, match=sentence):
        restore(backup)
    assert {path.name for path in place.rglob("*")} <= {"run.lock"}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz"])
def test_a_backup_that_was_cut_off_is_refused(place: Path, tmp_path: Path, name: str, share: float) -> None:
    backup = small(tmp_path / name, {f"files/uploads/{number}.jpg": os.urandom(9000) for number in range(5)})
    data = backup.read_bytes().rstrip(b"\0") if name == "b.tar" else backup.read_bytes()
    backup.write_bytes(data[: int(len(data) * share)])
    assert_refused(backup, place, "cut off|damaged")


def test_a_changed_byte_is_noticed_and_the_file_named(place: Path, tmp_path: Path) -> None:
    backup = small(tmp_path / "b.tar", {"files/uploads/1.jpg": b"as it was"})
    backup.write_bytes(backup.read_bytes().replace(b"as it was", b"otherwise"))
    assert_refused(backup, place, "uploads/1.jpg in the backup is not what was written")


def test_a_part_that_was_taken_out_is_noticed(place: Path, tmp_path: Path) -> None:
    backup = small(tmp_path / "b.tar", {"files/uploads/1.jpg": b"one", "files/uploads/2.jpg": b"two"})
    with tarfile.open(backup) as whole, tarfile.open(tmp_path / "c.tar", "w") as less:
        for member in whole:
            if member.name != "files/uploads/2.jpg":
                less.addfile(member, whole.extractfile(member))
    assert_refused(tmp_path / "c.tar", place, "not what was written")


@pytest.mark.parametrize(
    "name",
    [
        "files/uploads/../../../escaped",
        "/files/uploads/absolute",
        "files/redis/redis.conf",
        "files/uploads/a\\..\\b",
        "files//uploads/a",
        "files/secret_key/a",
        "rows/../x/000001.jsonl",
        "anything",
    ],
)
def test_a_name_that_no_backup_holds_is_refused(place: Path, tmp_path: Path, name: str) -> None:
    assert_refused(small(tmp_path / "b.tar", {name: b"x"}), place, "which no backup of PneumoDetect does")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_plain_file_is_refused(place: Path, tmp_path: Path, kind: bytes) -> None:
    backup = small(tmp_path / "b.tar", {})
    with tarfile.open(backup) as whole, tarfile.open(tmp_path / "c.tar", "w") as more:
        for count, member in enumerate(whole):
            more.addfile(member, whole.extractfile(member))
            if count == 0:
                link = tarfile.TarInfo("files/uploads/link")
                link.type, link.linkname = kind, "/etc/passwd"
                more.addfile(link)
    assert_refused(tmp_path / "c.tar", place, "which no backup of PneumoDetect does")


def test_another_tar_and_another_file_are_no_backups(place: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        member = tarfile.TarInfo("rows/auth_user/000001.jsonl")
        other.addfile(member, io.BytesIO())
    assert_refused(tmp_path / "other.tar", place, "no backup")
    (tmp_path / "text.tar").write_text("not a tar " * 200)
    assert_refused(tmp_path / "text.tar", place, "no backup")
    assert_refused(tmp_path / "nowhere.tar", place, "cannot be read")


def test_a_backup_of_a_newer_version_is_refused(place: Path, tmp_path: Path) -> None:
    assert_refused(small(tmp_path / "a.tar", {}, {"format": FORMAT + 1}), place, "newer version")
    newer = {"migrations": [["diagnosis", "9999_of_the_future"]]}
    assert_refused(small(tmp_path / "b.tar", {}, newer), place, r"newer version .*9999_of_the_future")


def test_a_place_with_rows_with_files_or_with_a_running_platform_is_refused(place: Path, tmp_path: Path) -> None:
    backup = small(tmp_path / "b.tar", {})
    user = User.objects.create_user("alice")
    with pytest.raises(BackupError, match=r"rows in the database already \(in auth_user\)"):
        restore(backup)
    user.delete()
    (place / "uploads").mkdir()
    (place / "uploads" / "1.jpg").touch()
    with pytest.raises(BackupError, match=r"There are files in .*uploads"):
        restore(backup)
    (place / "uploads" / "1.jpg").unlink()
    with (place / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="Stop it first"):
            restore(backup)


def header_of_now() -> dict[str, Any]:
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from diagnosis.backup.rows import fields_of, tables

    columns = {name: list(fields_of(model)) for name, model in tables(apps).items()}
    return {"migrations": sorted(MigrationRecorder(connection).applied_migrations()), "tables": columns}


@pytest.fixture
def permissions(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.usefixtures("permissions")
@pytest.mark.parametrize("row", [["nobody", 99999], ["too", "few"], "no list"])
def test_rows_that_the_database_does_not_take_leave_nothing_of_the_backup(
    place: Path, tmp_path: Path, row: Any
) -> None:
    header = header_of_now()
    columns = header["tables"]["diagnosis_profile"]
    values = [99999 if name == "user_id" else "2026-01-01T00:00:00+00:00" for name in columns]
    line = json.dumps(values if row == ["nobody", 99999] else row) + "\n"
    members = {"files/uploads/1.jpg": b"one", "rows/diagnosis_profile/000001.jsonl": line.encode()}
    counted = dict.fromkeys(header["tables"], 0) | {"diagnosis_profile": 1}
    assert_refused(small(tmp_path / "b.tar", members, header, rows=counted), place, "does not")


@pytest.mark.usefixtures("permissions")
def test_a_restoring_that_was_killed_is_begun_anew(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = header_of_now()
    backup = small(
        tmp_path / "b.tar", {"files/uploads/1.jpg": b"one"}, header, rows=dict.fromkeys(header["tables"], 0)
    )
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_clear_unfinished", lambda: None)
        place_files = restoring._place

        def killed(staging: Path) -> None:
            place_files(staging)
            raise KeyboardInterrupt

        patched.setattr(restoring, "_place", killed)
        with pytest.raises(KeyboardInterrupt):
            restore(backup)
    assert (place / "uploads" / "1.jpg").exists()
    restore(backup)
    assert (place / "uploads" / "1.jpg").read_bytes() == b"one"
    assert not (place / "restoring").exists()


def test_no_backup_takes_the_place_of_another_or_stays_half_done(place: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("the one of yesterday")
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(tmp_path / "b.tar"))
    assert (tmp_path / "b.tar").read_text() == "the one of yesterday"
    with pytest.raises(CommandError, match=r"must end with \.tar or \.tar\.gz"):
        call_command("backup", str(tmp_path / "b.zip"))
    with pytest.raises(CommandError, match="cannot be read or written"):
        call_command("backup", str(tmp_path / "nowhere" / "b.tar"))
    assert not list(tmp_path.glob(".*partial*"))
