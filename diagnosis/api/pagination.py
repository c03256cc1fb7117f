"""A page of what the filters leave of one's radiographs, as the history shows it."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from diagnosis.history.filters import FilterForm
from diagnosis.history.paging import Mark, page_of, read_mark

PAGE_SIZE, LARGEST_PAGE = 50, 200
NO_SUCH_PAGE = "There is no such page. Start from the first one, without a cursor."


def form_of(request: Request) -> FilterForm:
    """Return the filters of the query of the request; 400 names the field that cannot be understood."""
    form = FilterForm(request.GET, request.user)
    if not form.is_valid():
        raise exceptions.ValidationError({name: list(map(str, sentences)) for name, sentences in form.errors.items()})
    return form


class FoundPagination(BasePagination):
    """Goes by the query alone: what may be seen, and in which order, is the business of the filters."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        found = form_of(request).found()
        mark = None
        if (cursor := request.GET.get("cursor")) and not (mark := read_mark(cursor, found.order)):
            raise exceptions.NotFound(NO_SUCH_PAGE)
        self._address = request.build_absolute_uri()
        self._page = page_of(found, mark, _page_size(request))
        return self._page.radiographs

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._link(self._page.after), "previous": self._link(self._page.before)}
        return Response({**links, "results": data})

    def _link(self, mark: Mark | None) -> str | None:
        return replace_query_param(self._address, "cursor", str(mark)) if mark else None


def _page_size(request: Request) -> int:
    text = request.GET.get("page_size", "")
    return min(int(text), LARGEST_PAGE) if text.isdecimal() and len(text) < 10 and int(text) else PAGE_SIZE
