"""Webhooks and their calls for the administrator: to be looked at; a webhook can be paused, resumed and deleted."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from diagnosis.admin import ReadOnlyAdmin
from diagnosis.models import Delivery, Webhook


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ("url", "owner", "paused", "failures", "failing_since", "created")
    list_filter = ("paused",)
    list_select_related = ("owner",)
    search_fields = ("url", "owner__username")
    exclude = ("secret", "old_secret")
    actions = ("pause", "resume")

    @admin.action(description="Pause the selected webhooks", permissions=["delete"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        paused = sum(webhook.pause() for webhook in queryset)
        self.message_user(request, f"Paused: {paused}. What waited to be sent is kept.")

    @admin.action(description="Resume the selected webhooks", permissions=["delete"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            webhook.resume()
        self.message_user(request, "They are called again, with what was held back first.")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created", "webhook", "event", "state", "attempts", "status_code", "due")
    list_select_related = ("webhook",)
    raw_id_fields = ("prediction", "batch")
