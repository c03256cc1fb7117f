"""How many queries a page takes, however much there is to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from diagnosis import worker
from diagnosis.models import Disagreement, ModelVersion, Prediction, Radiograph, ReadingGroup, Webhook
from diagnosis.reviewing.blinding import set_blinded
from diagnosis.reviewing.recording import record
from tests.diagnosis.pages import HTMX, browser_of, page_of
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")
MOST = 12

Address = Callable[[list[Radiograph]], str]
PAGES: dict[str, Address] = {
    "upload": lambda _: "/",
    "history": lambda _: "/radiographs/",
    "classify all again": lambda _: "/radiographs/classify-all/",
    "help": lambda _: "/help/",
    "models": lambda _: "/models/",
    "model": lambda of: f"/models/{of[-1].prediction.model_version}/",
    "email addresses": lambda _: "/accounts/email/",
    "change password": lambda _: "/accounts/password/change/",
    "account": lambda _: "/accounts/profile/",
    "tokens": lambda _: "/accounts/tokens/",
    "browsers": lambda _: "/accounts/sessions/",
    "second factor": lambda _: "/accounts/2fa/",
    "not found": lambda _: "/nowhere/",
    "result, succeeded": lambda of: page_of(of[-1]),
    "result, waiting": lambda of: page_of(of[0]),
    "result, shared, reviewed and read twice": lambda of: page_of(of[-2]),
    "result of somebody else": lambda _: page_of(Radiograph.objects.get(owner__username="bob")),
    "seen by": lambda of: page_of(of[-2], "seen_by"),
    "side by side": lambda of: page_of(of[-2], "side_by_side"),
    "disagreements": lambda _: "/radiographs/disagreements/",
    "group": lambda _: _ward().get_absolute_url(),
    "history of a group": lambda _: f"/radiographs/?group={_ward().pk}",
    "statistics of a group": lambda _: f"/statistics/?group={_ward().pk}",
    "reading": lambda _: "/reading/",
    "statistics": lambda _: "/statistics/",
    "my data": lambda _: "/accounts/my-data/",
    "notices": lambda _: "/accounts/notices/",
    "webhook": lambda _: Webhook.objects.get().get_absolute_url(),
    "delete": lambda of: page_of(of[0], "delete"),
}
PARTS: dict[str, Address] = {
    "state of a result": lambda of: page_of(of[0], "status"),
    "outcomes": lambda of: "/radiographs/outcomes/?" + "&".join(f"pk={radiograph.pk}" for radiograph in of),
}


def _ward() -> ReadingGroup:
    return ReadingGroup.objects.get(name="Ward 3")


@pytest.fixture
def radiographs(alice: User, bob: User, version: ModelVersion) -> list[Radiograph]:
    """Ten that wait and ten that are read; of these, a reviewed one is shared and was read by another version too."""
    worker.report_alive()
    waiting = [make_radiograph(alice) for _ in range(10)]
    read = [make_radiograph(alice, **succeeded(version)) for _ in range(10)]
    newer = ModelVersion.objects.create(version="newer", network_sha256="1" * 64, card=version.card)
    Disagreement.objects.follow(Prediction.objects.create(radiograph=read[-2], **succeeded(newer, 0.03)))
    ward = ReadingGroup.found("Ward 3", alice)
    ward.memberships.create(user=bob)
    ReadingGroup.found("Ward 4", alice)
    shared = [read[-2].pk, make_radiograph(bob, **succeeded(version)).pk]
    Radiograph.objects.filter(pk__in=shared).update(group=ward)
    for user in (alice, bob):
        record(read[-2], user, "NORMAL")
    Webhook.objects.create(owner=alice, url="https://archive.example.org/hook").deliveries.create(event="ping")
    return waiting + read


@pytest.mark.parametrize("name", [*PAGES, *PARTS])
def test_no_page_takes_more_than_twelve_queries(
    alice: User, radiographs: list[Radiograph], name: str, django_assert_max_num_queries: Any
) -> None:
    client, address = browser_of(alice), {**PAGES, **PARTS}[name](radiographs)
    client.get("/help/")  # the first in a minute writes down that the browser was seen
    with django_assert_max_num_queries(MOST):
        answer = client.get(address, headers=HTMX if name in PARTS else {})
    assert answer.status_code == (404 if name == "not found" else 200)


@pytest.mark.parametrize(
    "name", ["upload", "history", "history of a group", "disagreements", "result, succeeded", "statistics of a group"]
)
def test_reading_blinded_takes_no_more_than_twelve_queries_either(
    alice: User, radiographs: list[Radiograph], name: str, django_assert_max_num_queries: Any
) -> None:
    set_blinded(alice, True)
    test_no_page_takes_more_than_twelve_queries(alice, radiographs, name, django_assert_max_num_queries)
