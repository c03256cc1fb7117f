"""What an administrator does with a version that answers silently: begin, look, activate or stop."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from diagnosis import publishing
from diagnosis.engine.agreement import MOST_DOTS, draw_agreement
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ComparisonSeen, ModelVersion, Radiograph, ShadowPrediction
from diagnosis.pages.pictures import thumbnail_response
from diagnosis.versions.comparing import SilentComparison, compare_silently

if TYPE_CHECKING:
    Base = admin.ModelAdmin
else:
    Base = object

UNSEEN = gettext_lazy("This version answers silently. Look at how its answers compare before you activate it.")
PAGE_SIZE = 24
#: Who opens the page again within so long is not written down a second time.
SAME_LOOK = timedelta(hours=1)


class SilentAnswersAdmin(Base):
    """For the admin of model versions, which says who may activate one."""

    def get_urls(self) -> list[URLPattern]:
        own: dict[str, tuple[Any, str]] = {
            "<int:pk>/silent/": (self.silent_view, "silent"),
            "<int:pk>/silent/probabilities.svg": (self.probabilities_view, "probabilities"),
            "<int:pk>/silent/begin/": (self.begin_view, "silent_begin"),
            "<int:pk>/silent/stop/": (self.stop_view, "silent_stop"),
            "<int:pk>/silent/activate/": (self.activate_seen_view, "silent_activate"),
            "silent/<uuid:pk>/thumbnail/": (self.thumbnail_view, "silent_thumbnail"),
        }
        views = [
            path(address, self.admin_site.admin_view(view), name=f"diagnosis_modelversion_{name}")
            for address, (view, name) in own.items()
        ]
        return [*views, *super().get_urls()]

    def has_activate_permission(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    @admin.action(description=gettext_lazy("Let the selected version answer silently"), permissions=["activate"])
    def answer_silently(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        chosen = list(queryset)
        if len(chosen) != 1:
            self.message_user(request, _("Select exactly one version to answer silently."), messages.ERROR)
        else:
            self._begin(request, chosen[0])

    @method_decorator(require_POST)
    def begin_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        chosen = self._chosen_to_change(request, pk)
        self._begin(request, chosen)
        return redirect("admin:diagnosis_modelversion_silent", pk)

    def _begin(self, request: HttpRequest, chosen: ModelVersion) -> None:
        try:
            publishing.load(chosen)
            begun = chosen.answer_silently()
        except ArtifactError as error:
            self.message_user(request, str(error), messages.ERROR)
        except IntegrityError:  # another administrator was faster
            self.message_user(request, _("Another version answers silently already."), messages.ERROR)
        else:
            words = {"version": chosen}
            if begun:
                self.message_user(request, _("Version %(version)s answers silently from the next upload on.") % words)
            else:
                sentence = _("Version %(version)s cannot answer silently: it is active, or another one does already.")
                self.message_user(request, sentence % words, messages.ERROR)

    @method_decorator(require_POST)
    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        chosen = self._chosen_to_change(request, pk)
        chosen.fall_silent()
        self.message_user(request, _("Version %(version)s answers no longer.") % {"version": chosen})
        return redirect("admin:diagnosis_modelversion_silent", pk)

    @method_decorator(never_cache)
    @method_decorator(require_safe)
    def silent_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The comparison. That it was opened is written down, with what there was to be seen."""
        chosen, active = self._pair(request, pk)
        if active is None or active == chosen:
            sentence = _("There is nothing to compare: this version is the active one, or none is active.")
            self.message_user(request, sentence, messages.WARNING)
            return redirect("admin:diagnosis_modelversion_changelist")
        comparison = compare_silently(chosen, active)
        self._write_down(request, comparison)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Silent answers of version %(version)s") % {"version": chosen},
            "opts": self.model._meta,
            "comparison": comparison,
            "may_activate": self.has_activate_permission(request),
            "worse": publishing.found_worse(chosen),
            "seen": ComparisonSeen.objects.of(chosen, active)[:10],
            **self._cases(request, comparison),
        }
        return render(request, "admin/diagnosis/modelversion/silent.html", context)

    def _write_down(self, request: HttpRequest, comparison: SilentComparison) -> None:
        """An administrator who may activate, and saw something."""
        if not comparison.pairs or not self.has_activate_permission(request):
            return
        seen = ComparisonSeen.objects.of(comparison.version, comparison.active)
        if not seen.filter(user=request.user.pk, moment__gt=timezone.now() - SAME_LOOK).exists():
            ComparisonSeen.objects.create(
                version=comparison.version,
                active=comparison.active,
                user_id=request.user.pk,
                username=request.user.get_username(),
                radiographs=len(comparison.pairs),
                differing=comparison.differing,
            )

    def _cases(self, request: HttpRequest, comparison: SilentComparison) -> dict[str, Any]:
        """Those on which both disagree, the newest first, from ``?before=`` on."""
        rows = ShadowPrediction.objects.of(comparison.version, comparison.active).differing()
        before = request.GET.get("before", "")
        if before.isdecimal() and len(before) < 19:
            rows = rows.filter(pk__lt=before)
        found = list(rows.select_related("radiograph", "beside").order_by("-pk")[: PAGE_SIZE + 1])
        page = found[:PAGE_SIZE]
        return {"cases": page, "is_further": bool(before), "after": page[-1].pk if len(found) > PAGE_SIZE else None}

    @method_decorator(never_cache)
    @method_decorator(require_safe)
    def probabilities_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        chosen, active = self._pair(request, pk)
        chances = compare_silently(chosen, active, MOST_DOTS).chances if active else []
        thresholds = (active or chosen).card["threshold"], chosen.card["threshold"]
        drawn = draw_agreement(chances, thresholds, ("the active version", "the silent version"))
        return HttpResponse(drawn, content_type="image/svg+xml")

    @method_decorator(require_POST)
    def activate_seen_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button below the comparison. Where a comparison speaks against it, the usual page asks once more."""
        chosen = self._chosen_to_change(request, pk)
        try:
            publishing.activate(chosen.version)
        except ArtifactError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:diagnosis_modelversion_activate", pk)
        self.message_user(
            request, _("Version %(version)s is active: new predictions are made by it.") % {"version": chosen}
        )
        return redirect("admin:diagnosis_modelversion_changelist")

    @method_decorator(require_safe)
    def thumbnail_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
        """A small picture of a case, for those who may look at radiographs here."""
        if not request.user.has_perm("diagnosis.view_radiograph"):
            raise PermissionDenied
        return thumbnail_response(request, get_object_or_404(Radiograph, pk=pk))

    def _pair(self, request: HttpRequest, pk: int) -> tuple[ModelVersion, ModelVersion | None]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(ModelVersion, pk=pk), ModelVersion.objects.filter(active=True).first()

    def _chosen_to_change(self, request: HttpRequest, pk: int) -> ModelVersion:
        if not self.has_activate_permission(request):
            raise PermissionDenied
        return get_object_or_404(ModelVersion, pk=pk)
