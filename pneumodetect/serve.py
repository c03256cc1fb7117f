"""One part of the platform in this process, as ``make run`` starts it: what a container runs.

``python -m pneumodetect.serve prepare|web|worker``
"""

from __future__ import annotations

import os
import sys

from pneumodetect.run import core_count, web_command, whole_number, worker_command
from pneumodetect.supervisor import Fault

PORT = 8000


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
    parts = {"prepare": _prepare, "web": _web, "worker": _worker}
    if len(arguments) != 1 or arguments[0] not in parts:
        print(f"Name one part: {', '.join(parts)}.", file=sys.stderr)
        return 2
    try:
        return parts[arguments[0]]()
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1


def _prepare() -> int:
    """Bring tables, style sheets and the network up to date. No user is made: manage.py createsuperuser does it."""
    import django

    from pneumodetect import prepare

    django.setup()
    prepare.prepare()
    return 0


def _web() -> int:
    command = web_command(PORT, host="0.0.0.0")  # noqa: S104  (of the container; compose.yaml says who reaches it)
    os.execv(command[0], command)  # noqa: S606


def _worker() -> int:
    command = worker_command(PORT, whole_number("PNEUMODETECT_WORKERS", core_count(), most=1000))
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
