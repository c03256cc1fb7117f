"""The files: can they be written, are those there that rows name, and do all belong to a row."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from diagnosis.doctor.findings import Finding, ok, on_one_line, problem, warning
from diagnosis.models import Radiograph, Removal

#: So many rows, the newest and others by chance, are looked after on the disk; so many files in the database.
ROWS, FILES = 200, 5000
#: A younger file may be one whose rows are just being written.
SETTLED = 3600.0


def look() -> Iterator[Finding]:
    for name, folder in (
        ("uploads", Path(settings.MEDIA_ROOT)),
        ("incoming", Path(settings.FILE_UPLOAD_TEMP_DIR)),
        ("models", Path(settings.MODELS_DIR)),
    ):
        yield _writable(name, folder)
    yield _one_file_system()
    yield _missing()
    yield _orphans()
    yield _removals()


def _writable(name: str, folder: Path) -> Finding:
    probe = _first_there(folder) / f".doctor-{os.getpid()}"
    try:
        probe.write_bytes(b"written")
        with probe.open("rb") as file:
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        return problem(
            f"Nothing can be written to {folder}: {on_one_line(error)}.",
            "See that the folder belongs to the user who runs the platform, that its disk has room and is not "
            "mounted to be read only.",
        )
    return ok(f"The folder {name} can be written to.")


def _first_there(folder: Path) -> Path:
    """Return the folder, or where the first upload will make it."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _one_file_system() -> Finding:
    folders = (Path(settings.MEDIA_ROOT), Path(settings.FILE_UPLOAD_TEMP_DIR))
    try:
        devices = {_first_there(folder).stat().st_dev for folder in folders}
    except OSError as error:
        return problem(f"A folder cannot be looked at: {on_one_line(error)}.", "See the lines above.")
    if len(devices) > 1:
        return warning(
            "uploads and incoming lie on different disks, so each upload is copied.", "Put both on the same one."
        )
    return ok("Uploads are received on the disk on which they stay.")


def _missing() -> Finding:
    rows = Radiograph.objects.all()
    newest = rows.order_by("-created").values_list("file", flat=True)[: ROWS // 2]
    # Primary keys are random, so what follows on any of them is as good as drawn by lot.
    any_ = rows.filter(pk__gte=uuid.uuid4()).order_by("pk").values_list("file", flat=True)[: ROWS // 2]
    names = {*newest, *any_} - {""}
    missing = sorted(name for name in names if not (Path(settings.MEDIA_ROOT) / name).is_file())
    if missing:
        return problem(
            f"Of {len(names)} radiographs that were looked at, the files of {len(missing)} are missing, such as "
            f"{Path(settings.MEDIA_ROOT) / missing[0]}.",
            "See that the right disk is mounted there and PNEUMODETECT_DATA_DIR is right; else restore a backup, or "
            "delete those X-rays from the history.",
        )
    return ok(f"The files of all {len(names)} radiographs that were looked at are there.")


def _orphans() -> Finding:
    """Look for files whose row is gone; what is left of an upload counts after an hour."""
    settled = (path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file() and _is_settled(path))
    files = list(islice(settled, FILES))
    known: set[str] = set()
    keys = sorted({key for path in files if (key := _key_of(path))})
    for start in range(0, len(keys), 500):
        found = Radiograph.objects.filter(pk__in=keys[start : start + 500]).values_list("pk", flat=True)
        known |= {str(pk) for pk in found}
    orphans = [path for path in files if _key_of(path) not in known]
    if orphans:
        return warning(
            f"{len(orphans)} of {len(files)} files that were looked at belong to no radiograph, such as {orphans[0]}.",
            "They do no harm but for their room, and hold images: remove them once you know where they came from.",
        )
    return ok(f"All {len(files)} files that were looked at belong to a radiograph.")


def _removals() -> Finding:
    late = Removal.objects.all().unfinished().filter(moment__lt=timezone.now() - timedelta(seconds=SETTLED))
    if number := len(late[:FILES]):
        return warning(
            f"Of {number} radiographs a retention rule has removed the image, and the files may still be there.",
            "See that they can be deleted, then: manage.py apply_retention",
        )
    return ok("What retention rules removed is gone from the disk.")


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > SETTLED
    except OSError:  # removed meanwhile
        return False


def _key_of(path: Path) -> str | None:
    """Return the primary key after which a file is named."""
    try:
        return str(uuid.UUID(path.name.partition(".")[0]))
    except ValueError:
        return None
