"""The administrator's view. What the platform itself writes is shown and never edited."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import (
    Comparison,
    ComparisonSeen,
    Delivery,
    Membership,
    ModelVersion,
    Prediction,
    Radiograph,
    ReadingGroup,
)
from diagnosis.people.admin import PasswordEndsLogins
from diagnosis.people.groups import Role
from diagnosis.translation import decimal
from diagnosis.versions.admin import UNSEEN, SilentAnswersAdmin

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
    """Rows whose deletion takes predictions along, and calls on them, although none is deleted by itself."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        go_along = {Prediction._meta.verbose_name, Delivery._meta.verbose_name}
        return deleted, counts, lacking - go_along, protected


admin.site.unregister(User)


@admin.register(User)
class OwnerAdmin(PredictionsGoAlong, PasswordEndsLogins):
    """Users. Their radiographs and predictions are deleted with them."""


class MembersFormSet(BaseInlineFormSet):
    """A group has an owner as long as anybody is in it."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and form not in self.deleted_forms]
        roles = [facts.get("role") for facts in kept if facts.get("user")]
        if roles and Role.OWNER not in roles:
            raise ValidationError(_("A group needs an owner. Make one of the members its owner."))


class MemberInline(admin.TabularInline):
    model = Membership
    formset = MembersFormSet
    fields = ("user", "role", "since")
    readonly_fields = ("since",)
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(ReadingGroup)
class ReadingGroupAdmin(admin.ModelAdmin):
    """Groups. What is shared with one stays with whoever uploaded it when the group is deleted."""

    list_display = ("name", "created", "members")
    search_fields = ("name", "memberships__user__username")
    show_full_result_count = False
    fields = ("name", "created")
    readonly_fields = ("created",)
    inlines = (MemberInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReadingGroup]:
        groups: QuerySet[ReadingGroup] = super().get_queryset(request)
        return groups.annotate(members=Count("memberships"))

    @admin.display
    def members(self, group: Any) -> int:
        return int(group.members)


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
        return "–" if prediction.probability is None else decimal(f"{prediction.probability:.1%}")

    @admin.display(description=gettext_lazy("seconds, queued to final"))
    def seconds(self, prediction: Prediction) -> str:
        if prediction.finished_at is None:
            return "–"
        return decimal(f"{(prediction.finished_at - prediction.queued_at).total_seconds():.2f}")


@admin.register(ModelVersion)
class ModelVersionAdmin(SilentAnswersAdmin, ReadOnlyAdmin):
    list_display = ("version", "active", "shadow", "published", "activated", "network_sha256")
    list_filter = ("active", "published")
    search_fields = ("version", "network_sha256")
    actions = ("activate", "answer_silently")
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
        if publishing.is_unseen(chosen):
            self.message_user(request, UNSEEN, messages.WARNING)
            return redirect("admin:diagnosis_modelversion_silent", pk)
        return self._confirmed(request, chosen, partial(publishing.activate, chosen.version))

    def roll_back_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_activate_permission(request):
            raise PermissionDenied
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


@admin.register(ComparisonSeen)
class ComparisonSeenAdmin(ReadOnlyAdmin):
    list_display = ("moment", "username", "version", "active", "radiographs", "differing")
    list_filter = ("moment",)
    list_select_related = ("version", "active")
    search_fields = ("username", "version__version", "active__version")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it says who answers for an activation


# Last, since they take their class from here; Django looks for this module alone.
from diagnosis.retention import admin as retention_admin  # noqa: E402, F401
from diagnosis.webhooks import admin as webhooks_admin  # noqa: E402, F401
