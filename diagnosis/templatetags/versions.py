from __future__ import annotations

from django.db.models import QuerySet
from django.template import Library

from diagnosis.models import ModelVersion

register = Library()


@register.simple_tag
def offered_versions() -> QuerySet[ModelVersion]:
    """Those that a user may ask, the active one first."""
    return ModelVersion.objects.offered().order_by("-active", "-published").only("version", "active")
