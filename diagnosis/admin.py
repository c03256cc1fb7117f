"""The administrator's view. What the platform itself writes is shown and never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import Comparison, ModelVersion, Prediction, Radiograph

admin.site.site_header = "PneumoDetect"
admin.site.site_title = "PneumoDetect"
admin.site.index_title = "Administration"


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that are made by the platform: to be looked at, not typed."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PredictionsGoAlong(admin.ModelAdmin):
    """Rows whose deletion takes predictions along, although no prediction is deleted by itself."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking - {Prediction._meta.verbose_name}, protected


admin.site.unregister(User)


@admin.register(User)
class OwnerAdmin(PredictionsGoAlong, UserAdmin):
    """Users. Their radiographs and predictions are deleted with them."""


class PredictionInline(admin.TabularInline):
    model = Prediction
    fields = ("status", "label", "probability", "band", "model_version", "attempts", "queued_at", "finished_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Radiograph)
class RadiographAdmin(PredictionsGoAlong, ReadOnlyAdmin):
    list_display = ("filename", "owner", "created", "format", "size_in_pixels", "status")
    list_filter = ("created", "format")
    list_select_related = ("owner",)
    search_fields = ("filename", "sha256", "owner__username")
    date_hierarchy = "created"
    inlines = (PredictionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Radiograph]:
        return Radiograph.objects.with_predictions()

    @admin.display(description="pixels")
    def size_in_pixels(self, radiograph: Radiograph) -> str:
        return f"{radiograph.width} × {radiograph.height}"

    @admin.display
    def status(self, radiograph: Radiograph) -> str:
        return radiograph.prediction.status


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    list_display = (
        "radiograph", "status", "label", "percent", "band", "model_version", "attempts", "seconds", "queued_at",
    )  # fmt: skip
    list_filter = ("status", "label", "band", "reason_code", "model_version", "queued_at")
    list_select_related = ("radiograph", "model_version")
    search_fields = ("radiograph__filename", "radiograph__owner__username", "reason")
    date_hierarchy = "queued_at"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a radiograph is deleted whole

    @admin.display(description="probability", ordering="probability")
    def percent(self, prediction: Prediction) -> str:
        return "–" if prediction.probability is None else f"{prediction.probability:.1%}"

    @admin.display(description="seconds, queued to final")
    def seconds(self, prediction: Prediction) -> str:
        if prediction.finished_at is None:
            return "–"
        return f"{(prediction.finished_at - prediction.queued_at).total_seconds():.2f}"


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("version", "active", "published", "network_sha256")
    list_filter = ("active", "published")
    search_fields = ("version", "network_sha256")
    actions = ("activate", "activate_by_force")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its predictions point at it

    @admin.action(description="Activate the selected version (an older one rolls back)", permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self._activate(request, queryset, force=False)

    @admin.action(
        description="Activate the selected version even if a comparison found it worse", permissions=["activate"]
    )
    def activate_by_force(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self._activate(request, queryset, force=True)

    def _activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion], force: bool) -> None:
        chosen = list(queryset)
        if len(chosen) != 1:
            self.message_user(request, "Select exactly one version to activate.", messages.ERROR)
            return
        try:
            publishing.activate(chosen[0].version, force)
        except ArtifactError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, f"Version {chosen[0]} is active: new predictions are made by it.")

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("diagnosis.change_modelversion")


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("created", "a", "b", "data", "images", "sentence")
    list_filter = ("created", "data")
    list_select_related = ("a", "b")
    search_fields = ("a__version", "b__version", "data", "sentence")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it may stand against an activation

    @admin.display
    def images(self, comparison: Comparison) -> int:
        return int(comparison.figures["images"])
