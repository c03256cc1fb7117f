"""What a program has already is not sent again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from diagnosis.models import ModelVersion, Prediction
from tests.diagnosis.test_api import RADIOGRAPHS, api_of
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")


def addresses(user: User, version: ModelVersion) -> list[str]:
    one = f"{RADIOGRAPHS}{make_radiograph(user).pk}/"
    return [one, RADIOGRAPHS, f"{one}predictions/", "/api/v1/models/", f"/api/v1/models/{version.version}/"]


def test_one_and_lists_and_models_are_sent_once(alice: User, version: ModelVersion) -> None:
    client = api_of(alice)
    for address in addresses(alice, version):
        first = client.get(address)
        assert first["ETag"].startswith('W/"'), address
        assert first["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Cookie"} <= set(first["Vary"].split(", "))
        again = client.get(address, headers={"If-None-Match": f'"other", {first["ETag"]}'})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"]), address


def test_what_has_changed_is_sent_again(alice: User, version: ModelVersion) -> None:
    client = api_of(alice)
    one, everything, predictions, *_ = addresses(alice, version)
    before = {address: client.get(address)["ETag"] for address in (one, everything, predictions)}
    Prediction.objects.update(**succeeded(version))
    for address, etag in before.items():
        answer = client.get(address, headers={"If-None-Match": etag})
        assert (answer.status_code, answer["ETag"] != etag) == (200, True), address


def test_a_stranger_is_told_nothing_by_an_etag(alice: User, bob: User) -> None:
    address = f"{RADIOGRAPHS}{make_radiograph(alice).pk}/"
    etag = api_of(alice).get(address)["ETag"]
    assert api_of(bob).get(address, headers={"If-None-Match": etag}).status_code == 404


def test_what_is_streamed_and_what_is_wrong_have_no_etag(alice: User) -> None:
    client = api_of(alice)
    for address in (f"{RADIOGRAPHS}export.csv", f"{RADIOGRAPHS}?page_size=none"):
        assert "ETag" not in client.get(address)


def test_a_head_has_the_etag_of_the_get(alice: User) -> None:
    client = api_of(alice)
    assert client.head(RADIOGRAPHS)["ETag"] == client.get(RADIOGRAPHS)["ETag"]
