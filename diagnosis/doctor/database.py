"""The database: reachable, up to date with this program, whole, and durable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from diagnosis.audit import guard
from diagnosis.doctor.findings import Finding, ok, on_one_line, problem, warning

#: Seconds for which SQLite's file is read through; what is left then is said to be.
READ_FOR = 15.0


def look() -> Iterator[Finding]:
    try:
        if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
            yield problem(f"There is no database at {_place()}.", _filling())
            return
        connection.ensure_connection()
        yield ok(f"The database answers ({connection.vendor}, {_place()}).")
        yield from _writable()
        yield from _migrations()
        yield from _sqlite() if connection.vendor == "sqlite" else _postgresql()
    except DatabaseError as error:
        yield problem(f"The database cannot be used ({_place()}): {on_one_line(error)}.", _remedy())


def _remedy() -> str:
    if connection.vendor != "sqlite":
        return "See that it runs and is reachable from here, and that DATABASE_URL and the rights on it are right."
    return (
        "See the lines on disk and permissions. If nothing is wrong there, the file is damaged: stop the platform, "
        "keep the file, and restore the newest backup into an empty place (manage.py restore)."
    )


def _writable() -> Iterator[Finding]:
    """Begin to write, and leave it at that."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SHOW transaction_read_only")
                if cursor.fetchone()[0] == "on":
                    raise DatabaseError("it takes no changes (transaction_read_only)")
            elif not connection.in_atomic_block:
                cursor.execute("BEGIN IMMEDIATE")  # which SQLite lets pass without the right to write
                try:
                    cursor.execute("CREATE TABLE doctor_was_here (word text)")
                finally:
                    if connection.connection.in_transaction:  # which some faults end by themselves
                        cursor.execute("ROLLBACK")
    except DatabaseError as error:
        sentence = f"Nothing can be written to the database ({_place()}): {on_one_line(error)}."
        yield problem(sentence, _remedy_for_writing(error))


def _remedy_for_writing(error: DatabaseError) -> str:
    if connection.vendor != "sqlite":
        return "Let DATABASE_URL name the server that takes changes, no copy of it."
    if "is locked" in str(error):
        return (
            "Another process has been writing for long: wait for a backup or migration to end and look again, or find "
            f"it (fuser -v {_place()}) and stop it."
        )
    return "See the lines on disk and permissions; the user who runs the platform must own the file and its folder."


def _place() -> str:
    facts = connection.settings_dict
    return f"{facts['HOST']}:{facts['PORT'] or 5432}/{facts['NAME']}" if facts.get("HOST") else str(facts["NAME"])


def _migrations() -> Iterator[Finding]:
    loader = MigrationExecutor(connection).loader
    missing = sorted(set(loader.graph.nodes) - set(loader.applied_migrations))
    if not loader.applied_migrations:
        yield problem(f"The database is empty ({_place()}).", _filling())
        return
    if missing:
        names = ", ".join(f"{app}.{name}" for app, name in missing[:3])
        yield problem(
            f"{len(missing)} migrations are not applied, such as {names}: the tables are those of an older version.",
            "Take a backup, then: manage.py migrate",
        )
    apps = {app for app, _ in loader.disk_migrations}
    unknown = sorted(key for key in set(loader.applied_migrations) - loader.disk_migrations.keys() if key[0] in apps)
    if unknown:
        yield problem(
            f"The database was made by a newer version (it has {'.'.join(unknown[-1])}).",
            "Run that version again, or restore a backup of this one into an empty place.",
        )
    if not missing and not unknown:
        yield ok("All migrations are applied.")
        yield from _audit_log()


def _audit_log() -> Iterator[Finding]:
    if not guard.is_up():
        yield problem(
            "The audit log could be changed: the triggers that keep the database from it are gone.",
            "Find out who took them away, then put them up again: manage.py migrate",
        )


def _filling() -> str:
    if not any(Path(settings.MEDIA_ROOT).rglob("*.*")):
        return "If it is new: manage.py migrate (make run does it too)."
    return (
        f"But {settings.MEDIA_ROOT} holds uploads, so it was removed, or DATABASE_URL names another one. Stop the "
        "platform, and put the file back or restore the newest backup into an empty place (manage.py restore)."
    )


def _sqlite() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
        if mode != "wal":
            yield warning(
                f"SQLite's journal mode is {mode}: readers wait for writers.",
                "See that the folder of the database can be written to, and is no network file system.",
            )
    yield from _integrity()


def _integrity() -> Iterator[Finding]:
    end = time.monotonic() + READ_FOR
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check(3)")
            faults = [row[0] for row in cursor.fetchall()]
    except DatabaseError as error:
        if "interrupted" not in str(error):
            faults = [str(error)]
        else:
            yield ok(f"The database was read for {READ_FOR:g} s, and no damage was found so far.")
            return
    finally:
        connection.connection.set_progress_handler(None, 0)
    if faults == ["ok"]:
        yield ok("The database is not damaged.")
    else:
        yield problem(
            f"The database is damaged: {on_one_line(DatabaseError(faults[0]))}.",
            "Stop the platform, keep the file, and restore the newest backup into an empty place.",
        )


def _postgresql() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] == "off":
            yield warning(
                "PostgreSQL confirms before it has written (synchronous_commit off): a power cut may lose uploads.",
                "Set synchronous_commit to on.",
            )
        cursor.execute("SHOW fsync")
        if cursor.fetchone()[0] == "off":
            yield problem("PostgreSQL does not write to disk at once (fsync off).", "Set fsync to on.")
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if not cursor.fetchone():
            yield warning(
                "Searching the history is slow without pg_trgm.", "As a superuser: CREATE EXTENSION pg_trgm;"
            )
