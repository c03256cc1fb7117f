"""The registry of training runs for the administrator: start, watch, stop, publish."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from diagnosis.administration.filters import DayFilter
from diagnosis.administration.paging import BoundedAdmin
from diagnosis.engine.curves import charts
from diagnosis.engine.errors import ArtifactError
from training import runs, sources
from training.errors import TrainingError
from training.forms import TrainingRunForm
from training.models import TrainingRun

#: What of the pictures that the trainer draws is shown, and nothing else of its folder.
PICTURES = {
    "curves.png": gettext_lazy("Curves"),
    "roc.png": gettext_lazy("ROC curve"),
    "reliability.png": gettext_lazy("Reliability diagram"),
    "confusion.png": gettext_lazy("Confusion matrix"),
    "mistakes.png": gettext_lazy("Worst mistakes"),
}


@admin.register(TrainingRun)
class TrainingRunAdmin(BoundedAdmin):
    form = TrainingRunForm
    change_form_template = "admin/training/trainingrun/change_form.html"
    list_display = ("__str__", "status", "recipe", "data", "area", "created", "took", "started_by", "version")
    list_filter = ("status", ("created", DayFilter))
    ordering = ("-pk",)
    sortable_by = ()
    list_select_related = ("started_by", "version")
    search_fields = ("recipe", "data", "reason", "version__version")
    view_on_site = False
    facts = (
        "recipe", "data", "source", "epochs", "seed", "accelerator", "imagenet_weights", "recipe_in_full",
        "fingerprint", "output", "started_by", "created", "started_at", "finished_at", "worker", "attempts", "version",
    )  # fmt: skip

    readonly_fields = ("recipe_in_full",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        return super().get_queryset(request).defer("log", "version__card")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.facts if obj else TrainingRunForm.Meta.fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:  # only shown
            kwargs["form"] = ModelForm
        return super().get_form(request, obj, change=change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return settings.TRAINING_DATA_DIR is not None and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a run is steered by its buttons

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the record of what was tried, failures included

    def may_steer(self, request: HttpRequest) -> bool:
        return request.user.has_perm("training.change_trainingrun")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        off = {} if settings.TRAINING_DATA_DIR else {"subtitle": f"{_('None can be started here.')} {sources.NOT_SET}"}
        return super().changelist_view(request, {**off, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: TrainingRun, form: Any, change: bool) -> None:
        obj.started_by = request.user  # type: ignore[assignment]  # staff, so no stranger
        runs.start(obj)

    def response_add(self, request: HttpRequest, obj: TrainingRun, post_url_continue: str | None = None) -> Any:
        self.message_user(request, capfirst(_("{run} waits for a training worker.").format(run=obj)))
        return HttpResponseRedirect(obj.get_absolute_url())

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        run = self.get_object(request, object_id)
        return super().change_view(request, object_id, form_url, _context(run) | self._rights(request) if run else {})

    def _rights(self, request: HttpRequest) -> dict[str, bool]:
        user = request.user
        may_publish = self.may_steer(request) and user.has_perm("diagnosis.add_modelversion")
        return {
            "may_steer": self.may_steer(request),
            "may_publish": may_publish,
            "may_activate": may_publish and user.has_perm("diagnosis.change_modelversion"),
        }

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "live": self.live_view, "stop": self.stop_view, "go-on": self.go_on_view, "publish": self.publish_view,
        }  # fmt: skip
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"training_trainingrun_{name}")
            for name, view in views.items()
        ]
        picture = self.admin_site.admin_view(self.picture_view)
        own.append(path("<int:pk>/pictures/<str:name>", picture, name="training_trainingrun_picture"))
        return [*own, *super().get_urls()]

    @method_decorator([require_safe, never_cache])
    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes while the run goes on."""
        context = _context(self._visible(request, pk)) | self._rights(request)
        return render(request, "admin/training/trainingrun/_live.html", context)

    @method_decorator(require_POST)
    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._steered(request, pk)
        if run.stop(f"Stopped by {request.user.get_username()}."):
            stopped = _("{run} is stopped. What it has finished is kept, and it can go on.")
            self.message_user(request, capfirst(stopped.format(run=run)))
        else:
            self.message_user(request, capfirst(_("{run} has ended already.").format(run=run)), messages.ERROR)
        return HttpResponseRedirect(run.get_absolute_url())

    @method_decorator(require_POST)
    def go_on_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._steered(request, pk)
        try:
            runs.start(run)
        except TrainingError as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(run.get_absolute_url())

    @method_decorator(require_POST)
    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run, activate = self._steered(request, pk), "activate" in request.POST
        rights = self._rights(request)
        if not rights["may_activate" if activate else "may_publish"]:
            raise PermissionDenied
        try:
            version = runs.publish(run, activate)
        except (ArtifactError, OSError) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            if activate:
                done = _("Version {version} is published and active: new predictions are made by it.")
            else:
                done = _("Version {version} is published.")
            self.message_user(request, done.format(version=version), messages.SUCCESS)
        return HttpResponseRedirect(run.get_absolute_url())

    @method_decorator(require_safe)
    def picture_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
        run = self._visible(request, pk)
        if name not in PICTURES:
            raise Http404
        try:
            file = (run.folder / name).open("rb")
        except OSError as error:
            raise Http404 from error
        response = FileResponse(file, content_type="image/png")
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cache-Control"] = "private, no-cache"
        return response

    def _visible(self, request: HttpRequest, pk: int) -> TrainingRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(TrainingRun, pk=pk)

    def _steered(self, request: HttpRequest, pk: int) -> TrainingRun:
        if not self.may_steer(request):
            raise PermissionDenied
        return get_object_or_404(TrainingRun, pk=pk)

    @admin.display(description=gettext_lazy("configuration"))
    def recipe_in_full(self, run: TrainingRun) -> str:
        return ", ".join(f"{name} {value}" for name, value in run.configuration.items()) or "–"

    @admin.display(description="AUROC")
    def area(self, run: TrainingRun) -> str:
        return "–" if run.auroc is None else f"{run.auroc:.4f}"

    @admin.display(description=gettext_lazy("duration"))
    def took(self, run: TrainingRun) -> str:
        return "–" if run.duration is None else str(run.duration).partition(".")[0]


def _context(run: TrainingRun) -> dict[str, Any]:
    seconds = run.progress.get("seconds_left")
    return {
        "run": run,
        "left": timedelta(seconds=seconds) if isinstance(seconds, int | float) else None,
        "curves": charts(run.history),
        "pictures": {name: title for name, title in PICTURES.items() if (run.folder / name).is_file()},
        "no_worker": run.status == run.Status.PENDING and not runs.is_any_worker_alive(),
    }
