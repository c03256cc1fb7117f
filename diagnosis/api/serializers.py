"""How radiographs and predictions look to a program."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from diagnosis.heatmap import has_heatmap
from diagnosis.models import Prediction, Radiograph, ReadingGroup
from diagnosis.people.tokens import LONGEST_NAME, ApiToken
from diagnosis.report import has_report
from diagnosis.translation import translated


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)
    otp = serializers.CharField(
        default="", allow_blank=True, max_length=20, help_text="The code of the second factor, where there is one."
    )
    name = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=LONGEST_NAME,
        help_text="What the token is for, as the list of tokens says.",
    )
    scope = serializers.ChoiceField(
        ApiToken.Scope.choices, default=ApiToken.Scope.WRITE, help_text="What the token may do."
    )


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(
        allow_empty_file=True,  # refused by submission, with the same sentence as in the browser
        error_messages={"required": _("Send the radiograph as the multipart field 'file'.")},
    )


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(help_text="A sentence for the user.")


@extend_schema_field({"type": "string", "enum": list(Prediction.Status.values)})
class StatusField(serializers.CharField):
    pass


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    refusal = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # the name of a field attribute too
    band = serializers.SerializerMethodField()
    model_version = serializers.CharField(source="model_version.version", default=None, allow_null=True)
    heatmap_url = serializers.SerializerMethodField()
    report_url = serializers.SerializerMethodField()

    class Meta:
        model = Prediction
        fields = (
            "id",
            "status",
            "label",
            "probability",
            "threshold",
            "band",
            "refusal",
            "error",
            "model_version",
            "heatmap_url",
            "report_url",
            "queued_at",
            "started_at",
            "finished_at",
        )

    @extend_schema_field({"type": ["string", "null"], "enum": ["PNEUMONIA", "NORMAL", None]})
    def get_label(self, prediction: Prediction) -> str | None:
        return prediction.label or None

    @extend_schema_field({"type": ["string", "null"], "enum": ["likely", "uncertain", "unlikely", None]})
    def get_band(self, prediction: Prediction) -> str | None:
        return prediction.band or None

    def get_heatmap_url(self, prediction: Prediction) -> str | None:
        return self._address("api:heatmap", prediction) if has_heatmap(prediction) else None

    def get_report_url(self, prediction: Prediction) -> str | None:
        return self._address("api:report", prediction) if has_report(prediction) else None

    def _address(self, name: str, prediction: Prediction) -> str:
        """Return an address without a query for the newest prediction, whose result the bare address gives."""
        radiograph = prediction.radiograph
        query = None if radiograph.prediction.pk == prediction.pk else {"prediction": prediction.pk}
        address: str = reverse(name, args=[radiograph.pk], request=self.context.get("request"))
        return address + (f"?{urlencode(query)}" if query else "")

    @extend_schema_field(ReasonSerializer(allow_null=True))
    def get_refusal(self, prediction: Prediction) -> dict[str, str] | None:
        return self._reason(prediction, Prediction.Status.REFUSED)

    @extend_schema_field(ReasonSerializer(allow_null=True))
    def get_error(self, prediction: Prediction) -> dict[str, str] | None:
        return self._reason(prediction, Prediction.Status.FAILED)

    def _reason(self, prediction: Prediction, status: str) -> dict[str, str] | None:
        if prediction.status != status:
            return None
        return {"code": prediction.reason_code, "detail": prediction.explanation}


class OwnGroupField(serializers.PrimaryKeyRelatedField[ReadingGroup]):
    def get_queryset(self) -> Any:
        return ReadingGroup.objects.of(self.context["request"].user)


class SharingSerializer(serializers.Serializer[Any]):
    """Whom a radiograph is shared with: the id of one of the user's groups, or null."""

    group: Any = OwnGroupField(
        queryset=ReadingGroup.objects.none(),
        allow_null=True,
        error_messages={"does_not_exist": gettext_lazy("You are in no group {pk_value}. GET groups/ lists yours.")},
    )


class RadiographSerializer(serializers.ModelSerializer[Radiograph]):
    url = serializers.HyperlinkedIdentityField(view_name="api:radiograph")
    status = StatusField(source="prediction.status")
    prediction = PredictionSerializer()
    warnings = serializers.SerializerMethodField()
    owner = serializers.CharField(source="owner.username", read_only=True)
    tags = serializers.SerializerMethodField()
    image_removed_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a retention rule removed the image; null: it is there."
    )

    class Meta:
        model = Radiograph
        fields = (
            "id",
            "url",
            "created",
            "filename",
            "format",
            "width",
            "height",
            "sha256",
            "status",
            "prediction",
            "acquisition",
            "warnings",
            "source",
            "tags",
            "owner",
            "group",
            "image_removed_at",
        )

    def get_tags(self, radiograph: Radiograph) -> list[str]:
        """Name the tags to their owner: they are for nobody else."""
        is_own = radiograph.owner_id == self.context["request"].user.pk
        return [tag.name for tag in radiograph.tags.all()] if is_own else []

    @extend_schema_field(ReasonSerializer(many=True))
    def get_warnings(self, radiograph: Radiograph) -> list[dict[str, str]]:
        return [{"code": each.code, "detail": translated(each.detail)} for each in radiograph.warnings]
