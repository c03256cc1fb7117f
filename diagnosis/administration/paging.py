"""Lists of the admin that ask for no more rows than they show: no count of all, no search through all."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: So many rows are counted, paged through, looked through by a search, and changed by one action.
MOST = 10_000


class BoundedPaginator(Paginator):
    """``is_cut`` says that there are more rows than are counted; the last page is then not the list's end."""

    @cached_property
    def is_cut(self) -> bool:
        return self._counted > MOST

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST + 1].count())


class BoundedChangeList(ChangeList):
    is_cut = False
    model_admin: BoundedAdmin

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.is_cut = self.paginator.is_cut
        # With a limit even where all fit on one page: since they were counted, thousands may have come. And ids first:
        # else all that comes before the page is joined with what the list shows of other tables.
        page = self.result_list[: max(self.list_per_page, self.list_max_show_all)]
        pks = list(page.select_related(None).prefetch_related(None).values_list("pk", flat=True))
        self.result_list = self.model_admin.completed(list(self.queryset.filter(pk__in=pks)))


class BoundedAdmin(admin.ModelAdmin):
    """Opens at once, whatever the size of the table, as long as ``ordering`` and filters have an index.

    A search tries the lookups of ``found_by`` over all rows, each by an index of its own, and the first that finds
    anything counts. What ``search_fields`` name is looked through among the newest rows alone.
    """

    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_help_text = gettext_lazy("Looks through the newest 10,000.")
    found_by: tuple[str, ...] = ()
    #: An ordering by one field that has an index, and tells the newest.
    newest_first = "-pk"

    class Media:
        css = {"all": ("administration.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def completed(self, rows: list[Any]) -> list[Any]:
        """Return the rows of one page with what is shown of them beside what the list has fetched."""
        return rows

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields or self.found_by  # without any there would be no field to type into

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        for lookup in self.found_by if term else ():
            if (found := _found(queryset, lookup, term)) is not None:
                return found, False
        if not term:
            return queryset, False
        if not self.search_fields:
            return queryset.none(), False
        return super().get_search_results(request, newest_of(queryset, self.newest_first), term)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *place: Any) -> HttpResponse | None:
        is_of_all = request.POST.get("select_across") == "1"
        if is_of_all and queryset.order_by()[MOST : MOST + 1].exists():
            sentence = _("More than 10,000 are in this list, which is too many at once. Filter it first.")
            self.message_user(request, sentence, messages.ERROR)
            return None
        return super().response_action(request, queryset, *place)


def newest_of(queryset: QuerySet[Any], newest_first: str) -> QuerySet[Any]:
    """Return those that are among the newest MOST rows of their table.

    Cut by a value, not by a subquery of ids: a database reads a range of an index, and nothing else.
    """
    field = newest_first.removeprefix("-")
    keys = queryset.model._default_manager.order_by(newest_first).values_list(field, flat=True)
    edge = list(keys[MOST : MOST + 1])
    return queryset.filter(**{f"{field}__gte": edge[0]}) if edge else queryset


def _found(queryset: QuerySet[Any], lookup: str, term: str) -> QuerySet[Any] | None:
    """Return the rows that a lookup finds; None where there are none.

    A user is looked up first: only of a known id can a database tell beforehand how many rows are the user's.
    """
    path, _, last = lookup.rpartition("__")
    try:
        if path and last == "username":
            user = User.objects.filter(username=term).values_list("pk", flat=True).first()
            found = queryset.filter(**{path: user}) if user else queryset.none()
        else:
            found = queryset.filter(**{lookup: term})
        return found if found.exists() else None
    except (ValueError, ValidationError):  # no id looks like this
        return None


class ReadOnlyAdmin(BoundedAdmin):
    """Rows that are made by the platform: to be looked at, not typed."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
