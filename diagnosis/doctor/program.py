"""The program itself: its settings, its requirements, what browsers load, and whether mail goes out."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks, mail

from diagnosis.doctor.findings import Finding, ok, on_one_line, problem, warning

_PIN = re.compile(r"^(?P<name>[\w.-]+)(\[[\w,]+\])?==(?P<version>[\w.]+)\s*(;\s*(?P<marker>.+))?$")


def settings_in_use() -> Iterator[Finding]:
    """Run Django's own checks, those for production included where others than this machine are served."""
    found = [
        each
        for each in checks.run_checks(include_deployment_checks=settings.IS_PUBLIC)
        if not each.is_silenced() and each.level >= checks.WARNING
    ]
    for each in found:
        make = problem if each.level >= checks.ERROR else warning
        yield make(f"{' '.join(str(each.msg).split())} ({each.id})", each.hint or "See Django's documentation of it.")
    if not found:
        who = (
            f"is reached as {', '.join(settings.ALLOWED_HOSTS)}" if settings.IS_PUBLIC else "serves this machine alone"
        )
        yield ok(f"The settings are sound, for a server that {who}.")


def versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    other = [*_other_versions(settings.BASE_DIR / "diagnosis" / "requirements.txt")]
    for name, wanted, found in other:
        yield problem(f"{name} is {found or 'not installed'}; this was tried with {wanted}.", _install())
    if not other:
        yield ok(f"Python {python}, with the packages that this was tried with.")


def _install() -> str:
    return "Install what is asked for: .venv/bin/pip install -r diagnosis/requirements.txt"


def _other_versions(requirements: Path) -> Iterator[tuple[str, str, str | None]]:
    for line in requirements.read_text().splitlines():
        pin = _PIN.match(line)
        if pin and _is_meant(pin["marker"]):
            try:
                found: str | None = metadata.version(pin["name"])
            except metadata.PackageNotFoundError:
                found = None
            if found != pin["version"]:
                yield pin["name"], pin["version"], found


def _is_meant(marker: str | None) -> bool:
    if marker is None:
        return True
    from packaging.markers import Marker  # gunicorn requires it

    return Marker(marker).evaluate()


def static_files() -> Iterator[Finding]:
    """See that what the pages name is there, and is not that of an older version."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    remedy = "manage.py collectstatic --noinput, and start the web server again (make run does both)."
    try:
        names: dict[str, str] = json.loads(manifest.read_text())["paths"]
    except (OSError, ValueError, KeyError):
        yield problem("Style sheets and scripts were not collected, so pages fail.", remedy)
        return
    sources = {path for finder in get_finders() for path, _ in finder.list([])}
    unknown = sources - names.keys()
    missing = {name for name in names.values() if not (Path(settings.STATIC_ROOT) / name).is_file()}
    if unknown or missing:
        yield problem(f"{len(unknown | missing)} static files are missing, such as {min(unknown | missing)}.", remedy)
    else:
        yield ok(f"All {len(names)} static files are there.")


def email() -> Iterator[Finding]:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        sentence = "Mail (to reset a password) is only written to the web server's log."
        if settings.IS_PUBLIC:
            yield warning(
                sentence, "Set EMAIL_URL, such as smtp+tls://user:password@host:587, and DEFAULT_FROM_EMAIL."
            )
        else:
            yield ok(f"{sentence} EMAIL_URL sends it.")
        return
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        yield warning("Mail has no sender that others can answer to.", "Set DEFAULT_FROM_EMAIL.")
    try:
        connection = mail.get_connection(timeout=5)
        connection.open()
        connection.close()
    except (OSError, TypeError) as error:
        yield problem(f"The mail server does not answer: {on_one_line(error)}.", "Correct EMAIL_URL.")
    else:
        yield ok("The mail server answers.")
