"""A POST that is sent again under the same Idempotency-Key is carried out once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from diagnosis.models import Delivery, KeyedCall, ModelVersion, Prediction, Radiograph, Webhook
from diagnosis.sweep import sweep
from tests.archives import zip_bytes
from tests.diagnosis.test_api import RADIOGRAPHS, TOKEN, api_of, assert_nothing_stored, assert_problem
from tests.drawings import jpeg_bytes
from tests.factories import PASSWORD, make_radiograph, succeeded, upload

pytestmark = pytest.mark.usefixtures("rung")


def send(
    client: Client, key: str | None = "k1", data: bytes | None = None, name: str = "chest.jpg", **more: Any
) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(RADIOGRAPHS, {"file": upload(name, data)}, headers={**headers, **more})


def test_a_repeat_returns_the_first_answer_and_stores_nothing(alice: User, version: ModelVersion) -> None:
    client = api_of(alice)
    first = send(client)
    Prediction.objects.update(**succeeded(version))
    again = send(client)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert (first["Location"], "Idempotent-Replayed" in first) == (again["Location"], False)
    assert again["Idempotent-Replayed"] == "true"
    assert Radiograph.objects.count() == 1


def test_without_a_key_and_under_another_one_the_same_file_is_stored_again(alice: User) -> None:
    client = api_of(alice)
    for key in (None, None, "k1", "k2"):
        assert send(client, key).status_code == 201
    assert Radiograph.objects.count() == 4


@pytest.mark.parametrize(("data", "name"), [(jpeg_bytes(seed=5), "chest.jpg"), (None, "other.jpg")])
def test_another_request_under_the_same_key_is_422(alice: User, data: bytes | None, name: str) -> None:
    client = api_of(alice)
    send(client)
    assert_problem(send(client, data=data, name=name), 422, "was used for another request")
    assert Radiograph.objects.count() == 1


def test_each_user_has_keys_of_their_own(alice: User, bob: User) -> None:
    first, second = send(api_of(alice)), send(api_of(bob))
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "a" * 256, "schlüssel", "a\tb"])
def test_a_key_that_is_none_is_named(alice: User, settings: Settings, key: str) -> None:
    assert_problem(send(api_of(alice), key), 400, "visible ASCII characters")
    assert_nothing_stored(settings)


def test_what_stored_nothing_leaves_the_key_free(alice: User) -> None:
    client = api_of(alice)
    assert send(client, data=b"hello").status_code == 400
    assert not KeyedCall.objects.exists()
    assert send(client).status_code == 201


def test_several_files_and_zips_are_repeated_with_each_files_outcome(alice: User) -> None:
    client = api_of(alice)

    def send_three() -> Any:
        files = [
            upload("a.jpg"),
            upload("b.txt", b"hello"),
            upload("c.zip", zip_bytes([("c.jpg", jpeg_bytes(seed=3))])),
        ]
        return client.post(RADIOGRAPHS, {"file": files}, headers={"Idempotency-Key": "batch"})

    first, again = send_three(), send_three()
    assert first.json() == again.json()
    assert [bool(result["problem"]) for result in again.json()["results"]] == [False, True, False]
    assert Radiograph.objects.count() == 2


def test_a_batch_of_which_nothing_is_taken_leaves_the_key_free(alice: User) -> None:
    files = [upload("a.jpg", b""), upload("b.txt", b"hello")]
    answer = api_of(alice).post(RADIOGRAPHS, {"file": files}, headers={"Idempotency-Key": "batch"})
    assert_problem(answer, 400, "None of the files")
    assert not KeyedCall.objects.exists()


def test_a_crash_between_storing_and_answering_is_made_good_by_the_repeat(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        """The end of the process: nothing of it runs any more."""

    client = api_of(alice)
    with monkeypatch.context() as patch:
        patch.setattr("diagnosis.api.idempotency.held", Unguarded)
        patch.setattr("diagnosis.api.views.RadiographsView._answer_one", crash_with(Crash))
        with pytest.raises(Crash):
            send(client)
    stored = Radiograph.objects.get()
    again = send(client)
    assert (again.status_code, again.json()["id"]) == (201, str(stored.pk))
    assert send(client).json() == again.json()
    assert Radiograph.objects.count() == 1


def test_a_crash_before_anything_is_stored_gives_the_key_to_the_repeat_once_the_lease_is_over(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    client = api_of(alice)
    with monkeypatch.context() as patch:
        patch.setattr("diagnosis.api.idempotency.held", Unguarded)
        patch.setattr("diagnosis.api.views.submit", crash_with(Crash))
        with pytest.raises(Crash):
            send(client)
    refused = send(client)
    assert_problem(refused, 409, "is being carried out")
    assert refused["Retry-After"] == "1"
    KeyedCall.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert send(client).status_code == 201
    assert Radiograph.objects.count() == 1


class Unguarded:
    """Stands in for what a process that is killed does not come to do."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


def crash_with(kind: type[BaseException]) -> Any:
    def crash(*_: Any, **__: Any) -> None:
        raise kind

    return crash


def test_one_who_wakes_up_after_another_took_over_stores_nothing(alice: User, settings: Settings) -> None:
    from diagnosis import submission

    original = submission.submit

    def sleep_too_long(*args: Any) -> Radiograph:
        KeyedCall.objects.update(token="00000000-0000-0000-0000-000000000001")
        return original(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diagnosis.api.views.submit", sleep_too_long)
        assert_problem(send(api_of(alice)), 409, "is being carried out")
    assert_nothing_stored(settings)


def test_one_that_comes_while_the_first_is_carried_out_is_told_to_wait(alice: User) -> None:
    from diagnosis import submission

    original, meanwhile = submission.submit, []

    def submit(*args: Any) -> Radiograph:
        meanwhile.append(send(api_of(alice)))
        return original(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diagnosis.api.views.submit", submit)
        assert send(api_of(alice)).status_code == 201
    assert_problem(meanwhile[0], 409, "is being carried out")
    assert Radiograph.objects.count() == 1


def test_asking_for_another_prediction_twice_under_a_key_asks_once(alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    client, address = api_of(alice), f"{RADIOGRAPHS}{radiograph.pk}/predictions/"
    first, again = (
        client.post(address, {}, "application/json", headers={"Idempotency-Key": "again"}) for _ in range(2)
    )
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert radiograph.predictions.count() == 2
    assert_problem(
        client.post(address, {}, "application/json", headers={"Idempotency-Key": "third"}), 409, "not final"
    )
    assert list(KeyedCall.objects.values_list("key", flat=True)) == ["again"]


def test_a_verdict_that_is_sent_twice_under_a_key_is_given_once_and_goes_with_the_radiograph(alice: User) -> None:
    radiograph, client = make_radiograph(alice), api_of(alice)
    address = f"{RADIOGRAPHS}{radiograph.pk}/reviews/"

    def give(label: str, key: str) -> Any:
        return client.post(address, {"label": label}, "application/json", headers={"Idempotency-Key": key})

    first, _, again = give("NORMAL", "first"), give("PNEUMONIA", "second"), give("NORMAL", "first")
    assert (first.status_code, again["Idempotent-Replayed"], again.json()) == (201, "true", first.json())
    assert radiograph.reviews.get(current=True).label == "PNEUMONIA"
    radiograph.delete()
    assert_problem(give("NORMAL", "first"), 410, "has been deleted since")


def test_a_webhook_is_added_and_tried_once_for_each_key(alice: User) -> None:
    client, hooks = api_of(alice), "/api/v1/webhooks/"

    def send_twice(address: str, facts: Any) -> Any:
        headers = {"Idempotency-Key": address}
        first, again = (client.post(address, facts, "application/json", headers=headers) for _ in range(2))
        assert first.status_code == again.status_code
        assert first.json() == again.json()
        assert again["Idempotent-Replayed"] == "true"
        return first.json()

    added = send_twice(hooks, {"url": "https://93.184.216.34/hook"})
    assert added["secret"] == Webhook.objects.get().secret
    delivery = send_twice(f"{hooks}{added['id']}/ping/", {})
    assert Delivery.objects.count() == 2  # the first trial is that of its making
    Delivery.objects.filter(pk=delivery["id"]).update(state="sent", due=None)
    assert send_twice(f"{hooks}{added['id']}/deliveries/{delivery['id']}/", {})["state"] == "pending"


def test_a_token_is_never_kept(alice: User) -> None:
    for _ in range(2):
        body = {"username": "alice", "password": PASSWORD}
        Client().post(TOKEN, body, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert not KeyedCall.objects.exists()


def test_with_the_radiograph_goes_what_was_answered_about_it(alice: User) -> None:
    client = api_of(alice)
    client.delete(send(client, name="Jane Doe.jpg").json()["url"])
    call = KeyedCall.objects.get()
    assert (call.outcome, call.answer, call.is_gone) == ({}, None, True)
    assert_problem(send(client, name="Jane Doe.jpg"), 410, "has been deleted since")
    assert not Radiograph.objects.exists()


def test_the_sweep_forgets_a_key_after_a_day(alice: User) -> None:
    client = api_of(alice)
    send(client, "old")
    KeyedCall.objects.update(created=timezone.now() - timedelta(hours=24, seconds=1))
    send(client, "young")
    sweep()
    assert list(KeyedCall.objects.values_list("key", flat=True)) == ["young"]
    assert send(client, "old").status_code == 201
    assert Radiograph.objects.count() == 3


def test_the_same_content_in_another_form_of_the_request_is_the_same_request(alice: User) -> None:
    client = api_of(alice)
    ids = set()
    for boundary in ("XXX", "YYY"):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
        body = head + jpeg_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        answer = client.generic("POST", RADIOGRAPHS, body, content_type=kind, headers={"Idempotency-Key": "k"})
        ids.add(answer.json()["id"])
    assert len(ids) == 1
