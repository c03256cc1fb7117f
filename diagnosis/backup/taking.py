"""Takes the backup. The rows are those of one moment; the platform goes on meanwhile."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import FileField, Model

from diagnosis.backup import rows
from diagnosis.backup.container import FORMAT, HEADER, BackupError, BackupWriter, NewFile, read

ALIAS = "backup"


@dataclass
class Taken:
    """What a backup holds. ``missing`` are files that rows name and the disk has not."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    missing: list[str] = field(default_factory=list)
    deleted: list[list[str]] = field(default_factory=list)
    removed: list[list[str]] = field(default_factory=list)


def take(path: Path) -> Taken:
    """Write the backup to ``path``. Raises BackupError, with nothing written, where it cannot be taken whole."""
    taken = Taken()
    try:
        with NewFile(path) as new, _snapshot() as using:
            writer = BackupWriter(new.file)
            writer.add_json(HEADER, _header(using))
            _add_rows(writer, using, taken)
            _add_files(writer, using, taken)
            writer.finish(rows=taken.rows, deleted=taken.deleted, removed=taken.removed, missing=taken.missing)
            new.close()
            verify(new.partial)
            new.keep()
    except OSError as error:
        raise BackupError(f"{error.filename or path} cannot be read or written: {error.strerror}.") from error
    except DatabaseError as error:
        raise BackupError(f"The database does not give its rows: {' '.join(str(error).split())}.") from error
    return taken


def verify(path: Path) -> dict[str, Any]:
    """Read all of a backup and compare every hash; return what its header and its end say."""
    with read(path) as reader:
        size = 0
        for _, file in reader.members():
            while data := file.read(1024**2):
                size += len(data)
        return {"header": reader.header, "end": reader.end, "size": size}


@contextmanager
def _snapshot() -> Iterator[str]:
    """Give a connection that sees the database as it is now, whatever is written meanwhile, and holds up no writer."""
    facts = copy.deepcopy(connections["default"].settings_dict)
    if connections["default"].vendor == "sqlite":
        facts["OPTIONS"]["transaction_mode"] = "DEFERRED"
    else:
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        facts["OPTIONS"]["isolation_level"] = IsolationLevel.REPEATABLE_READ
    connections.databases[ALIAS] = facts
    try:
        with transaction.atomic(using=ALIAS):
            yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


def _header(using: str) -> dict[str, Any]:
    executor = MigrationExecutor(connections[using])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BackupError("The database is not up to date with this program. Migrate it first: manage.py migrate")
    return {
        "format": FORMAT,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "migrations": sorted(executor.loader.applied_migrations),
        "tables": {table: list(rows.fields_of(model)) for table, model in rows.tables(apps).items()},
    }


def _add_rows(writer: BackupWriter, using: str, taken: Taken) -> None:
    for table, model in rows.tables(apps).items():
        taken.rows[table] = 0
        for count, (data, number) in enumerate(rows.dump(model, using), start=1):
            writer.add_bytes(f"rows/{table}/{count:06}.jsonl", data)
            taken.rows[table] += number


def _add_files(writer: BackupWriter, using: str, taken: Taken) -> None:
    for model in rows.tables(apps).values():
        for each in model._meta.local_fields:
            if isinstance(each, FileField):
                _add_named(writer, model, each, using, taken)
    for path in _others():
        writer.add_file(f"files/{path.relative_to(settings.DATA_DIR).as_posix()}", path)
        taken.files += 1


def _add_named(writer: BackupWriter, model: type[Model], each: FileField, using: str, taken: Taken) -> None:
    """Add the files that the rows name. Where one is gone since its row was deleted, the row will not come back.

    Where a retention rule has removed it meanwhile, the row will say so.
    """
    named = model._base_manager.using(using).exclude(**{each.name: ""})
    for pk, name in named.values_list("pk", each.attname).iterator(rows.CHUNK):
        try:
            writer.add_file(f"files/uploads/{name}", Path(each.storage.path(name)))
            taken.files += 1
        except FileNotFoundError:
            row = [model._meta.db_table, str(pk)]
            match model._base_manager.filter(pk=pk).values_list(each.attname, flat=True).first():
                case None:
                    taken.deleted.append(row)
                case "":
                    taken.removed.append([*row, each.attname])
                case _:
                    taken.missing.append(name)


def _others() -> Iterator[Path]:
    """Give the files that no row names: published models, what training has made, and the key.

    Not what is half done, a training under way among it, whose files change while they are read.
    """
    for folder in (Path(settings.MODELS_DIR), settings.DATA_DIR / "training"):
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            half_done = any(part.startswith(".") or part.endswith(".partial") for part in parts)
            if path.is_file() and not path.is_symlink() and not half_done:
                yield path
    if (key := settings.DATA_DIR / "secret_key").is_file():
        yield key
