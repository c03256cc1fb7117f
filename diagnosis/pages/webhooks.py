"""Webhooks of users and groups: added, tried, paused, deleted, and what became of each call."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from diagnosis.pages.access import members_only
from diagnosis.pages.errors import wants_fragment
from diagnosis.pages.groups import first_error, in_group
from diagnosis.pages.notices import notices_page
from diagnosis.people.groups import Membership, Role
from diagnosis.webhooks.forms import WebhookForm
from diagnosis.webhooks.models import MOST_SHOWN, Delivery, Webhook

#: Where the session keeps a secret until the page has shown it.
SHOW_ONCE = "webhook_to_show"

Changed = Callable[..., HttpResponseBase]


def own_webhook(request: HttpRequest, pk: int) -> Webhook:
    """Return the user's own webhook, or one of a group that the user owns; a stranger's does not exist."""
    return get_object_or_404(Webhook.objects.managed_by(request.user).select_related("group"), pk=pk)


def _of_own(view: Callable[..., HttpResponse]) -> Changed:
    """Take a form that changes one's own webhook."""

    @members_only
    @never_cache
    @require_POST
    @wraps(view)
    def changed(request: HttpRequest, pk: int, **parts: uuid.UUID) -> HttpResponse:
        return view(request, own_webhook(request, pk), **parts)

    return changed


@members_only
@never_cache
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Make a webhook, and call it once to see whether it answers."""
    form = WebhookForm(request.POST, owner=request.user)
    if not form.is_valid():
        return notices_page(request, 400, webhook_form=form)
    webhook = form.save()
    webhook.ping()
    return _with_secret(request, webhook)


@members_only
@never_cache
@require_POST
@in_group(Role.OWNER)
def add_to_group(request: HttpRequest, mine: Membership) -> HttpResponse:
    """The same for what is shared with a group."""
    form = WebhookForm(request.POST, group=mine.group)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(mine.group)
    webhook = form.save()
    webhook.ping()
    return _with_secret(request, webhook)


def _with_secret(request: HttpRequest, webhook: Webhook) -> HttpResponse:
    request.session[SHOW_ONCE] = [webhook.pk, webhook.secret]
    return redirect(webhook)


@members_only
@never_cache
@require_http_methods(["GET", "HEAD"])
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook with its newest calls, and once after it was made its secret."""
    own = own_webhook(request, pk)
    deliveries = list(own.deliveries.defer("body")[:MOST_SHOWN])
    facts = {"webhook": own, "deliveries": deliveries, "most": MOST_SHOWN, "is_open": _is_under_way(deliveries)}
    if wants_fragment(request):
        return render(request, "diagnosis/webhooks/_deliveries.html", facts)
    of, secret = request.session.get(SHOW_ONCE, (None, ""))
    if of == own.pk and request.method == "GET":
        del request.session[SHOW_ONCE]
        facts["secret"] = secret
    return render(request, "diagnosis/webhooks/webhook.html", facts)


def _is_under_way(deliveries: list[Delivery]) -> bool:
    """Whether it is worth waiting for: not for an attempt in an hour."""
    soon = timezone.now() + timedelta(seconds=15)
    return any(delivery.due and delivery.due < soon for delivery in deliveries)


@_of_own
def ping(request: HttpRequest, own: Webhook) -> HttpResponse:
    own.ping()
    messages.success(request, _("A trial call is on its way; see below what comes of it."))
    return redirect(own)


@_of_own
def pause(request: HttpRequest, own: Webhook) -> HttpResponse:
    own.pause()
    messages.success(request, _("The webhook is paused. What waited to be sent is kept."))
    return redirect(own)


@_of_own
def resume(request: HttpRequest, own: Webhook) -> HttpResponse:
    own.resume()
    messages.success(request, _("The webhook is called again."))
    return redirect(own)


@_of_own
def rotate(request: HttpRequest, own: Webhook) -> HttpResponse:
    own.rotate_secret()
    return _with_secret(request, own)


@_of_own
def delete(request: HttpRequest, own: Webhook) -> HttpResponse:
    """Ask first; then delete it with its log."""
    if "confirmed" not in request.POST:
        return render(request, "diagnosis/webhooks/delete.html", {"webhook": own})
    own.delete()
    messages.success(request, _("The webhook is deleted, and so are its calls."))
    return redirect(own.group or "diagnosis:notices")


@_of_own
def redeliver(request: HttpRequest, own: Webhook, delivery: uuid.UUID) -> HttpResponse:
    """Send one call again, as it was."""
    again = get_object_or_404(own.deliveries, pk=delivery)
    if own.paused:
        messages.error(request, _("The webhook is paused. Resume it first."))
    elif again.is_withdrawn:
        messages.error(request, _("The X-ray is no longer shared with the group, so its result is not sent again."))
    else:
        own.deliveries.filter(pk=again.pk, due=None).send_now()
        messages.success(request, _("The call is sent once more."))
    return redirect(own)
