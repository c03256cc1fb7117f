"""Filters of the admin's lists. None of them reads the list to find out what there is to choose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.filters import ChoicesFieldListFilter, DateFieldListFilter, RelatedFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.administration.reasons import reason_codes
from diagnosis.history.filters import starts_of
from diagnosis.models import Prediction

#: The newest versions that can be chosen.
MOST_VERSIONS = 50


class DayFilter(DateFieldListFilter):
    """Today, this month and the like; or any one day. The field needs an index."""

    template = "admin/day_filter.html"

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = f"{field_path}_on"
        self.others: list[tuple[str, str]] = []
        super().__init__(field, request, params, model, model_admin, field_path)
        given: Any = self.used_parameters.pop(self.parameter, "")
        self.day = str(given[-1] if isinstance(given, list) else given)

    def expected_parameters(self) -> list[str | None]:
        return [*super().expected_parameters(), self.parameter]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)  # type: ignore[assignment]
        if not self.day:
            return found
        try:
            begin, end = starts_of(date.fromisoformat(self.day))
        except (ValueError, OverflowError):
            messages.error(request, _("This is no date that is known here. Write it as 2026-11-25."))
            return queryset.none()
        return found.filter(**{f"{self.field_path}__gte": begin, f"{self.field_path}__lt": end})

    def choices(self, changelist: Any) -> Iterator[Any]:
        own = (self.field_generic, self.parameter)
        given = changelist.filter_params.items()
        self.others = [(name, values[-1]) for name, values in given if not name.startswith(own)]
        for words, chosen in self.links:
            yield {
                "selected": not self.day and self.date_params == chosen,
                "query_string": changelist.get_query_string(chosen, list(own)),
                "display": words,
            }


class VersionFilter(RelatedFieldListFilter):
    """Without the cards, which are long."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        versions = field.related_model.objects.order_by("-published")
        return list(versions.values_list("pk", "version")[:MOST_VERSIONS])


class StatusFilter(ChoicesFieldListFilter):
    """Each status by the index of its kind: those that wait, and those that were refused or failed, are few."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().queryset(request, queryset)
        status = self.lookup_val[0] if self.lookup_val else ""
        if status in (Prediction.Status.PENDING, Prediction.Status.RUNNING):
            return found.filter(finished_at__isnull=True)  # type: ignore[no-any-return]
        if status in (Prediction.Status.REFUSED, Prediction.Status.FAILED):
            return found.filter(finished_at__isnull=False, probability__isnull=True)  # type: ignore[no-any-return]
        return found  # type: ignore[no-any-return]


class ReasonFilter(admin.SimpleListFilter):
    title = gettext_lazy("reason")
    parameter_name = "reason_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in reason_codes()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(reason_code=self.value(), finished_at__isnull=False, probability__isnull=True)
