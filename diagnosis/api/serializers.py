"""How radiographs and predictions look to a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from diagnosis.models import Prediction, Radiograph


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(
        allow_empty_file=True,  # refused by submission, with the same sentence as in the browser
        error_messages={"required": "Send the radiograph as the multipart field 'file'."},
    )


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    refusal = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # the name of a field attribute too
    band = serializers.SerializerMethodField()
    model_version = serializers.CharField(source="model_version.version", default=None)

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
            "queued_at",
            "started_at",
            "finished_at",
        )

    def get_label(self, prediction: Prediction) -> str | None:
        return prediction.label or None

    def get_band(self, prediction: Prediction) -> str | None:
        return prediction.band or None

    def get_refusal(self, prediction: Prediction) -> dict[str, str] | None:
        return self._reason(prediction, Prediction.Status.REFUSED)

    def get_error(self, prediction: Prediction) -> dict[str, str] | None:
        return self._reason(prediction, Prediction.Status.FAILED)

    def _reason(self, prediction: Prediction, status: str) -> dict[str, str] | None:
        if prediction.status != status:
            return None
        return {"code": prediction.reason_code, "detail": prediction.reason}


class RadiographSerializer(serializers.ModelSerializer[Radiograph]):
    url = serializers.HyperlinkedIdentityField(view_name="api:radiograph")
    status = serializers.CharField(source="prediction.status")
    prediction = PredictionSerializer()
    warnings = serializers.SerializerMethodField()

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
        )

    def get_warnings(self, radiograph: Radiograph) -> list[dict[str, str]]:
        return [asdict(caution) for caution in radiograph.warnings]
