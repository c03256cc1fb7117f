"""The cases on which two versions disagree."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis.history.paging import Page, page_of, read_mark
from diagnosis.models import ModelVersion
from diagnosis.pages.access import members_only
from diagnosis.reviewing.blinding import is_blinded, show_or_hide
from diagnosis.versions.differences import Kind, kind_of
from diagnosis.versions.disagreements import NEWEST_FIRST, DisagreementForm, newest_by

PAGE_SIZE = 24


@members_only
@never_cache
@require_safe
def disagreements(request: HttpRequest) -> HttpResponse:
    """Of one's own radiographs, a page at a time. What cannot be understood is said beside its field."""
    form = DisagreementForm(request.GET)
    page, rows, has_pair = Page([]), list[dict[str, Any]](), len(form.versions) > 1
    if is_valid := has_pair and form.is_valid():
        page = page_of(form.found(request.user), read_mark(request.GET.get("cursor", ""), NEWEST_FIRST), PAGE_SIZE)
        hidden = show_or_hide(request.user, page.radiographs)
        rows = [row for row in _rows(page, *form.pair) if row["radiograph"].pk not in hidden]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "is_blinded": is_blinded(request.user),
        "has_pair": has_pair,
        "is_valid": is_valid,
    }
    status = 400 if has_pair and not is_valid else 200
    return render(request, "diagnosis/versions/disagreements.html", context, status=status)


def _rows(page: Page, a: ModelVersion, b: ModelVersion) -> list[dict[str, Any]]:
    rows = []
    for radiograph in page.radiographs:
        by_a, by_b = newest_by(radiograph, a), newest_by(radiograph, b)
        if by_a and by_b:
            kind = Kind(found).label if (found := kind_of(by_a, by_b)) else ""
            rows.append({"radiograph": radiograph, "by_a": by_a, "by_b": by_b, "kind": kind})
    return rows
