"""What there can be on the pages of an account, and how it comes about."""

from __future__ import annotations

import re
from datetime import timedelta

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from diagnosis.engine.sentences import sentence
from diagnosis.models import ModelVersion, Webhook
from diagnosis.people.tokens import ApiToken, make_token
from tests.browser.result_states import LONG_AGO, Make
from tests.second_factor import with_second_factor


def without_password(user: User, _: ModelVersion) -> str:
    user.set_unusable_password()
    user.save()
    return "/accounts/password/set/"


def reset(user: User, _: ModelVersion) -> str:
    Client().post("/accounts/password/reset/", {"email": user.email})
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def confirm(user: User, _: ModelVersion) -> str:
    address = EmailAddress.objects.create(user=user, email="alice@example.net")
    return f"/accounts/confirm-email/{EmailConfirmationHMAC(address).key}/"


def tokens(user: User, _: ModelVersion) -> str:
    make_token(user, "an old script")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(days=1))
    make_token(user)
    row, _text = make_token(user, "the scanner of ward seven", "read")
    row.note_use()
    return "/accounts/tokens/"


def browsers(user: User, _: ModelVersion) -> str:
    for user_agent in ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile Safari/537.36", "curl/8.5.0"):
        client = Client()
        client.force_login(user)
        key = client.cookies["sessionid"].value
        UserSession.objects.create(user=user, session_key=key, user_agent=user_agent, ip="2001:db8::1234:5678:9abc")
    return "/accounts/sessions/"


def second_factor_on(path: str) -> Make:
    def make(user: User, _: ModelVersion) -> str:
        with_second_factor(user)
        return path

    return make


def notices_page(user: User, _: ModelVersion) -> str:
    for state in ({}, {"failing_since": LONG_AGO}, {"paused": "owner"}):
        Webhook.objects.create(owner=user, url="https://archive.example.org/pneumodetect/results", **state)
    return "/accounts/notices/"


def webhook(user: User, _: ModelVersion) -> str:
    webhook = Webhook.objects.create(owner=user, url="https://archive.example.org/hook", failing_since=LONG_AGO)
    sent = {"state": "sent", "due": None, "attempts": 1, "status_code": 200, "seconds": 0.21, "answer": "thank you"}
    failed = {"attempts": 3, "status_code": 503, "seconds": 1.0, "answer": "<html>" + "x" * 190}
    why = sentence("It answered with {status}; a status from 200 to 299 means success.", status=503)
    failed |= {"problem": why, "problem_parts": why.as_dict()}
    for event, facts in (
        ("ping", sent),
        ("prediction.final", failed | {"due": LONG_AGO}),
        ("prediction.final", failed | {"state": "given_up", "due": None}),
        ("batch.final", {"state": "held", "due": None}),
    ):
        webhook.deliveries.create(event=event, **facts)
    return webhook.get_absolute_url()


def webhook_paused(user: User, version: ModelVersion) -> str:
    address = webhook(user, version)
    Webhook.objects.update(paused="failing")
    return address
