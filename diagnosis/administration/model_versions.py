"""Published networks for the administrator: their cards, which one is active, and which one comes next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis import publishing
from diagnosis.administration.artifacts import ReceivingArtifacts
from diagnosis.administration.filters import DayFilter
from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.engine.errors import ArtifactError
from diagnosis.model_facts import data_sets, data_sets_elsewhere
from diagnosis.models import Comparison, ModelVersion, ShadowPrediction
from diagnosis.versions.admin import UNSEEN, SilentAnswersAdmin

#: The newest comparisons that the page of a version names.
MOST_COMPARISONS = 10


@admin.register(ModelVersion)
class ModelVersionAdmin(ReceivingArtifacts, SilentAnswersAdmin, ReadOnlyAdmin):
    list_display = ("version", "active", "shadow", "published", "activated", "network_sha256")
    list_filter = ("active", ("published", DayFilter))
    search_fields = ("version", "network_sha256")
    fields = ("version", "active", "shadow", "published", "activated", "network_sha256")
    actions = ("activate", "answer_silently", "compare")
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return super().get_queryset(request).defer("card")

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        context: dict[str, Any] = {"may_activate": self.has_activate_permission(request)}
        if version := self.get_object(request, object_id):
            context |= {
                "card": version.card,
                "made": parse_datetime(str(version.card.get("created", ""))),
                "gate": sorted(set((version.card.get("gate") or {}).get("codes", ()))),
                "data_sets": data_sets(version.card),
                "elsewhere": data_sets_elsewhere(version.version),
                "comparisons": Comparison.objects.involving(version).select_related("a", "b")[:MOST_COMPARISONS],
            }
        return super().change_view(request, object_id, form_url, context)

    @admin.action(description=gettext_lazy("Compare the two selected versions"))
    def compare(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> HttpResponse | None:
        """Lead to what is known: the newest comparison on labelled images, or that of the silent answers."""
        chosen = list(queryset[:3])
        if len(chosen) != 2:
            self.message_user(request, _("Select exactly two versions to compare."), messages.ERROR)
            return None
        if found := Comparison.objects.between(*chosen).first():
            return redirect("admin:diagnosis_comparison_change", found.pk)
        silent = next((each for each in chosen if not each.active), chosen[0])
        if any(each.active for each in chosen) and ShadowPrediction.objects.filter(model_version=silent).exists():
            return redirect("admin:diagnosis_modelversion_silent", silent.pk)
        sentence = _("These were not compared yet: manage.py compare_models {one} {other} --data DIR does it.")
        self.message_user(request, sentence.format(one=chosen[0], other=chosen[1]), messages.WARNING)
        return None

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
