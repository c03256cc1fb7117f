"""The readers' verdicts on a radiograph, and giving one."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.idempotency import idempotent
from diagnosis.api.openapi import calls
from diagnosis.api.pagination import KeysetPagination
from diagnosis.api.parsers import BoundedJSONParser
from diagnosis.api.problems import problem_response
from diagnosis.models import Radiograph, Review
from diagnosis.reviewing.blinding import hidden_from
from diagnosis.reviewing.recording import TOO_MANY_REVIEWS, TooManyReviews, VerdictForm, record


class ReviewSerializer(serializers.ModelSerializer[Review]):
    reader = serializers.SerializerMethodField()
    prediction: Any = serializers.PrimaryKeyRelatedField(read_only=True)

    class Meta:
        model = Review
        fields = ("id", "reader", "label", "comment", "created", "current", "blinded", "prediction")
        read_only_fields = fields

    def get_reader(self, review: Review) -> str | None:
        return review.reader.get_username() if review.reader else None


class NewestFirst(KeysetPagination):
    ordering = ("-created", "-id")


@calls.reviews_view
class ReviewsView(generics.ListAPIView[Review]):
    """GET all verdicts on a radiograph, the newest first, corrected ones included; POST one's own.

    A reader who reads blinded gets those of others after giving one.
    """

    serializer_class = ReviewSerializer
    pagination_class = NewestFirst
    parser_classes = (BoundedJSONParser, MultiPartParser)

    def get_queryset(self) -> QuerySet[Review]:
        radiograph = self._radiograph()
        reviews = Review.objects.filter(radiograph=radiograph).select_related("reader")
        return reviews.by(self.request.user) if hidden_from(self.request.user, [radiograph]) else reviews

    def _radiograph(self) -> Radiograph:
        return get_object_or_404(Radiograph.objects.visible_to(self.request.user), pk=self.kwargs["pk"])

    @idempotent(radiograph="pk")
    def post(self, request: Request, pk: uuid.UUID) -> Response | HttpResponse:
        radiograph = self._radiograph()
        if not isinstance(request.data, dict):
            raise serializers.ValidationError({"label": ["Send an object with the fields label and comment."]})
        form = VerdictForm(request.data)
        if not form.is_valid():
            raise serializers.ValidationError({name: list(map(str, texts)) for name, texts in form.errors.items()})
        try:
            review = record(radiograph, request.user, **form.cleaned_data)
        except TooManyReviews:
            return problem_response(409, str(TOO_MANY_REVIEWS))
        return Response(self.get_serializer(review).data, status=status.HTTP_201_CREATED)
