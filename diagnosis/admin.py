"""What Django finds: each room's part of the admin."""

from __future__ import annotations

from diagnosis.administration import (
    comparisons,
    groups,
    model_versions,
    predictions,
    radiographs,
    reviews,
    users,
)
from diagnosis.administration.paging import BoundedAdmin, ReadOnlyAdmin
from diagnosis.people import admin as people
from diagnosis.retention import admin as retention
from diagnosis.webhooks import admin as webhooks

__all__ = [
    "BoundedAdmin", "ReadOnlyAdmin", "comparisons", "groups", "model_versions", "people", "predictions", "radiographs",
    "retention", "reviews", "users", "webhooks",
]  # fmt: skip
