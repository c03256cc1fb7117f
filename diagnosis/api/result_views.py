"""The REST calls for what comes with a prediction: the heat map and the report."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.openapi import calls
from diagnosis.api.problems import problem_response
from diagnosis.models import Radiograph
from diagnosis.pages.result import heatmap_response, report_response
from diagnosis.retention.gone import status_of


class SentAsItIs(BaseRenderer):
    """Lets a caller ask for a kind that the view itself sends."""

    def render(self, data: object, *args: object, **kwargs: object) -> bytes:
        raise NotImplementedError(f"{self.media_type} is sent as it is")


class PngRenderer(SentAsItIs):
    media_type = "image/png"
    format = "png"


class PdfRenderer(SentAsItIs):
    media_type = "application/pdf"
    format = "pdf"


@calls.heatmap_view
class HeatmapView(GivesAnswers, APIView):
    """GET the heat map of the newest prediction, or of ``?prediction=``, to be stretched over the radiograph."""

    renderer_classes = (JSONRenderer, PngRenderer)

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        shown = get_object_or_404(Radiograph.objects.visible_to(request.user), pk=pk)
        try:
            return heatmap_response(request._request, shown)
        except Http404 as reason:
            return problem_response(status_of(reason), str(reason))


@calls.report_view
class ReportView(GivesAnswers, APIView):
    """GET the report on the newest prediction, or on ``?prediction=``."""

    renderer_classes = (JSONRenderer, PdfRenderer)

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        shown = get_object_or_404(Radiograph.objects.visible_to(request.user), pk=pk)
        try:
            return report_response(request._request, shown)
        except Http404 as reason:
            return problem_response(status_of(reason), str(reason))
