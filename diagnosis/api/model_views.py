"""The published versions of the network, for programs."""

from __future__ import annotations

from rest_framework import generics, serializers

from diagnosis.api.openapi import calls
from diagnosis.api.pagination import KeysetPagination
from diagnosis.models import ModelVersion


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    url = serializers.HyperlinkedIdentityField(
        view_name="api:model", lookup_field="version", lookup_url_kwarg="version"
    )

    class Meta:
        model = ModelVersion
        fields = ("version", "url", "active", "published", "network_sha256", "card")


class NewestPublishedFirst(KeysetPagination):
    ordering = ("-published", "-id")


@calls.models_view
class ModelsView(generics.ListAPIView[ModelVersion]):
    """GET the versions with their cards, the newest first."""

    queryset = ModelVersion.objects.all()
    serializer_class = ModelVersionSerializer
    pagination_class = NewestPublishedFirst


@calls.model_view
class ModelView(generics.RetrieveAPIView[ModelVersion]):
    """GET one."""

    queryset = ModelVersion.objects.all()
    serializer_class = ModelVersionSerializer
    lookup_field = "version"
