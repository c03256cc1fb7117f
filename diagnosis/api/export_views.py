"""Everything that the filters leave, as one file."""

from __future__ import annotations

from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.openapi import calls
from diagnosis.api.pagination import form_of
from diagnosis.api.result_views import SentAsItIs
from diagnosis.history.exporting import Kind, export_response


class CsvRenderer(SentAsItIs):
    media_type = "text/csv"
    format = "csv"


class ExportView(GivesAnswers, APIView):
    """GET the same rows as the list, as far as they are one's own, with all columns: as CSV or JSON by the address."""

    renderer_classes = (JSONRenderer, CsvRenderer)
    kind: Kind

    def get(self, request: Request) -> HttpResponseBase:
        return export_response(form_of(request).found_own(), self.kind)


@calls.exported("csv", "text/csv")
class CsvExportView(ExportView):
    kind = "csv"


@calls.exported("json", "application/json")
class JsonExportView(ExportView):
    kind = "json"
