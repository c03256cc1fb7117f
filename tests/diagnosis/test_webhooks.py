"""Programs of a user's are called when something is final: signed, tried again, and shown in a log."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.errands_process import is_anything_due
from diagnosis.models import Delivery, ModelVersion, Prediction, Webhook
from diagnosis.outgoing import BACK_OFF, LEASE
from diagnosis.people import letters
from diagnosis.webhooks.delivering import deliver_due, forget_old
from diagnosis.webhooks.models import MOST_WEBHOOKS, PAUSED_AFTER
from tests.diagnosis.pages import browser_of, words
from tests.factories import make_radiograph, succeeded
from tests.receiver import Receiver, receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]

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
def version(db: Any) -> ModelVersion:
    """A version that nothing is read with here, so its network is not loaded."""
    return ModelVersion.objects.create(version="2026.1", network_sha256="0" * 64, card={"threshold": 0.41})


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving() as receiver:
        yield receiver


def webhook_of(user: User, url: str, **facts: Any) -> Webhook:
    return Webhook.objects.create(owner=user, url=url, **facts)


def finish(user: User, version: ModelVersion) -> Prediction:
    radiograph = make_radiograph(user, filename="Mrs Miller.jpg")
    claimed = Prediction.objects.claim(radiograph.prediction.pk, "a worker")
    assert claimed
    assert claimed.finish(version, ANSWER)  # type: ignore[arg-type]
    return claimed


def overdue(**rows: Any) -> None:
    """Let the pause of what is tried again be over."""
    Delivery.objects.filter(due__isnull=False, **rows).update(due=timezone.now())


def test_a_final_prediction_is_told_without_what_the_file_is_called(
    alice: User, version: ModelVersion, receiver: Receiver, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://pneumodetect.example"
    webhook = webhook_of(alice, receiver.url)
    prediction = finish(alice, version)
    assert deliver_due(webhook.pk) == 1
    (call,) = receiver.calls
    said = json.loads(call.body)
    assert said["event"] == call.headers["PneumoDetect-Event"] == "prediction.final"
    assert said["id"] == call.headers["PneumoDetect-Delivery"] == str(Delivery.objects.get().pk)
    page = f"https://pneumodetect.example/radiographs/{prediction.radiograph_id}/"
    assert said["radiograph"]["page_url"] == page
    assert said["radiograph"]["url"] == page.replace("/radiographs/", "/api/v1/radiographs/")
    assert said["prediction"]["probability"] == 0.94
    assert said["prediction"]["model_version"] == version.version
    assert said["prediction"]["report_url"].startswith("https://pneumodetect.example/api/v1/")
    assert b"Miller" not in call.body


def test_the_call_says_of_a_prediction_what_the_api_says(
    alice: User, version: ModelVersion, receiver: Receiver
) -> None:
    webhook = webhook_of(alice, receiver.url)
    prediction = finish(alice, version)
    deliver_due(webhook.pk)
    shown = browser_of(alice).get(f"/api/v1/radiographs/{prediction.radiograph_id}/").json()["prediction"]
    said = json.loads(receiver.calls[0].body)["prediction"]
    assert said.keys() == shown.keys()
    assert {name: said[name] for name in said if "url" not in name and "_at" not in name} == {
        name: shown[name] for name in said if "url" not in name and "_at" not in name
    }


def test_the_signature_is_checked_as_the_docs_say(alice: User, version: ModelVersion, receiver: Receiver) -> None:
    text = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    code = re.search(r"```python\n(.*?def is_from_pneumodetect.*?)```", text, re.DOTALL)
    assert code
    written: dict[str, Any] = {"hashlib": hashlib, "hmac": hmac, "time": time}
    exec(code[1], written)
    webhook = webhook_of(alice, receiver.url)
    finish(alice, version)
    deliver_due(webhook.pk)
    (call,) = receiver.calls
    header = call.headers["PneumoDetect-Signature"]
    is_genuine = written["is_from_pneumodetect"]
    assert is_genuine(webhook.secret, header, call.body)
    assert not is_genuine("another secret", header, call.body)
    assert not is_genuine(webhook.secret, header, call.body + b" ")
    moment = int(header.partition(",")[0].removeprefix("t="))
    assert not is_genuine(webhook.secret, header.replace(str(moment), str(moment + 1)), call.body)
    old = hmac.new(webhook.secret.encode(), f"{moment - 600}.".encode() + call.body, "sha256").hexdigest()
    assert not is_genuine(webhook.secret, f"t={moment - 600},v1={old}", call.body), "too old"


def test_after_a_new_secret_the_old_one_signs_as_well_for_a_day(alice: User, receiver: Receiver) -> None:
    webhook = webhook_of(alice, receiver.url)
    first = webhook.secret
    second = webhook.rotate_secret()
    assert second != first
    assert webhook.secrets_in_use == [second, first]
    webhook.ping()
    deliver_due(webhook.pk)
    assert receiver.calls[0].headers["PneumoDetect-Signature"].count("v1=") == 2
    webhook.old_secret_until = timezone.now()
    assert webhook.secrets_in_use == [second]


def test_nobody_else_is_called_nor_who_is_paused_nor_who_wants_other_events(
    alice: User, bob: User, version: ModelVersion
) -> None:
    webhook_of(bob, "https://bob.example/")
    webhook_of(alice, "https://paused.example/").pause()
    webhook_of(alice, "https://batches.example/", on_predictions=False)
    wanted = [webhook_of(alice, f"https://{number}.example/") for number in range(2)]
    finish(alice, version)
    assert sorted(Delivery.objects.values_list("webhook", flat=True)) == [each.pk for each in wanted]


def test_where_nobody_is_called_ending_a_prediction_costs_one_query_more(alice: User) -> None:
    claimed = Prediction.objects.claim(make_radiograph(alice).prediction.pk, "a worker")
    assert claimed
    with CaptureQueriesContext(
        connection,
    ) as queries:
        claimed.fail("damaged", "The file is damaged.")
    about = [query["sql"] for query in queries if "webhook" in query["sql"]]
    assert len(about) == 1
    assert about[0].startswith("SELECT")


def test_a_call_is_written_with_the_answer_or_not_at_all(
    alice: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_of(alice, "https://hook.example/")
    claimed = Prediction.objects.claim(make_radiograph(alice).prediction.pk, "a worker")
    assert claimed

    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr("diagnosis.webhooks.models.DeliveryQuerySet.bulk_create", full_disk)
    with pytest.raises(OSError), transaction.atomic():  # noqa: PT011
        claimed.finish(version, ANSWER)  # type: ignore[arg-type]
    claimed.refresh_from_db()
    assert (claimed.status, Delivery.objects.count()) == ("running", 0)


def test_what_is_given_up_after_three_attempts_is_told_too(alice: User) -> None:
    webhook_of(alice, "https://hook.example/")
    make_radiograph(alice, attempts=3)
    assert Prediction.objects.all().fail_exhausted() == 1
    assert Delivery.objects.get().prediction.status == "failed"  # type: ignore[union-attr]


def test_a_worker_that_lost_its_claim_tells_nothing(alice: User, version: ModelVersion) -> None:
    webhook_of(alice, "https://hook.example/")
    claimed = Prediction.objects.claim(make_radiograph(alice).prediction.pk, "a worker")
    assert claimed
    Prediction.objects.all().release()
    assert not claimed.finish(version, ANSWER)  # type: ignore[arg-type]
    assert not Delivery.objects.exists()


def test_a_call_that_fails_is_tried_again_with_longer_and_longer_pauses(alice: User, receiver: Receiver) -> None:
    receiver.status, receiver.text = 503, b"not now"
    webhook = webhook_of(alice, receiver.url)
    delivery = webhook.ping()
    for number, pause in enumerate(BACK_OFF, 1):
        assert deliver_due(webhook.pk) == 0
        delivery.refresh_from_db()
        assert delivery.due
        assert abs(delivery.due - timezone.now() - pause) < timedelta(seconds=30)
        assert (delivery.attempts, delivery.status_code, delivery.answer) == (number, 503, "not now")
        assert deliver_due(webhook.pk) == 0, "not before its time"
        overdue()
    assert len(receiver.calls) == len(BACK_OFF)
    assert timedelta(hours=23) < sum(BACK_OFF, timedelta()) <= timedelta(hours=24)
    assert len({call.body for call in receiver.calls}) == 1, "the same at each attempt"
    receiver.status = 200
    assert deliver_due(webhook.pk) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due, delivery.problem) == ("sent", None, "")


def test_after_a_day_without_an_answer_the_webhook_is_paused_and_its_owner_told_once(
    alice: User, receiver: Receiver
) -> None:
    receiver.status = 500
    webhook = webhook_of(alice, receiver.url)
    webhook.ping()
    waiting = webhook.ping()
    deliver_due(webhook.pk)
    Webhook.objects.update(failing_since=timezone.now() - PAUSED_AFTER - timedelta(minutes=1))
    overdue()
    deliver_due(webhook.pk)
    webhook.refresh_from_db()
    waiting.refresh_from_db()
    assert (webhook.paused, waiting.state, waiting.due) == ("failing", "held", None)
    assert is_anything_due()
    assert letters.send_due() == 1
    (message,) = mail.outbox
    assert message.to == ["alice@example.org"]
    assert "is paused" in message.subject
    assert webhook.get_absolute_url() in str(message.body)
    assert letters.send_due() == 0
    receiver.status = 200
    webhook.resume()
    assert deliver_due(webhook.pk) == 2, "what was held back goes out"


def test_one_call_that_is_turned_down_for_a_day_is_given_up_and_told_once_a_day(
    alice: User, receiver: Receiver
) -> None:
    webhook = webhook_of(alice, receiver.url)
    receiver.status = 422
    for _ in range(2):
        delivery = webhook.ping()
        Delivery.objects.filter(pk=delivery.pk).update(attempts=len(BACK_OFF))
        deliver_due(webhook.pk)
        webhook.note_success()
        delivery.refresh_from_db()
        assert (delivery.state, delivery.due) == ("given_up", None)
    letters.send_due()
    assert [message.subject for message in mail.outbox] == [f"A call to {webhook} was given up"]


def test_while_a_receiver_is_away_its_other_calls_wait_and_go_out_when_it_is_back(
    alice: User, receiver: Receiver
) -> None:
    webhook = webhook_of(alice, receiver.url)
    receiver.status = 502
    for _ in range(5):
        webhook.ping()
    deliver_due(webhook.pk)
    assert len(receiver.calls) == 1
    assert not Webhook.objects.all().with_due().exists()
    receiver.status = 200
    webhook.ping()
    assert deliver_due(webhook.pk) == 6
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since) == (0, None)


def test_a_claim_wins_once_and_runs_out(alice: User) -> None:
    delivery = webhook_of(alice, "https://hook.example/").ping()
    first = Delivery.objects.all().claim(delivery.pk)
    assert first
    assert not Delivery.objects.all().claim(delivery.pk)
    overdue()
    second = Delivery.objects.all().claim(delivery.pk)
    assert second.attempts == 2
    assert not first.succeed(), "who wakes up late changes nothing"
    assert second.due - timezone.now() > LEASE - timedelta(seconds=10)
    assert second.succeed()


def test_old_calls_are_forgotten_and_those_that_wait_are_not(alice: User) -> None:
    webhook = webhook_of(alice, "https://hook.example/")
    kept, old, waiting = (webhook.ping() for _ in range(3))
    Delivery.objects.exclude(pk=waiting.pk).update(due=None, state="sent")
    Delivery.objects.exclude(pk=kept.pk).update(created=timezone.now() - timedelta(days=31))
    forget_old()
    assert set(Delivery.objects.all()) == {kept, waiting}
    assert old not in Delivery.objects.all()


# The pages.


def add(user: User, url: str, **facts: Any) -> Any:
    return browser_of(user).post("/accounts/webhooks/", {"url": url, "on_predictions": "on", **facts}, follow=True)


def test_a_new_webhook_is_called_at_once_and_its_secret_shown_once(alice: User, receiver: Receiver) -> None:
    client = browser_of(alice)
    shown = client.post("/accounts/webhooks/", {"url": receiver.url, "on_predictions": "on"}, follow=True)
    webhook = Webhook.objects.get()
    assert webhook.secret in words(shown)
    assert (webhook.owner, webhook.on_batches) == (alice, False)
    assert webhook.secret not in words(client.get(webhook.get_absolute_url()))
    assert deliver_due(webhook.pk) == 1
    assert json.loads(receiver.calls[0].body)["event"] == "ping"
    page = words(client.get(webhook.get_absolute_url()))
    assert "Delivered" in page
    assert "thank you" in page
    client.post(f"/accounts/webhooks/{webhook.pk}/secret/")
    webhook.refresh_from_db()
    assert webhook.secret in words(client.get(webhook.get_absolute_url()))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Write the address"),
        ("http://127.0.0.1/", "must begin with https://"),
        ("https://127.0.0.1/", "private network"),
        ("https://169.254.169.254/latest/", "private network"),
        ("https://localhost/", "private network"),
    ],
)
def test_an_address_that_is_not_called_is_refused_where_it_is_written(alice: User, url: str, sentence: str) -> None:
    answer = add(alice, url)
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert not Webhook.objects.exists()


def test_a_webhook_needs_an_occasion_and_there_are_at_most_ten(alice: User, receiver: Receiver) -> None:
    client = browser_of(alice)
    assert "at least one occasion" in words(client.post("/accounts/webhooks/", {"url": receiver.url}))
    for _ in range(MOST_WEBHOOKS):
        webhook_of(alice, receiver.url)
    assert "which is the most" in words(add(alice, receiver.url))
    assert Webhook.objects.count() == MOST_WEBHOOKS


def test_pausing_holds_back_and_resuming_sends(alice: User, receiver: Receiver) -> None:
    webhook, client = webhook_of(alice, receiver.url), browser_of(alice)
    webhook.ping()
    assert "is paused" in words(client.post(f"/accounts/webhooks/{webhook.pk}/pause/", follow=True))
    assert deliver_due(webhook.pk) == 0
    assert not is_anything_due()
    client.post(f"/accounts/webhooks/{webhook.pk}/resume/")
    assert deliver_due(webhook.pk) == 1


def test_a_call_is_sent_again_as_it_was(alice: User, receiver: Receiver) -> None:
    webhook, client = webhook_of(alice, receiver.url), browser_of(alice)
    delivery = webhook.ping()
    deliver_due(webhook.pk)
    address = f"/accounts/webhooks/{webhook.pk}/deliveries/{delivery.pk}/"
    assert "sent once more" in words(client.post(address, follow=True))
    assert deliver_due(webhook.pk) == 1
    first, second = receiver.calls
    assert (first.body, first.headers["PneumoDetect-Delivery"]) == (
        second.body,
        second.headers["PneumoDetect-Delivery"],
    )
    webhook.pause()
    assert "Resume it first" in words(client.post(address, follow=True))


def test_deleting_asks_first_and_takes_the_log_along(alice: User) -> None:
    webhook, client = webhook_of(alice, "https://hook.example/"), browser_of(alice)
    webhook.ping()
    assert "Delete this webhook?" in words(client.post(f"/accounts/webhooks/{webhook.pk}/delete/"))
    assert Webhook.objects.exists()
    answer = client.post(f"/accounts/webhooks/{webhook.pk}/delete/", {"confirmed": "yes"}, follow=True)
    assert "The webhook is deleted" in words(answer)
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


def test_a_webhook_of_another_does_not_exist(alice: User, bob: User) -> None:
    webhook, client = webhook_of(alice, "https://hook.example/"), browser_of(bob)
    delivery = webhook.ping()
    page = webhook.get_absolute_url()
    assert client.get(page).status_code == 404
    for part in ("ping/", "pause/", "resume/", "secret/", "delete/", f"deliveries/{delivery.pk}/"):
        assert client.post(page + part).status_code == 404
        assert client.get(page + part).status_code == 405
    own = webhook_of(bob, "https://bob.example/")
    assert client.post(f"{own.get_absolute_url()}deliveries/{delivery.pk}/").status_code == 404
    assert "hook.example" not in words(client.get("/accounts/notices/"))


def test_a_deleted_radiograph_takes_its_calls_along(alice: User, version: ModelVersion) -> None:
    webhook_of(alice, "https://hook.example/")
    finish(alice, version).radiograph.delete()
    assert not Delivery.objects.exists()


def test_the_page_of_a_webhook_takes_few_queries_however_many_calls_there_are(
    alice: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    webhook, client = webhook_of(alice, "https://hook.example/"), browser_of(alice)
    radiograph = make_radiograph(alice, **succeeded(version))
    Delivery.objects.bulk_create(
        Delivery(webhook=webhook, event="prediction.final", prediction=radiograph.prediction) for _ in range(120)
    )
    with django_assert_max_num_queries(8):
        page = client.get(webhook.get_absolute_url())
    assert words(page).count("prediction.final</strong>") == 100


def test_the_administrator_sees_webhooks_and_calls_but_no_secret(alice: User, charlie: User) -> None:
    webhook, client = webhook_of(alice, "https://hook.example/"), browser_of(charlie)
    webhook.ping()
    assert "hook.example" in words(client.get("/admin/diagnosis/webhook/?q=alice"))
    assert "ping" in words(client.get("/admin/diagnosis/delivery/"))
    page = words(client.get(f"/admin/diagnosis/webhook/{webhook.pk}/change/"))
    assert "hook.example" in page
    assert webhook.secret not in page
    chosen = {"action": "pause", "_selected_action": [webhook.pk]}
    assert "Paused: 1." in words(client.post("/admin/diagnosis/webhook/", chosen, follow=True))
    client.post("/admin/diagnosis/webhook/", chosen | {"action": "resume"})
    webhook.refresh_from_db()
    assert webhook.paused == ""
