"""The predictions on a radiograph, and asking for a further one."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.problems import problem_response
from diagnosis.api.serializers import PredictionSerializer
from diagnosis.api.views import BoundedJSONParser
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.submission import classify_again

UNFINISHED = "The newest prediction on this X-ray is not final yet. Ask for another one once it is."


class AgainSerializer(serializers.Serializer[Any]):
    model_version = serializers.CharField(required=False)

    def validate_model_version(self, version: str) -> str:
        active = ModelVersion.objects.filter(active=True).first()
        if active is None or version != active.version:
            known = f"which is {active.version}" if active else "and there is none"
            raise serializers.ValidationError(f"Only the active version classifies, {known}. Leave this field out.")
        return version


class NewestQueuedFirst(CursorPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-queued_at", "-id")


class PredictionsView(GivesAnswers, generics.ListAPIView[Prediction]):
    """GET all predictions on a radiograph, the newest first; POST to have it classified again."""

    serializer_class = PredictionSerializer
    pagination_class = NewestQueuedFirst
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get_queryset(self) -> QuerySet[Prediction]:
        own = get_object_or_404(Radiograph.objects.owned_by(self.request.user), pk=self.kwargs["pk"])
        with_all = Prefetch("radiograph", Radiograph.objects.with_predictions())
        predictions = Prediction.objects.filter(radiograph=own)
        return predictions.select_related("model_version").prefetch_related(with_all)

    def post(self, request: Request, pk: uuid.UUID) -> Response | HttpResponse:
        own = get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)
        AgainSerializer(data=request.data).is_valid(raise_exception=True)
        if not (begun := classify_again([own])):
            return problem_response(409, UNFINISHED)
        answer = self.get_serializer(self.get_queryset().get(pk=begun[0].pk)).data
        return Response(answer, status=status.HTTP_201_CREATED)
