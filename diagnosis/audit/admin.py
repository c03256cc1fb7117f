"""The audit log for administrators: to be looked through, filtered and taken away as a file; never to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.audit.exporting import export_entries
from diagnosis.audit.models import AuditEntry, AuditEntryQuerySet, Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.history.filters import DayOrMoment, starts_of


class AskedForm(forms.Form):
    """What the log is asked for, beside the links of its other filters."""

    who = forms.CharField(label=_("Who"), required=False, max_length=150)
    object_id = forms.CharField(label=_("Id of what was seen or changed"), required=False, max_length=64)
    request_id = forms.CharField(label=_("Request"), required=False, max_length=64)
    since = DayOrMoment(label=pgettext_lazy("a day", "From"), required=False)
    until = DayOrMoment(label=pgettext_lazy("a day", "To"), required=False)

    def narrow(self, entries: AuditEntryQuerySet) -> AuditEntryQuerySet:
        """Return those that are asked for; none where that cannot be understood, as the form says."""
        if not self.is_valid():
            return entries.none()
        asked = self.cleaned_data
        exact = {"actor_name": asked["who"], "object_id": asked["object_id"], "request_id": asked["request_id"]}
        entries = entries.filter(**{field: text for field, text in exact.items() if text})
        if asked["since"]:
            entries = entries.filter(moment__gte=starts_of(asked["since"])[0])
        return entries.filter(moment__lt=starts_of(asked["until"])[1]) if asked["until"] else entries


class AskedFilter(admin.ListFilter):
    """One form in the column of filters, which keeps what the others say."""

    title = _("who, what and when")
    template = "admin/diagnosis/auditentry/asked.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[AuditEntry], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in AskedForm.base_fields:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = AskedForm(self.used_parameters, auto_id="asked-%s")

    def expected_parameters(self) -> list[str | None]:
        return list(AskedForm.base_fields)

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        others = changelist.get_filters_params().items()
        kept = [(name, value) for name, values in others if name not in self.form.fields for value in values]
        yield {"form": self.form, "kept": kept}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return self.form.narrow(queryset)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "verb", "what", "details", "door", "address")
    sortable_by = ("when",)
    list_filter = (AskedFilter, "verb", "kind", "door")
    fields = (
        "when", "actor_name", "account", "verb", "kind", "object_id", "label", "details", "door", "request_id",
        "address",
    )  # fmt: skip
    readonly_fields = fields
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/diagnosis/auditentry/change_list.html"

    class Media:
        css = {"all": ("audit.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        exports = [
            path(
                f"export.{kind}",
                self.admin_site.admin_view(partial(self.export_view, kind=kind)),
                name=f"diagnosis_auditentry_{kind}",
            )
            for kind in ("csv", "json")
        ]
        return [*exports, *super().get_urls()]

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """What the list shows, all of it, as a file. That it was taken is an entry as well."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect(reverse("admin:diagnosis_auditentry_changelist", query={ERROR_FLAG: 1}))
        record(Verb.EXPORTED, Kind.AUDIT_LOG, details=f"{kind} {request.GET.urlencode()}".strip())
        return export_entries(found.queryset, kind)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return super().changelist_view(request, {"query": query, **(extra_context or {})})

    @admin.display(description=_("moment"), ordering="moment")
    def when(self, entry: AuditEntry) -> str:
        return f"{timezone.localtime(entry.moment):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("number of the account"))
    def account(self, entry: AuditEntry) -> int | None:
        return entry.actor_id

    @admin.display(description=_("who"))
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name or "–"

    @admin.display(description=_("of what"))
    def what(self, entry: AuditEntry) -> str:
        """Say what it was; of an X-ray, lead to all that happened to it."""
        name = entry.label or entry.object_id
        if entry.kind != Kind.RADIOGRAPH or not entry.object_id:
            return f"{entry.get_kind_display()} {name}".strip()
        history = reverse("admin:diagnosis_auditentry_changelist", query={"object_id": entry.object_id})
        return format_html('{} <a href="{}" title="{}">{}</a>', entry.get_kind_display(), history, name, name[:8])
