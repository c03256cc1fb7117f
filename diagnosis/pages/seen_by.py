"""Who saw one's own X-ray, and what else was done with it."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from diagnosis.audit.models import AuditEntry, Kind
from diagnosis.pages.access import members_only, own_radiograph

#: The newest; all of them are there for whoever runs the platform.
MOST_SHOWN = 100


@members_only
@never_cache
@require_safe
def seen_by(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What the audit log says of it, without what others said of it: who reads blinded must not find that here."""
    own = own_radiograph(request, pk)
    entries = AuditEntry.objects.filter(kind=Kind.RADIOGRAPH, object_id=str(own.pk))
    shown = list(entries.defer("details")[: MOST_SHOWN + 1])
    context = {"radiograph": own, "entries": shown[:MOST_SHOWN], "are_more": len(shown) > MOST_SHOWN}
    return render(request, "diagnosis/seen_by.html", context)
