"""What readers said, and what was uploaded together: for the administrator to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.models import Batch, Review


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Verdicts. A correction is a further one, and none is ever changed or removed by itself."""

    list_display = ("radiograph", "reader", "label", "blinded", "current", "comment", "created")
    list_select_related = ("radiograph", "reader")
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("radiograph", "reader__username")
    search_help_text = gettext_lazy("The id of a radiograph, or the user name of a reader, in full.")
    raw_id_fields = ("radiograph", "prediction")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("radiograph__acquisition")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Uploads of many."""

    list_display = ("created", "owner", "files", "received", "open_until", "ended")
    list_select_related = ("owner",)
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("owner__username",)
    search_help_text = gettext_lazy("A user name in full.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
