"""The machine: room on the disk, who may read what, and what time it is."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from diagnosis.doctor.findings import Finding, ok, problem, warning
from diagnosis.doctor.redis_server import connect

#: Seconds by which two clocks may differ: from a third of a lease on, one worker takes another's work.
SKEW, GREAT_SKEW = 2.0, settings.LEASE.total_seconds() / 3
FILES = 500


def disk() -> Iterator[Finding]:
    usage = shutil.disk_usage(settings.DATA_DIR)
    free = f"{_size(usage.free)} of {_size(usage.total)}"
    if usage.free < settings.DISK_LOW_BYTES:
        yield problem(
            f"The disk of {settings.DATA_DIR} is nearly full: {free} are free. Once it is full, uploads are refused.",
            "Make room, or move the data to a larger disk.",
        )
    else:
        yield ok(f"The disk has room: {free} are free.")
    entries = os.statvfs(settings.DATA_DIR)
    if entries.f_files and entries.f_favail < 0.05 * entries.f_files:
        yield problem(
            f"The file system can hold only {entries.f_favail} files more.",
            "Make one with more inodes, or remove files.",
        )


def _size(size: int) -> str:
    return f"{size / 1024**3:.1f} GB" if size >= 1024**3 else f"{size / 1024**2:.0f} MB"


def permissions() -> Iterator[Finding]:
    """Look at modes, which hold for everybody; this command may be run by root, whom nothing keeps out."""
    folder = settings.DATA_DIR
    facts = folder.stat()
    if facts.st_mode & stat.S_IRWXO:
        yield problem(
            f"Every user of this machine can look into {folder}, where patients' images lie.", f"chmod o-rwx {folder}"
        )
    else:
        yield ok(f"{folder} is closed to other users of this machine.")
    yield from _secrets(folder)
    yield from _owners(folder, facts.st_uid)


def _secrets(folder: Path) -> Iterator[Finding]:
    for name in ("secret_key", "db.sqlite3", "redis/redis.conf"):
        with suppress(FileNotFoundError):
            if (folder / name).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                yield problem(f"Others than its owner can read {folder / name}.", f"chmod 600 {folder / name}")


def _owners(folder: Path, owner: int) -> Iterator[Finding]:
    """Find what root has written where another user runs the platform: that user cannot write to it."""
    if os.geteuid() not in (0, owner):
        yield warning(
            f"{folder} belongs to another user than you, so some of this may look worse than it is.",
            "Run this as the user who runs the platform.",
        )
    foreign = []
    for path in islice(folder.rglob("*"), FILES):
        with suppress(OSError):
            if path.lstat().st_uid != owner:
                foreign.append(path)
    if foreign:
        yield problem(
            f"{len(foreign)} files belong to another user than {folder} does, such as {foreign[0]}.",
            f"Give them back: chown -R --reference={folder} {folder}",
        )


def clock() -> Iterator[Finding]:
    """Compare the clocks that leases are measured by. A part that does not answer is told of elsewhere."""
    with suppress(RedisError, OSError, ValueError), connect() as redis:
        seconds, micro = redis.time()
        yield _compared("Redis", seconds + micro / 1e6)
    if connection.vendor == "postgresql":
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            yield _compared("PostgreSQL", cursor.fetchone()[0].timestamp())
    now = datetime.now(UTC)
    if now.year < 2026:
        yield problem(f"The clock of this machine says {now:%Y-%m-%d}.", "Set it, and let it follow a time server.")


def _compared(name: str, there: float) -> Finding:
    skew = there - time.time()
    sentence = f"The clock of {name} is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's."
    remedy = "Let all machines follow the same time server (NTP)."
    if abs(skew) > GREAT_SKEW:
        return problem(f"{sentence} Workers may take each other's work.", remedy)
    return warning(sentence, remedy) if abs(skew) > SKEW else ok(f"The clock of {name} agrees with this machine's.")
