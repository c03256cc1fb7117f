"""Puts a backup back, all of it or nothing, and only where there is nothing yet."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.apps.registry import Apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from diagnosis.backup import rows
from diagnosis.backup.container import BackupError, BackupReader, read
from diagnosis.backup.taking import verify

FOLDERS = ("uploads", "models", "training")
#: Every migration writes into these.
ALWAYS_FULL = {"django_content_type", "auth_permission"}
#: Below the data folder: what is not yet in its place. With the mark in it, some may be there already.
STAGING, PLACING = "restoring", "placing"


def restore(path: Path) -> dict[str, int]:
    """Bring back rows and files; return the number of rows of each table.

    Raises BackupError, with nothing changed, where the backup is not whole or the place is not empty.
    """
    try:
        with _nothing_runs():
            _clear_unfinished()
            _require_emptiness()
            found = verify(path)
            _require_room(found["size"])
            _restore(path, found["header"])
    except OSError as error:
        raise BackupError(f"{error.filename or path} cannot be read or written: {error.strerror}.") from error
    except DatabaseError as error:
        raise BackupError(f"The database does not take the rows: {' '.join(str(error).split())}.") from error
    return dict(found["end"]["rows"])


@contextmanager
def _nothing_runs() -> Iterator[None]:
    """Hold the lock that ``make run`` holds while it runs."""
    with (settings.DATA_DIR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BackupError(f"PneumoDetect runs with the data in {settings.DATA_DIR}. Stop it first.") from error
        yield


def _clear_unfinished() -> None:
    """Remove what a restoring that was killed has left; its rows were never committed."""
    staging = settings.DATA_DIR / STAGING
    if (staging / PLACING).exists():
        _require_no_rows()
        for name in FOLDERS:
            shutil.rmtree(settings.DATA_DIR / name, ignore_errors=True)
    if staging.exists():
        shutil.rmtree(staging)


def _require_emptiness() -> None:
    for name in FOLDERS:
        if any(path.is_file() for path in (settings.DATA_DIR / name).rglob("*")):
            raise BackupError(
                f"There are files in {settings.DATA_DIR / name}, and a backup is restored into an empty place only. "
                "Name a new folder as PNEUMODETECT_DATA_DIR, or move this one away."
            )
    _require_no_rows()


def _require_no_rows() -> None:
    there = set(connection.introspection.table_names())
    for table, model in rows.tables(apps).items():
        if table in there - ALWAYS_FULL and model._base_manager.order_by().values("pk").exists():
            raise BackupError(
                f"There are rows in the database already (in {table}), and a backup is restored into an empty one "
                "only. Name another one as DATABASE_URL, or another PNEUMODETECT_DATA_DIR for SQLite."
            )


def _require_room(size: int) -> None:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if size > free:
        raise BackupError(
            f"The backup needs {size // 1024**2} MB, and {settings.DATA_DIR} has room for {free // 1024**2} MB. "
            "Make room, or restore it elsewhere."
        )


def _restore(path: Path, header: dict[str, Any]) -> None:
    models = rows.tables(_tables_as_they_were(header))
    if unknown := header["tables"].keys() - models.keys():
        raise BackupError(f"The backup has tables that this version does not know: {', '.join(sorted(unknown))}.")
    staging = settings.DATA_DIR / STAGING
    staging.mkdir()
    try:
        with transaction.atomic(), read(path) as reader:
            rows.empty(models.values(), "default")
            _take_in(reader, header["tables"], models, staging)
            rows.go_on_counting(models.values(), "default")
            _forget_deleted(reader.end, models)
            _place(staging)
    except BaseException:
        _clear_unfinished()
        raise
    shutil.rmtree(staging)
    call_command("migrate", interactive=False, verbosity=0)


def _tables_as_they_were(header: dict[str, Any]) -> Apps:
    """Make the tables as they were when the backup was taken; newer migrations then find the rows in them."""
    wanted = {(app, name) for app, name in header["migrations"]}
    executor = MigrationExecutor(connection)
    if unknown := wanted - executor.loader.disk_migrations.keys():
        raise BackupError(
            f"The backup was taken by a newer version of PneumoDetect (migration {'.'.join(min(unknown))}). "
            "Restore it with that one."
        )
    if set(executor.loader.applied_migrations) - wanted:
        executor = _afresh()
    graph = executor.loader.graph
    known = wanted & graph.nodes.keys()
    targets = [each for each in known if not any(child.key in known for child in graph.node_map[each].children)]
    executor.migrate(targets)
    executor.loader.build_graph()
    return executor.loader.project_state(targets).apps


def _afresh() -> MigrationExecutor:
    """Forget tables that are newer than the backup; there are no rows in them."""
    if connection.vendor != "sqlite":
        raise BackupError(
            "The database has tables of a newer version than the backup. Name an empty one as DATABASE_URL."
        )
    connection.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{connection.settings_dict['NAME']}{ending}").unlink(missing_ok=True)
    return MigrationExecutor(connection)


def _take_in(reader: BackupReader, columns: dict[str, list[str]], models: dict[str, Any], staging: Path) -> None:
    counted = dict.fromkeys(columns, 0)
    for name, file in reader.members():
        kind, _, rest = name.partition("/")
        if kind == "rows":
            table = rest.partition("/")[0]
            counted[table] += rows.load(models[table], columns[table], file, "default")
        else:
            _write(staging / rest, file)
    if counted != reader.end["rows"]:
        raise BackupError("The backup holds other rows than its end says: a part was taken out. Take another one.")


def _write(path: Path, file: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as copy:
        shutil.copyfileobj(file, copy, 1024**2)


def _forget_deleted(end: dict[str, Any], models: dict[str, Any]) -> None:
    """Delete what users deleted while the backup was taken, and name no file that a rule removed then."""
    for table, pk in end["deleted"]:
        models[table]._base_manager.filter(pk=pk).delete()
    for table, pk, field in end.get("removed", []):
        models[table]._base_manager.filter(pk=pk).update(**{field: ""})


def _place(staging: Path) -> None:
    (staging / PLACING).touch()
    for name in FOLDERS:
        if (staging / name).exists():
            with suppress(FileNotFoundError):
                shutil.rmtree(settings.DATA_DIR / name)  # without a file in it
            (staging / name).rename(settings.DATA_DIR / name)
    if (staging / "secret_key").exists():
        (staging / "secret_key").replace(settings.DATA_DIR / "secret_key")
