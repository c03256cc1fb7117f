"""Radiographs for the administrator, each with its predictions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from diagnosis.administration.deleting import OthersGoAlong
from diagnosis.administration.filters import DayFilter
from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.models import Prediction, Radiograph


class PredictionInline(admin.TabularInline):
    model = Prediction
    fields = ("status", "label", "probability", "band", "model_version", "attempts", "queued_at", "finished_at")
    readonly_fields = fields
    can_delete = False
    show_change_link = True
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        return (
            super()
            .get_queryset(request)
            .select_related("model_version")
            .defer("activation_map", "reason_parts", "model_version__card")
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Radiograph)
class RadiographAdmin(OthersGoAlong, ReadOnlyAdmin):
    list_display = ("filename", "owner", "created", "format", "size_in_pixels", "status")
    list_filter = (("created", DayFilter),)
    list_select_related = ("owner",)
    sortable_by = ("created",)
    found_by = ("pk", "sha256", "owner__username")
    search_fields = ("filename",)
    search_help_text = gettext_lazy(
        "An id, a SHA-256 or a user name in full; or a part of a file name, among the newest 10,000 radiographs."
    )
    newest_first = "-created"
    inlines = (PredictionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Radiograph]:
        return Radiograph.objects.with_predictions("model_version__card", "activation_map", "reason_parts")

    @admin.display(description=gettext_lazy("pixels"))
    def size_in_pixels(self, radiograph: Radiograph) -> str:
        return f"{radiograph.width} × {radiograph.height}"

    @admin.display
    def status(self, radiograph: Radiograph) -> str:
        return str(radiograph.prediction.get_status_display())
