"""Webhooks and their calls for the administrator: to be looked at; paused, resumed and deleted; sent once more."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from diagnosis.administration.paging import ReadOnlyAdmin
from diagnosis.models import Delivery, Webhook


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ("url", "owner", "group", "paused", "failures", "failing_since", "created")
    list_filter = ("paused",)
    list_select_related = ("owner", "group")
    ordering = ("-pk",)
    sortable_by = ()
    found_by = ("owner__username",)
    search_fields = ("url",)
    search_help_text = gettext_lazy("A user name in full; or a part of an address, among the newest 10,000.")
    exclude = ("secret", "old_secret")
    actions = ("pause", "resume")

    @admin.action(description=gettext_lazy("Pause the selected webhooks"), permissions=["delete"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        paused = sum(webhook.pause() for webhook in queryset)
        self.message_user(request, _("Paused: {number}. What waited to be sent is kept.").format(number=paused))

    @admin.action(description=gettext_lazy("Resume the selected webhooks"), permissions=["delete"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            webhook.resume()
        self.message_user(request, _("They are called again, with what was held back first."))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created", "webhook", "event", "state", "attempts", "status_code", "due")
    list_filter = ("state",)
    list_select_related = ("webhook",)
    sortable_by = ()
    found_by = ("pk", "webhook__owner__username")
    search_help_text = gettext_lazy("The id of a call, or the user name of a webhook's owner, in full.")
    newest_first = "-created"
    raw_id_fields = ("prediction", "batch")
    actions = ("send_again",)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("diagnosis.change_delivery")

    @admin.action(description=gettext_lazy("Send the selected calls once more"), permissions=["steer"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """As they were, under the same ids. Not what is still to be sent or was taken out of the group, nor to a
        webhook that is paused.
        """
        ended = queryset.filter(due=None, webhook__paused="").select_related("webhook", "prediction__radiograph")
        wanted = [delivery.pk for delivery in ended.defer("body") if not delivery.is_withdrawn]
        sent = Delivery.objects.filter(pk__in=wanted, due=None).send_now()
        sentence = ngettext("{number} call is sent once more.", "{number} calls are sent once more.", sent)
        self.message_user(request, sentence.format(number=sent))
        if left := queryset.count() - sent:
            sentence = ngettext(
                "{number} is not: it is to be sent anyway, its webhook is paused, or the X-ray is no longer shared.",
                "{number} are not: they are to be sent anyway, their webhook is paused, or the X-ray is no longer "
                "shared.",
                left,
            )
            self.message_user(request, sentence.format(number=left), messages.WARNING)
