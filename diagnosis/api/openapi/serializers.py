"""Forms of answers that no model has, for the schema alone."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from diagnosis.api.serializers import RadiographSerializer
from diagnosis.models import Review
from diagnosis.reviewing.models import LONGEST_COMMENT


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)


class VerdictSerializer(serializers.Serializer[Any]):
    """What diagnosis.reviewing.recording.VerdictForm takes."""

    label = serializers.ChoiceField(Review.Label.choices)  # type: ignore[assignment]  # the name of an attribute too
    comment = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_COMMENT)


class ProblemSerializer(serializers.Serializer[Any]):
    """What is wrong, and what would be right (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for the user.")
    errors = serializers.DictField(  # type: ignore[assignment]  # the name of a property too
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="For each bad field what is wrong with it.",
    )


class FileResultSerializer(serializers.Serializer[Any]):
    """Either its radiograph or its problem."""

    name = serializers.CharField()
    radiograph = RadiographSerializer(allow_null=True)
    problem = ProblemSerializer(allow_null=True)


class BatchSerializer(serializers.Serializer[Any]):
    """What became of each of several files, or of the files of a zip, in their order."""

    results = FileResultSerializer(many=True)
    skipped = serializers.IntegerField(help_text="Hidden and system files in a zip.")
