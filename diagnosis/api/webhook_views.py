"""A user's webhooks and their calls. What the pages do, by the same form and the rows' own methods."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions, generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.problems import problem_response
from diagnosis.models import Delivery, Webhook
from diagnosis.webhooks.forms import WebhookForm
from diagnosis.webhooks.models import MOST_SHOWN, WebhookQuerySet

#: The events that a webhook is called on, and the field that says so.
EVENTS = {"prediction.final": "on_predictions", "batch.final": "on_batches"}
PAUSED = "The webhook is paused. Resume it first: PATCH it with paused=false."


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    events = serializers.SerializerMethodField()
    paused = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = ("id", "url", "events", "paused", "failing_since", "created")

    def get_events(self, webhook: Webhook) -> list[str]:
        return [event for event, field in EVENTS.items() if getattr(webhook, field)]

    def get_paused(self, webhook: Webhook) -> bool:
        return bool(webhook.paused)


class ChangeSerializer(serializers.Serializer[Any]):
    """What may be set; the address and the events are judged by the form."""

    url = serializers.CharField(required=False)
    events = serializers.ListField(child=serializers.ChoiceField(list(EVENTS)), required=False)
    paused = serializers.BooleanField(required=False)


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    next_attempt = serializers.DateTimeField(source="due")

    class Meta:
        model = Delivery
        fields = (
            "id",
            "event",
            "created",
            "state",
            "attempts",
            "next_attempt",
            "sent_at",
            "status_code",
            "answer",
            "seconds",
            "problem",
        )


class _OfOwn(generics.GenericAPIView[Webhook]):
    """A stranger's webhook does not exist."""

    serializer_class = WebhookSerializer

    def get_queryset(self) -> WebhookQuerySet:
        return Webhook.objects.owned_by(self.request.user)

    def change(self, webhook: Webhook | None, asked: dict[str, Any]) -> Webhook:
        """Save what the form takes. Raises ValidationError with its sentences."""
        events = asked.get("events", [event for event, field in EVENTS.items() if getattr(webhook, field, True)])
        facts = {"url": asked.get("url", webhook.url if webhook else ""), **{EVENTS[each]: "on" for each in events}}
        form = WebhookForm(facts, instance=webhook, owner=self.request.user)
        if not form.is_valid():
            names = {"__all__": "non_field_errors"}
            raise exceptions.ValidationError({names.get(k, k): list(map(str, v)) for k, v in form.errors.items()})
        saved: Webhook = form.save()
        return saved

    def asked(self) -> dict[str, Any]:
        asked = ChangeSerializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


class WebhooksView(_OfOwn):
    """GET all of one's webhooks; POST ``url`` and ``events`` to add one: the answer alone holds its secret."""

    def get(self, request: Request) -> Response:
        return Response({"results": self.get_serializer(self.get_queryset(), many=True).data})

    def post(self, request: Request) -> Response:
        webhook = self.change(None, self.asked())
        webhook.ping()
        answer = {**self.get_serializer(webhook).data, "secret": webhook.secret}
        return Response(answer, status=status.HTTP_201_CREATED)


class WebhookView(_OfOwn, generics.RetrieveDestroyAPIView[Webhook]):
    """GET one; PATCH ``url``, ``events`` or ``paused``; DELETE it with its log."""

    def patch(self, request: Request, pk: int) -> Response:
        webhook, asked = self.get_object(), self.asked()
        if asked.keys() & {"url", "events"}:
            self.change(webhook, asked)
        if "paused" in asked:
            webhook.pause() if asked["paused"] else webhook.resume()
        webhook.refresh_from_db()
        return Response(self.get_serializer(webhook).data)


class PingView(_OfOwn):
    """POST to have it called on trial."""

    def post(self, request: Request, pk: int) -> Response | HttpResponse:
        webhook = self.get_object()
        if webhook.paused:
            return problem_response(409, PAUSED)
        return Response(DeliverySerializer(webhook.ping()).data, status=status.HTTP_202_ACCEPTED)


class DeliveriesView(_OfOwn):
    """GET the newest calls."""

    def get(self, request: Request, pk: int) -> Response:
        newest = self.get_object().deliveries.defer("body")[:MOST_SHOWN]
        return Response({"results": DeliverySerializer(newest, many=True).data})


class DeliveryView(_OfOwn):
    """POST to have a call sent again, as it was."""

    def post(self, request: Request, pk: int, delivery: uuid.UUID) -> Response | HttpResponse:
        webhook = self.get_object()
        again = generics.get_object_or_404(webhook.deliveries.all(), pk=delivery)
        if webhook.paused:
            return problem_response(409, PAUSED)
        webhook.deliveries.filter(pk=again.pk, due=None).send_now()
        again.refresh_from_db()
        return Response(DeliverySerializer(again).data, status=status.HTTP_202_ACCEPTED)
