"""Radiographs as old as the tests of retention rules need them, with all their files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from diagnosis.models import ModelVersion, Radiograph, RetentionRule
from diagnosis.previews import make_preview
from diagnosis.retention.models import What
from tests.factories import make_radiograph, succeeded

MAP = [[0.0] * 7] * 7


def old(owner: User, version: ModelVersion, days: int = 100, **facts: Any) -> Radiograph:
    """Store one that was answered and uploaded so long ago, with image, preview, thumbnail and heat map."""
    radiograph = make_radiograph(owner, **{**succeeded(version), "activation_map": MAP, **facts})
    make_preview(radiograph, radiograph.read())
    Radiograph.objects.filter(pk=radiograph.pk).update(created=timezone.now() - timedelta(days=days))
    radiograph.refresh_from_db()
    return radiograph


def rule(removes: str = What.IMAGES, days: int = 90, is_on: bool = True, **facts: Any) -> RetentionRule:
    on_since = timezone.now() if is_on else None
    return RetentionRule.objects.create(
        **{"name": "Ninety days", "removes": removes, "days": days, "on_since": on_since, **facts}
    )
