"""Deleting whole what must not be deleted in parts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from diagnosis.models import Batch, Delivery, Disagreement, Prediction, Review

GO_ALONG = (Batch, Delivery, Disagreement, Prediction, Review)


class OthersGoAlong(admin.ModelAdmin):
    """Rows whose deletion takes predictions and what belongs to them along, although none is deleted by itself."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking - {model._meta.verbose_name for model in GO_ALONG}, protected
