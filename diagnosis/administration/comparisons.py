"""What versions were found to be worth against one another, for the administrator to look up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from diagnosis.administration.filters import DayFilter
from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.models import Comparison, ComparisonSeen, Disagreement


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("created", "a", "b", "data", "images", "sentence")
    list_filter = (("created", DayFilter),)
    list_select_related = ("a", "b")
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("a__version", "b__version", "data", "sentence")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("a__card", "b__card")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it may stand against an activation

    @admin.display
    def images(self, comparison: Comparison) -> int:
        return int(comparison.figures["images"])


@admin.register(ComparisonSeen)
class ComparisonSeenAdmin(ReadOnlyAdmin):
    list_display = ("moment", "username", "version", "active", "radiographs", "differing")
    list_filter = (("moment", DayFilter),)
    list_select_related = ("version", "active")
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("username", "version__version", "active__version")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("version__card", "active__card")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it says who answers for an activation


@admin.register(Disagreement)
class DisagreementAdmin(ReadOnlyAdmin):
    """Radiographs of which two versions say different things."""

    list_display = ("radiograph", "owner", "older", "newer", "kind", "created")
    list_select_related = ("radiograph", "owner", "older", "newer")
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("radiograph",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("older__card", "newer__card", "radiograph__acquisition")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # written anew by whatever is answered next
