"""Everything that the filters leave, as one file."""

from __future__ import annotations

from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.pagination import found_of
from diagnosis.api.result_views import SentAsItIs
from diagnosis.history.exporting import export_response


class CsvRenderer(SentAsItIs):
    media_type = "text/csv"
    format = "csv"


class ExportView(GivesAnswers, APIView):
    """GET the same rows as the list, with all columns, as CSV or JSON by the ending of the address."""

    renderer_classes = (JSONRenderer, CsvRenderer)

    def get(self, request: Request, kind: str) -> HttpResponseBase:
        return export_response(found_of(request), kind)
