"""The process that does errands, as a worker starts it. What that process itself loads, no worker has to."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

from diagnosis.models import Leaving, Letter, Webhook
from diagnosis.retention import applying

COMMAND = [sys.executable, "-m", "django", "run_errands"]


def is_anything_due() -> bool:
    due = (Webhook.objects.all().with_due(), Letter.objects.all().due(), Leaving.objects.all())
    return any(each.exists() for each in due) or applying.is_anything_due()


class ErrandsProcess:
    """The process, held by the worker whose sweep starts it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start it where something is due and it is not running."""
        if self._process and self._process.poll() is None:
            return
        self._process = None
        if is_anything_due():
            self._process = subprocess.Popen(COMMAND, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL)  # noqa: S603
