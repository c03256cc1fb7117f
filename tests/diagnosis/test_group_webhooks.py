"""A program of a group's is called about what is shared with it; the group's owners see to that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from diagnosis.models import Delivery, Letter, ModelVersion, Prediction, ReadingGroup, Webhook
from diagnosis.people.groups import Role
from diagnosis.people.letters import write_webhook_paused
from diagnosis.reviewing.blinding import set_blinded, was_shown
from diagnosis.reviewing.models import Disclosure
from diagnosis.webhooks import calling
from diagnosis.webhooks.delivering import deliver_due
from diagnosis.webhooks.models import MOST_WEBHOOKS
from tests.diagnosis.pages import browser_of, words
from tests.factories import make_radiograph
from tests.receiver import Receiver, receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

PUBLIC = "https://93.184.216.34/hook"
ANSWER = SimpleNamespace(
    status="succeeded",
    probability=0.94,
    label="PNEUMONIA",
    band="likely",
    activation_map=None,
    refusal=None,
    brightness=101.5,
    contrast=52.1,
)


@pytest.fixture
def ward(alice: User, bob: User) -> ReadingGroup:
    """A group that Alice owns and Bob is in."""
    ward = ReadingGroup.found("Ward 3", alice)
    ward.memberships.create(user=bob, role=Role.SUPERVISOR)
    return ward


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def of_group(ward: ReadingGroup, url: str = PUBLIC) -> Webhook:
    return Webhook.objects.create(group=ward, url=url, on_batches=False)


def finish(user: User, group: ReadingGroup | None) -> Prediction:
    version, _ = ModelVersion.objects.get_or_create(
        version="2026.1", network_sha256="0" * 64, card={"threshold": 0.41}
    )
    radiograph = make_radiograph(user)
    radiograph.group = group
    radiograph.save(update_fields=["group"])
    claimed = Prediction.objects.claim(radiograph.prediction.pk, "a worker")
    assert claimed
    claimed.finish(version, ANSWER)  # type: ignore[arg-type]
    return claimed


def test_it_is_called_about_what_any_member_shares_and_about_nothing_else(
    bob: User, ward: ReadingGroup, receiver: Receiver, django_assert_max_num_queries: Any
) -> None:
    webhook, own = of_group(ward, receiver.url), Webhook.objects.create(owner=bob, url=PUBLIC)
    finish(bob, None)
    shared = finish(bob, ward)
    assert Delivery.objects.filter(webhook=own).count() == 2
    (delivery,) = Delivery.objects.filter(webhook=webhook)
    assert delivery.prediction == shared
    assert deliver_due(webhook.pk) == 1
    assert json.loads(receiver.calls[0].body)["radiograph"]["id"] == str(shared.radiograph_id)
    with django_assert_max_num_queries(2):
        Delivery.objects.announce_predictions([shared.pk])


def test_what_is_no_longer_shared_is_not_told_any_more(bob: User, ward: ReadingGroup, receiver: Receiver) -> None:
    webhook = of_group(ward, receiver.url)
    finish(bob, ward)
    ward.memberships.get(user=bob).end()
    deliver_due(webhook.pk)
    assert receiver.calls == []
    assert not Delivery.objects.exists()


def test_what_is_no_longer_shared_is_not_sent_again(
    alice: User, bob: User, charlie: User, ward: ReadingGroup, receiver: Receiver
) -> None:
    webhook = of_group(ward, receiver.url)
    finish(bob, ward)
    deliver_due(webhook.pk)
    delivery = Delivery.objects.get()
    ward.memberships.get(user=bob).end()
    page, call = webhook.get_absolute_url(), f"/api/v1/webhooks/{webhook.pk}/"
    refused = browser_of(alice).post(f"{page}deliveries/{delivery.pk}/", follow=True)
    assert "no longer shared with the group" in words(refused)
    assert browser_of(alice).post(f"{call}deliveries/{delivery.pk}/").status_code == 409
    chosen = {"action": "send_again", "_selected_action": [delivery.pk]}
    assert "no longer shared" in words(browser_of(charlie).post("/admin/diagnosis/delivery/", chosen, follow=True))
    assert Delivery.objects.get().state == Delivery.State.SENT


def test_a_call_counts_as_shown_to_the_owners_who_read_blinded(
    alice: User, bob: User, ward: ReadingGroup, receiver: Receiver
) -> None:
    webhook = of_group(ward, receiver.url)
    for reader in (alice, bob):
        set_blinded(reader, True)
    of_other, own, unshared = finish(bob, ward), finish(alice, ward), finish(alice, None)
    assert not was_shown(alice, of_other.radiograph)
    assert deliver_due(webhook.pk) == 2
    assert [was_shown(alice, each.radiograph) for each in (of_other, own, unshared)] == [True, True, False]
    assert not Disclosure.objects.filter(user=bob).exists(), "no owner of the group"


@pytest.mark.django_db(transaction=True)
def test_an_x_ray_that_is_deleted_during_its_call_leaves_nothing_behind(
    alice: User, bob: User, ward: ReadingGroup, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = of_group(ward, receiver.url)
    set_blinded(alice, True)
    prediction, call = finish(bob, ward), calling.call

    def call_and_delete(*args: Any) -> Any:
        answer = call(*args)
        prediction.radiograph.delete()
        return answer

    monkeypatch.setattr(calling, "call", call_and_delete)
    assert deliver_due(webhook.pk) == 1
    assert len(receiver.calls) == 1
    assert not Disclosure.objects.exists()


def test_owners_add_it_on_the_page_of_the_group_and_find_it_there(alice: User, ward: ReadingGroup) -> None:
    client = browser_of(alice)
    refused = client.post(f"{ward.get_absolute_url()}webhooks/", {"url": "https://10.0.0.1/"}, follow=True)
    assert "10.0.0.1 is an address within a private network" in words(refused)
    page = client.post(f"{ward.get_absolute_url()}webhooks/", {"url": PUBLIC}, follow=True)
    webhook = Webhook.objects.get()
    assert (webhook.owner, webhook.group, webhook.on_predictions, webhook.on_batches) == (None, ward, True, False)
    assert webhook.secret in words(page)
    assert "shared with Ward 3 (prediction.final)" in words(page)
    assert PUBLIC in words(client.get(ward.get_absolute_url()))
    assert PUBLIC not in words(client.get("/accounts/notices/"))
    address = webhook.get_absolute_url()
    assert client.post(f"{address}delete/", {"confirmed": "yes"})["Location"] == ward.get_absolute_url()


def test_only_owners_of_the_group_see_and_change_it(alice: User, bob: User, ward: ReadingGroup) -> None:
    webhook = of_group(ward)
    page, call = webhook.get_absolute_url(), f"/api/v1/webhooks/{webhook.pk}/"
    for user, status in ((alice, 200), (bob, 404)):
        assert browser_of(user).get(page).status_code == status
        assert browser_of(user).get(call).status_code == status
    assert browser_of(bob).post(f"{ward.get_absolute_url()}webhooks/", {"url": PUBLIC}).status_code == 403
    seen = words(browser_of(bob).get(ward.get_absolute_url()))
    assert page not in seen
    assert f"{ward.get_absolute_url()}webhooks/" not in seen
    ward.memberships.get(user=bob).change_role(Role.OWNER)
    assert browser_of(bob).get(page).status_code == 200


def test_every_member_is_told_where_results_go_and_no_more_of_it(bob: User, ward: ReadingGroup) -> None:
    assert "are sent the result" not in words(browser_of(bob).get(ward.get_absolute_url()))
    webhook = of_group(ward, "https://archive.example.org/a-token?key=another")
    seen = words(browser_of(bob).get(ward.get_absolute_url()))
    assert "at <bdi>archive.example.org</bdi> are sent the result" in seen
    for kept in ("a-token", "another", webhook.secret):
        assert kept not in seen


def test_whoever_removes_a_member_is_told_that_webhooks_stay(alice: User, bob: User, ward: ReadingGroup) -> None:
    address = f"{ward.get_absolute_url()}members/{ward.memberships.get(user=bob).pk}/remove/"
    assert "go on being called" not in words(browser_of(alice).get(address))
    of_group(ward)
    assert "go on being called" in words(browser_of(alice).get(address))


def test_through_the_api_the_group_is_named(alice: User, bob: User, ward: ReadingGroup) -> None:
    def send(user: User, method: str = "post", path: str = "", **facts: Any) -> Any:
        client = browser_of(user)
        return getattr(client, method)(f"/api/v1/webhooks/{path}", facts, content_type="application/json")

    added = send(alice, url=PUBLIC, group=ward.pk)
    assert (added.status_code, added.json()["group"]) == (201, ward.pk)
    assert added.json()["events"] == ["prediction.final"]
    changed = send(alice, "patch", f"{added.json()['id']}/", url=f"{PUBLIC}/new")
    assert (changed.json()["group"], changed.json()["url"]) == (ward.pk, f"{PUBLIC}/new")
    refused = send(alice, url=PUBLIC, group=ward.pk, events=["batch.final"])
    assert "prediction.final alone" in refused.json()["errors"]["events"][0]
    assert "You own no group" in send(bob, url=PUBLIC, group=ward.pk).json()["errors"]["group"][0]
    assert [each["group"] for each in browser_of(alice).get("/api/v1/webhooks/").json()["results"]] == [ward.pk]
    Webhook.objects.bulk_create(Webhook(group=ward, url=PUBLIC, on_batches=False) for _ in range(MOST_WEBHOOKS))
    assert (
        "The group has 10 webhooks" in send(alice, url=PUBLIC, group=ward.pk).json()["errors"]["non_field_errors"][0]
    )
    assert send(alice, url=PUBLIC).status_code == 201, "one's own are counted apart"


def test_it_stays_with_the_group_when_an_owner_goes_and_ends_with_it(
    alice: User, bob: User, ward: ReadingGroup
) -> None:
    of_group(ward).ping()
    alice.delete()
    assert Webhook.objects.managed_by(bob).count() == 1
    ReadingGroup.objects.get().dissolve()
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


def test_each_owner_of_the_group_hears_that_it_is_paused(alice: User, bob: User, ward: ReadingGroup) -> None:
    webhook = of_group(ward)
    write_webhook_paused(webhook)
    assert {letter.user for letter in Letter.objects.all()} == {alice}
    ward.memberships.get(user=bob).change_role(Role.OWNER)
    write_webhook_paused(webhook)
    assert {letter.user for letter in Letter.objects.all()} == {alice, bob}


@pytest.mark.parametrize("facts", [{}, {"owner": True, "group": True}, {"group": True, "on_batches": True}])
def test_it_is_a_users_or_a_groups(alice: User, ward: ReadingGroup, facts: dict[str, bool]) -> None:
    whose = {"owner": alice if facts.get("owner") else None, "group": ward if facts.get("group") else None}
    with pytest.raises(IntegrityError), transaction.atomic():
        Webhook.objects.create(url=PUBLIC, on_batches=facts.get("on_batches", False), **whose)
