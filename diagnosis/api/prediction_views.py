"""The predictions on a radiograph, and asking for a further one."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.giving_answers import GivesAnswers
from diagnosis.api.idempotency import idempotent
from diagnosis.api.openapi import calls
from diagnosis.api.pagination import KeysetPagination
from diagnosis.api.parsers import BoundedJSONParser
from diagnosis.api.problems import problem_response
from diagnosis.api.serializers import PredictionSerializer
from diagnosis.asking_again import classify_again
from diagnosis.models import ModelVersion, Prediction, Radiograph
from diagnosis.retention.gone import refuse_removed
from diagnosis.versions.choosing import NotOffered, find_offered

UNFINISHED = gettext_lazy("The newest prediction on this X-ray is not final yet. Ask for another one once it is.")


class AgainSerializer(serializers.Serializer[Any]):
    model_version = serializers.CharField(required=False, allow_blank=True)

    def validate_model_version(self, version: str) -> ModelVersion:
        try:
            return find_offered(version)
        except NotOffered as error:
            raise serializers.ValidationError(str(error)) from error


class NewestQueuedFirst(KeysetPagination):
    ordering = ("-queued_at", "-id")


@calls.predictions_view
class PredictionsView(GivesAnswers, generics.ListAPIView[Prediction]):
    """GET all predictions on a radiograph, the newest first; POST to have it classified again."""

    serializer_class = PredictionSerializer
    pagination_class = NewestQueuedFirst
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get_queryset(self) -> QuerySet[Prediction]:
        shown = get_object_or_404(Radiograph.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        with_all = Prefetch("radiograph", Radiograph.objects.with_predictions())
        predictions = Prediction.objects.filter(radiograph=shown)
        return predictions.select_related("model_version").prefetch_related(with_all)

    @extend_schema(request=AgainSerializer)
    @idempotent(radiograph="pk")
    def post(self, request: Request, pk: uuid.UUID) -> Response | HttpResponse:
        own = get_object_or_404(Radiograph.objects.owned_by(request.user), pk=pk)
        refuse_removed(own)
        asked = AgainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if not (begun := classify_again([own], asked.validated_data.get("model_version"))):
            return problem_response(409, str(UNFINISHED))
        answer = self.get_serializer(self.get_queryset().get(pk=begun[0].pk)).data
        return Response(answer, status=status.HTTP_201_CREATED)
