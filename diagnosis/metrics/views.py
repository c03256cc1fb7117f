"""GET /metrics: for staff, logged in or by token, and for Prometheus with a token of its own."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from diagnosis.metrics import requests
from diagnosis.metrics.platform import PlatformCollector

_platform = CollectorRegistry()
_platform.register(PlatformCollector())


def _has_metrics_token(request: Request) -> bool:
    """Whether it bears PNEUMODETECT_METRICS_TOKEN, which never expires as a person's token does, and opens no more."""
    sent, wanted = request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(sent.encode(), wanted.encode())


class StaffOrPrometheus(IsAdminUser):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return _has_metrics_token(request) or super().has_permission(request, view)


class MetricsView(APIView):
    """In Prometheus' text format."""

    permission_classes = (StaffOrPrometheus,)
    throttle_classes = ()
    schema = None  # no part of the API's version

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Take whatever is asked for: what is rendered is a refusal, and the figures have one form."""
        return JSONRenderer(), JSONRenderer.media_type

    def get(self, request: Request) -> HttpResponse:
        # Asked in turn, since an answer in two pieces would hold no figure of one moment anyway.
        text = generate_latest(_platform) + generate_latest(requests.registry)
        return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
