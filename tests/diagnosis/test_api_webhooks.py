"""The same for programs: webhooks added, changed, tried and deleted through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from diagnosis.models import Delivery, Webhook
from tests.diagnosis.pages import browser_of

pytestmark = pytest.mark.django_db

HOOKS = "/api/v1/webhooks/"
PUBLIC = "https://93.184.216.34/hook"


def send(client: Client, method: str, path: str, **facts: Any) -> Any:
    return getattr(client, method)(path, facts, content_type="application/json")


def test_a_webhook_is_added_and_its_secret_told_once(alice: User) -> None:
    client = browser_of(alice)
    answer = send(client, "post", HOOKS, url=PUBLIC, events=["batch.final"])
    assert answer.status_code == 201
    added = answer.json()
    webhook = Webhook.objects.get()
    assert added.pop("secret") == webhook.secret
    assert (added["url"], added["events"], added["paused"]) == (PUBLIC, ["batch.final"], False)
    assert client.get(HOOKS).json() == {"results": [added]}
    assert client.get(f"{HOOKS}{webhook.pk}/").json() == added
    assert Delivery.objects.get().event == "ping"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": PUBLIC, "events": []}, "non_field_errors"),
        ({"url": PUBLIC, "events": ["everything"]}, "events"),
    ],
)
def test_what_the_page_refuses_is_400_with_its_sentence(alice: User, facts: dict[str, Any], field: str) -> None:
    answer = send(browser_of(alice), "post", HOOKS, **facts)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [field]
    assert not Webhook.objects.exists()


def test_it_is_changed_paused_tried_and_deleted(alice: User) -> None:
    client, webhook = browser_of(alice), Webhook.objects.create(owner=alice, url=PUBLIC)
    page = f"{HOOKS}{webhook.pk}/"
    changed = send(client, "patch", page, events=["prediction.final"], paused=True).json()
    assert (changed["events"], changed["paused"], changed["url"]) == (["prediction.final"], True, PUBLIC)
    assert send(client, "patch", page, url="http://10.0.0.1/").status_code == 400
    assert send(client, "post", f"{page}ping/").status_code == 409
    assert send(client, "patch", page, paused=False).json()["paused"] is False
    assert send(client, "post", f"{page}ping/").status_code == 202
    (delivery,) = client.get(f"{page}deliveries/").json()["results"]
    assert (delivery["event"], delivery["state"], delivery["attempts"]) == ("ping", "pending", 0)
    Delivery.objects.update(state="sent", due=None)
    again = send(client, "post", f"{page}deliveries/{delivery['id']}/")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    assert client.delete(page).status_code == 204
    assert not Webhook.objects.exists()


def test_a_webhook_of_another_is_404(alice: User, bob: User) -> None:
    webhook = Webhook.objects.create(owner=alice, url=PUBLIC)
    delivery, client, page = webhook.ping(), browser_of(bob), f"{HOOKS}{webhook.pk}/"
    assert client.get(HOOKS).json() == {"results": []}
    calls = [("get", ""), ("patch", ""), ("delete", ""), ("post", "ping/"), ("get", "deliveries/")]
    for method, part in [*calls, ("post", f"deliveries/{delivery.pk}/")]:
        assert send(client, method, page + part).status_code == 404
    assert Client().get(HOOKS).status_code == 401
