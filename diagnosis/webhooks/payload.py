"""What a call says: what the API says of a prediction, and nothing that a file or a patient is called by."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.urls import reverse

from diagnosis.api.serializers import PredictionSerializer
from diagnosis.models import Prediction
from diagnosis.webhooks.models import Delivery


def absolute(path: str) -> str:
    """Return the address under which users reach the platform."""
    return settings.PUBLIC_URL + path


def body_of(delivery: Delivery) -> str:
    said: dict[str, Any] = {
        "id": str(delivery.pk),
        "event": delivery.event,
        "created": delivery.created.isoformat(),
        "webhook": delivery.webhook_id,
    }
    if delivery.prediction:
        said |= _of_prediction(delivery.prediction)
    if delivery.batch:
        said["batch"] = delivery.batch.facts()
    return json.dumps(said, default=str)


def _of_prediction(prediction: Prediction) -> dict[str, Any]:
    # What serializers take for the request is asked for absolute addresses alone.
    request = SimpleNamespace(build_absolute_uri=absolute, GET={})
    serializer = PredictionSerializer(prediction, context={"request": request})
    pk = prediction.radiograph_id
    radiograph = {
        "id": str(pk),
        "url": absolute(reverse("api:radiograph", args=[pk])),
        "page_url": absolute(reverse("diagnosis:radiograph", args=[pk])),
    }
    return {"radiograph": radiograph, "prediction": dict(serializer.data)}
