"""Retention rules for the administrator: made, looked at in a dry run, switched on; and what they have removed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.administration.filters import DayFilter
from diagnosis.administration.paging import BoundedAdmin, ReadOnlyAdmin
from diagnosis.models import Removal, RetentionRule, RetentionRun
from diagnosis.retention.estimate import ON_A_PAGE, estimate
from diagnosis.retention.words import in_words


@admin.register(RetentionRule)
class RetentionRuleAdmin(BoundedAdmin):
    list_display = ("name", "on_since", "days", "removes", "outcome", "group", "spare_reviewed")
    list_filter = (("on_since", admin.EmptyFieldListFilter), "removes")
    list_select_related = ("group",)
    search_fields = ("name",)
    fields = ("name", "days", "removes", "outcome", "group", "spare_reviewed", "on_since")
    readonly_fields = ("on_since",)
    autocomplete_fields = ("group",)
    change_form_template = "admin/diagnosis/retentionrule/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dry_run_view)
        return [path("<int:pk>/dry-run/", view, name="diagnosis_retentionrule_dry_run"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: RetentionRule, form: ModelForm, change: bool) -> None:
        """A rule that says something else now is off until its dry run was seen again."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)  # whether it is on may have been changed since it was read
            if obj.switch_off():
                self.message_user(request, _("The rule was changed, so it is off."), messages.WARNING)

    def response_add(
        self, request: HttpRequest, obj: RetentionRule, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._dry_run(obj) if "_save" in request.POST else super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: RetentionRule) -> HttpResponse:
        return self._dry_run(obj) if "_save" in request.POST else super().response_change(request, obj)

    def _dry_run(self, rule: RetentionRule) -> HttpResponse:
        return redirect("admin:diagnosis_retentionrule_dry_run", rule.pk)

    def dry_run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what the rule would remove now; switch it on, once that was seen, or off."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = get_object_or_404(RetentionRule.objects.select_related("group"), pk=pk)
        may_switch = self.has_change_permission(request)
        if request.method == "POST":
            if not may_switch:
                raise PermissionDenied
            return self._switch(request, rule)
        context = {
            **self.admin_site.each_context(request),
            "title": _("What “{rule}” would remove now").format(rule=rule),
            "opts": self.model._meta,
            "rule": rule,
            "words": in_words(rule),
            "found": estimate(rule, ON_A_PAGE),
            "may_switch": may_switch,
        }
        return render(request, "admin/diagnosis/retentionrule/dry_run.html", context)

    def _switch(self, request: HttpRequest, rule: RetentionRule) -> HttpResponse:
        if "off" in request.POST:
            rule.switch_off()
            self.message_user(request, _("The rule is off: it removes nothing more."))
        elif rule.switch_on(request.POST.get("seen", "")):
            self.message_user(request, _("The rule is on: it begins within a minute, and goes on once a day."))
        else:
            self.message_user(
                request, _("The rule was changed meanwhile. Look at what it would remove now."), messages.ERROR
            )
            return self._dry_run(rule)
        return redirect("admin:diagnosis_retentionrule_changelist")


class RecordAdmin(ReadOnlyAdmin):
    """What was removed stays on record."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RetentionRun)
class RetentionRunAdmin(RecordAdmin):
    list_display = ("name", "started", "finished", "radiographs", "files", "bytes")
    list_filter = (("started", DayFilter),)
    sortable_by = ()
    search_fields = ("name", "text")


@admin.register(Removal)
class RemovalAdmin(RecordAdmin):
    list_display = ("radiograph", "moment", "rule", "what", "files", "bytes", "is_finished")
    list_filter = ("what", ("moment", DayFilter), "run__rule")
    sortable_by = ()
    ordering = ("-moment", "-id")
    found_by = ("radiograph",)
    search_help_text = gettext_lazy("The id of a radiograph, whole.")
    raw_id_fields = ("run",)

    @admin.display(boolean=True, description=gettext_lazy("files are gone"))
    def is_finished(self, removal: Removal) -> bool:
        return removal.waiting is None
