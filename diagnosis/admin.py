"""The administrator's view. What the platform itself writes is shown and never edited."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import Comparison, ModelVersion, Prediction, Radiograph

admin.site.site_header = "PneumoDetect"
admin.site.site_title = "PneumoDetect"
admin.site.index_title = gettext_lazy("Administration")


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

    @admin.display(description=gettext_lazy("pixels"))
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

    @admin.display(description=gettext_lazy("probability"), ordering="probability")
    def percent(self, prediction: Prediction) -> str:
        return "–" if prediction.probability is None else f"{prediction.probability:.1%}"

    @admin.display(description=gettext_lazy("seconds, queued to final"))
    def seconds(self, prediction: Prediction) -> str:
        if prediction.finished_at is None:
            return "–"
        return f"{(prediction.finished_at - prediction.queued_at).total_seconds():.2f}"


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("version", "active", "published", "activated", "network_sha256")
    list_filter = ("active", "published")
    search_fields = ("version", "network_sha256")
    actions = ("activate",)
    change_form_template = "admin/diagnosis/modelversion/change_form.html"
    change_list_template = "admin/diagnosis/modelversion/change_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its predictions point at it

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("diagnosis.change_modelversion")

    def get_urls(self) -> list[URLPattern]:
        activate = self.admin_site.admin_view(self.activate_view)
        roll_back = self.admin_site.admin_view(self.roll_back_view)
        return [
            path("<int:pk>/activate/", activate, name="diagnosis_modelversion_activate"),
            path("roll-back/", roll_back, name="diagnosis_modelversion_roll_back"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        previous = ModelVersion.objects.previous() if self.has_activate_permission(request) else None
        return super().changelist_view(request, {"previous": previous, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        may_activate = self.has_activate_permission(request)
        return super().change_view(request, object_id, form_url, {"may_activate": may_activate})

    @admin.action(description=gettext_lazy("Activate the selected version"), permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> HttpResponse | None:
        chosen = list(queryset)
        if len(chosen) == 1:
            return redirect("admin:diagnosis_modelversion_activate", chosen[0].pk)
        self.message_user(request, _("Select exactly one version to activate."), messages.ERROR)
        return None

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what activating this version means, and do it once that is confirmed."""
        chosen = get_object_or_404(ModelVersion, pk=pk)
        return self._confirmed(request, chosen, partial(publishing.activate, chosen.version))

    def roll_back_view(self, request: HttpRequest) -> HttpResponse:
        previous = ModelVersion.objects.previous()
        # Where another administrator was faster, what was confirmed is no longer what would be done.
        if previous and request.POST.get("chosen", previous.version) == previous.version:
            return self._confirmed(request, previous, publishing.roll_back)
        self.message_user(
            request, _("There is nothing to roll back to, or no longer the same version."), messages.ERROR
        )
        return redirect("admin:diagnosis_modelversion_changelist")

    def _confirmed(
        self, request: HttpRequest, chosen: ModelVersion, switch: Callable[[bool], ModelVersion]
    ) -> HttpResponse:
        if not self.has_activate_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                switch("force" in request.POST)
            except ArtifactError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                done = _("Version {version} is active: new predictions are made by it.")
                self.message_user(request, done.format(version=chosen))
                return redirect("admin:diagnosis_modelversion_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Make new predictions with version {version}?").format(version=chosen),
            "opts": self.model._meta,
            "chosen": chosen,
            "active": ModelVersion.objects.filter(active=True).first(),
            "worse": publishing.found_worse(chosen),
        }
        return render(request, "admin/diagnosis/modelversion/activate.html", context)


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
