"""The tokens of whoever asks: listed and revoked."""

from __future__ import annotations

from rest_framework import generics, serializers

from diagnosis.api.openapi import calls
from diagnosis.api.pagination import KeysetPagination
from diagnosis.people.tokens import ApiToken, ApiTokenQuerySet


class ApiTokenSerializer(serializers.ModelSerializer[ApiToken]):
    prefix = serializers.CharField(source="token_key", read_only=True)
    is_current = serializers.SerializerMethodField(help_text="Whether it is the one that this call was made with.")

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scope", "created", "last_used", "expiry", "is_current")

    def get_is_current(self, token: ApiToken) -> bool:
        used = self.context["request"].auth
        return isinstance(used, ApiToken) and used.pk == token.pk


class NewestFirst(KeysetPagination):
    ordering = ("-created", "-pk")


@calls.tokens_view
class TokensView(generics.ListAPIView[ApiToken]):
    """GET a page of one's tokens. What they are is not among it: only hashes are stored."""

    serializer_class = ApiTokenSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> ApiTokenQuerySet:
        own: ApiTokenQuerySet = ApiToken.objects.owned_by(self.request.user)
        return own


@calls.one_token_view
class TokenDetailView(generics.RetrieveDestroyAPIView[ApiToken]):
    """GET one; DELETE it, and who uses it is let in no more."""

    serializer_class = ApiTokenSerializer

    def get_queryset(self) -> ApiTokenQuerySet:
        own: ApiTokenQuerySet = ApiToken.objects.owned_by(self.request.user)
        return own
