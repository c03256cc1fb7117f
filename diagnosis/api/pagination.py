"""A page of what the filters leave of one's radiographs, as the history shows it."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.pagination import BasePagination, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from diagnosis.history.filters import FilterForm
from diagnosis.history.paging import Mark, page_of, read_mark
from diagnosis.reviewing.blinding import disclose

PAGE_SIZE, LARGEST_PAGE = 50, 200
NO_SUCH_PAGE = _("There is no such page. Start from the first one, without a cursor.")


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
        disclose(request.user, self._page.radiographs)
        return self._page.radiographs

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._link(self._page.after), "previous": self._link(self._page.before)}
        return Response({**links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return _page_schema(schema)

    def _link(self, mark: Mark | None) -> str | None:
        return replace_query_param(self._address, "cursor", str(mark)) if mark else None


class KeysetPagination(CursorPagination):
    """For lists that are neither filtered nor long; a subclass names the ordering."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError, exceptions.NotFound) as error:  # made up, or mangled
            raise exceptions.NotFound(NO_SUCH_PAGE) from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return _page_schema(schema)

    def decode_cursor(self, request: Request) -> Any:
        cursor = request.GET.get("cursor")
        if cursor and not re.fullmatch("[A-Za-z0-9+/]+=*", cursor):  # Base64 itself takes no offence
            raise exceptions.NotFound(NO_SUCH_PAGE)
        return super().decode_cursor(request)

    def get_page_size(self, request: Request) -> int:
        return _page_size(request)


def _page_schema(schema: dict[str, Any]) -> dict[str, Any]:
    address = {"type": ["string", "null"], "format": "uri"}
    fields = {"next": address, "previous": address, "results": schema}
    return {"type": "object", "properties": fields, "required": list(fields)}


def _page_size(request: Request) -> int:
    if not (text := request.GET.get("page_size")):
        return PAGE_SIZE
    if not (text.isascii() and text.isdecimal() and text.strip("0")):
        raise exceptions.ValidationError({"page_size": [f"It must be a whole number from 1 to {LARGEST_PAGE}."]})
    return min(int(text), LARGEST_PAGE) if len(text) < 7 else LARGEST_PAGE
