"""Webhooks of users and groups, and their calls. What the pages do, by the same form and the rows' own methods."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.api.idempotency import idempotent
from diagnosis.api.openapi import calls
from diagnosis.api.parsers import BoundedJSONParser
from diagnosis.api.problems import problem_response
from diagnosis.models import Delivery, ReadingGroup, Webhook
from diagnosis.webhooks.forms import WebhookForm
from diagnosis.webhooks.models import MOST_SHOWN, WebhookQuerySet

#: The events that a webhook is called on, and the field that says so.
EVENTS = {"prediction.final": "on_predictions", "batch.final": "on_batches"}
#: What a group's webhook is called on.
OF_GROUPS = "prediction.final"
PAUSED = "The webhook is paused. Resume it first: PATCH it with paused=false."
WITHDRAWN = "The X-ray is no longer shared with the group, so its result is not sent again."


class OwnedGroupField(serializers.PrimaryKeyRelatedField[ReadingGroup]):
    def get_queryset(self) -> Any:
        return ReadingGroup.objects.owned_by(self.context["request"].user)


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    events = serializers.SerializerMethodField()
    paused = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = ("id", "url", "group", "events", "paused", "failing_since", "created")

    def get_events(self, webhook: Webhook) -> list[str]:
        return [event for event, field in EVENTS.items() if getattr(webhook, field)]

    def get_paused(self, webhook: Webhook) -> bool:
        return bool(webhook.paused)


class SecretWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="What its calls are signed with. It is not told again.")

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")  # type: ignore[assignment]  # one more


class WebhookFactsSerializer(serializers.Serializer[Any]):
    """What may be said of one; the address and the events are judged by the form."""

    url = serializers.CharField()
    events = serializers.ListField(
        child=serializers.ChoiceField(list(EVENTS)), required=False, help_text="All, where none are named."
    )


class NewWebhookSerializer(WebhookFactsSerializer):
    """Whose a new one is, too."""

    group: Any = OwnedGroupField(
        queryset=ReadingGroup.objects.none(),
        required=False,
        allow_null=True,
        help_text="A group that one owns: called on prediction.final alone, for what is shared with it.",
        error_messages={"does_not_exist": gettext_lazy("You own no group {pk_value}. GET groups/ lists yours.")},
    )


class WebhookChangeSerializer(WebhookFactsSerializer):
    """What may be set."""

    url = serializers.CharField(required=False)
    paused = serializers.BooleanField(required=False)


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    next_attempt = serializers.DateTimeField(source="due", allow_null=True)

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


class WebhooksSerializer(serializers.Serializer[Any]):
    """All of them, since there can only be a few."""

    results = WebhookSerializer(many=True)


class DeliveriesSerializer(serializers.Serializer[Any]):
    """The newest ones."""

    results = DeliverySerializer(many=True)


class _OfOwn(generics.GenericAPIView[Webhook]):
    """A stranger's webhook does not exist."""

    serializer_class = WebhookSerializer
    parser_classes = (BoundedJSONParser,)

    def get_queryset(self) -> WebhookQuerySet:
        return Webhook.objects.managed_by(self.request.user)

    def change(self, webhook: Webhook | None, asked: dict[str, Any]) -> Webhook:
        """Save what the form takes. Raises ValidationError with its sentences."""
        group = webhook.group if webhook else asked.get("group")
        if group and (asked.get("events") or [OF_GROUPS]) != [OF_GROUPS]:
            raise exceptions.ValidationError({"events": [_("A group’s webhook is called on prediction.final alone.")]})
        events = asked.get("events", [event for event, field in EVENTS.items() if getattr(webhook, field, True)])
        facts = {"url": asked.get("url", webhook.url if webhook else ""), **{EVENTS[each]: "on" for each in events}}
        form = WebhookForm(facts, instance=webhook, owner=self.request.user, group=group)
        if not form.is_valid():
            names = {"__all__": "non_field_errors"}
            raise exceptions.ValidationError({names.get(k, k): list(map(str, v)) for k, v in form.errors.items()})
        saved: Webhook = form.save()
        return saved

    def asked(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        asked = serializer(data=self.request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


@calls.webhooks_view
class WebhooksView(_OfOwn):
    """GET one's webhooks and those of groups that one owns; POST ``url``, ``events`` and ``group`` to add one.

    The answer alone holds its secret.
    """

    @extend_schema(responses=WebhooksSerializer)
    def get(self, request: Request) -> Response:
        return Response({"results": self.get_serializer(self.get_queryset(), many=True).data})

    @extend_schema(request=NewWebhookSerializer, responses={201: SecretWebhookSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        webhook = self.change(None, self.asked(NewWebhookSerializer))
        webhook.ping()
        return Response(SecretWebhookSerializer(webhook).data, status=status.HTTP_201_CREATED)


@calls.webhook_view
class WebhookView(_OfOwn, generics.RetrieveDestroyAPIView[Webhook]):
    """GET one; PATCH ``url``, ``events`` or ``paused``; DELETE it with its log."""

    @extend_schema(request=WebhookChangeSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        webhook, asked = self.get_object(), self.asked(WebhookChangeSerializer)
        if asked.keys() & {"url", "events"}:
            self.change(webhook, asked)
        if "paused" in asked:
            webhook.pause() if asked["paused"] else webhook.resume()
        webhook.refresh_from_db()
        return Response(self.get_serializer(webhook).data)


@calls.ping_view
class PingView(_OfOwn):
    """POST to have it called on trial."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @idempotent()
    def post(self, request: Request, pk: int) -> Response | HttpResponse:
        webhook = self.get_object()
        if webhook.paused:
            return problem_response(409, PAUSED)
        return Response(DeliverySerializer(webhook.ping()).data, status=status.HTTP_202_ACCEPTED)


@calls.deliveries_view
class DeliveriesView(_OfOwn):
    """GET the newest calls."""

    @extend_schema(responses=DeliveriesSerializer)
    def get(self, request: Request, pk: int) -> Response:
        newest = self.get_object().deliveries.defer("body")[:MOST_SHOWN]
        return Response({"results": DeliverySerializer(newest, many=True).data})


@calls.delivery_view
class DeliveryView(_OfOwn):
    """POST to have a call sent again, as it was."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @idempotent()
    def post(self, request: Request, pk: int, delivery: uuid.UUID) -> Response | HttpResponse:
        webhook = self.get_object()
        again = generics.get_object_or_404(webhook.deliveries.all(), pk=delivery)
        if webhook.paused:
            return problem_response(409, PAUSED)
        if again.is_withdrawn:
            return problem_response(409, WITHDRAWN)
        webhook.deliveries.filter(pk=again.pk, due=None).send_now()
        again.refresh_from_db()
        return Response(DeliverySerializer(again).data, status=status.HTTP_202_ACCEPTED)
