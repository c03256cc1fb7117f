"""Looks for what is wrong with the installation, as ``manage.py doctor`` does, when an administrator asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from diagnosis.doctor.examination import examine
from diagnosis.doctor.findings import Finding, State

#: Seconds for which a browser is made to wait, and for which the dashboard remembers what was found.
PATIENCE, KEEP = 20.0, 6 * 3600
KEY = "diagnosis.administration.examined"


@dataclass(frozen=True)
class Examined:
    """What was found last, but for what is good."""

    moment: datetime
    findings: list[tuple[str, Finding]]

    @property
    def problems(self) -> int:
        return sum(finding.state == State.PROBLEM for _, finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.problems


def last_examined() -> Examined | None:
    found: Examined | None = cache.get(KEY)
    return found


@require_POST
def examine_view(request: HttpRequest) -> HttpResponse:
    """For superusers alone: what is found names folders and servers."""
    if not request.user.is_superuser:
        raise PermissionDenied
    found = [(area, each) for area, those in examine(patience=PATIENCE).items() for each in those]
    worst_first = sorted((each for each in found if each[1].state != State.OK), key=lambda each: each[1].state)
    cache.set(KEY, Examined(timezone.now(), worst_first), KEEP)
    context = {
        **admin.site.each_context(request),
        "title": _("State of the installation"),
        "findings": [*worst_first, *(each for each in found if each[1].state == State.OK)],
    }
    return render(request, "admin/examined.html", context)
