"""The groups that a user shares radiographs with, for programs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, serializers

from diagnosis.api.openapi import calls
from diagnosis.api.pagination import KeysetPagination
from diagnosis.models import Membership


class GroupSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.IntegerField(source="group_id")
    name = serializers.CharField(source="group.name")

    class Meta:
        model = Membership
        fields: Any = ("id", "name", "role", "since")


class NewestMembershipFirst(KeysetPagination):
    ordering = ("-since", "-id")


@calls.groups_view
class GroupsView(generics.ListAPIView[Membership]):
    """GET the groups that one is in, each with one's role; their ids are those of the field and filter ``group``."""

    serializer_class = GroupSerializer
    pagination_class = NewestMembershipFirst

    def get_queryset(self) -> QuerySet[Membership]:
        return Membership.objects.filter(user=self.request.user.pk).select_related("group")
