"""What is looked at and taken away is in the audit log, by address; what asks again and again is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from diagnosis.audit.sights import SIGHTS
from diagnosis.models import AuditEntry, ModelVersion, Prediction, Radiograph, ReadingGroup
from diagnosis.people.tokens import make_token
from diagnosis.reviewing.blinding import set_blinded
from tests.diagnosis.pages import HTMX, browser_of, page_of
from tests.diagnosis.test_leaving import confirmed
from tests.factories import make_radiograph, succeeded

pytestmark = pytest.mark.usefixtures("rung")

#: Addresses of a radiograph that show nothing new of it, or are there to change it.
NO_SIGHTS = {
    "diagnosis:status": "asked again and again while the page is open, whose opening is an entry",
    "diagnosis:thumbnail": "belongs to lists",
    "admin:diagnosis_modelversion_silent_thumbnail": "belongs to a list, which is an entry",
    **dict.fromkeys(("diagnosis:again", "diagnosis:classify", "diagnosis:share", "diagnosis:review"), "POST alone"),
    "diagnosis:seen_by": "shows the log and the name to whoever uploaded it",
    "diagnosis:delete": "asks by the name, and the deletion is an entry",
}
#: What each address says of the radiograph.
SAID = {
    "radiograph": "saw", "image": "saw", "heatmap": "saw", "side_by_side": "saw", "report": "downloaded: report",
    "api radiograph": "saw", "api predictions": "saw", "api reviews": "saw", "api image": "downloaded: image",
    "api heatmap": "downloaded: heat map", "api report": "downloaded: report",
}  # fmt: skip


@pytest.fixture
def shared(alice: User, bob: User, version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> Radiograph:
    """Alice's, which her group shares, and so Bob may see it. It was read twice."""
    monkeypatch.setattr("diagnosis.report.report_pdf", lambda _: b"%PDF")
    ward = ReadingGroup.found("Ward 3", alice)
    ward.memberships.create(user=bob)
    facts = {**succeeded(version), "activation_map": [[0.0] * 7] * 7}
    radiograph = make_radiograph(alice, filename="Erika.jpg", **facts)
    Prediction.objects.create(radiograph=radiograph, **facts)
    radiograph.preview.save("preview.png", radiograph.file, save=False)
    Radiograph.objects.update(group=ward, preview=radiograph.preview.name)
    return radiograph


def sights_of(user: User) -> list[str]:
    seen = AuditEntry.objects.filter(actor=user, verb__in=("saw", "listed", "downloaded", "exported")).order_by("pk")
    return [f"{each.verb}: {each.details}" if each.details else each.verb for each in seen]


@pytest.mark.parametrize("name", SAID)
def test_whoever_looks_is_written_down_once_a_minute(bob: User, shared: Radiograph, name: str) -> None:
    room, _, part = name.rpartition(" ")
    address = f"/api/v1/radiographs/{shared.pk}/{part}/".replace("radiograph/", "") if room else page_of(shared, part)
    browser = browser_of(bob)
    for _ in range(2):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert answer.getvalue()
    assert sights_of(bob) == [SAID[name]]
    assert AuditEntry.objects.get(actor=bob, kind="radiograph").object_id == str(shared.pk)


def test_a_page_with_its_pictures_is_one_look_and_so_is_what_the_browser_has_already(
    bob: User, shared: Radiograph
) -> None:
    browser = browser_of(bob)
    for part in ("radiograph", "image", "heatmap", "status", "thumbnail"):
        browser.get(page_of(shared, part)).getvalue()
    assert sights_of(bob) == ["saw"]
    again = browser_of(shared.owner)
    etag = again.get(page_of(shared, "image"))["ETag"]
    assert again.get(page_of(shared, "image"), headers={"if-none-match": etag}).status_code == 304
    assert sights_of(shared.owner) == ["saw"]


def test_states_thumbnails_and_lists_of_ones_own_are_no_sights(alice: User, shared: Radiograph) -> None:
    browser = browser_of(alice)
    for address in ("/", "/radiographs/", "/api/v1/radiographs/", f"/radiographs/outcomes/?pk={shared.pk}"):
        assert browser.get(address).status_code in (200, 204)
    browser.get(page_of(shared, "status"), headers=HTMX)
    browser.get(page_of(shared, "thumbnail")).getvalue()
    assert sights_of(alice) == []


def test_the_list_of_a_group_is_one(bob: User, shared: Radiograph) -> None:
    browser = browser_of(bob)
    for address in ("/radiographs/", "/api/v1/radiographs/"):
        assert browser.get(f"{address}?group={shared.owner.memberships.get().group_id}").status_code == 200
    assert browser.get("/radiographs/?group=999").status_code == 400
    assert sights_of(bob) == ["listed: radiographs"]


def test_who_may_not_see_it_or_must_read_it_first_has_not_seen_it(
    bob: User, charlie: User, shared: Radiograph
) -> None:
    assert browser_of(charlie).get(page_of(shared)).status_code == 404
    assert Client().get(page_of(shared)).status_code == 302
    set_blinded(bob, True)
    browser = browser_of(bob)
    for part in ("heatmap", "report", "side_by_side"):
        assert browser.get(page_of(shared, part)).status_code == 404
    assert sights_of(bob) == sights_of(charlie) == []
    browser.get(page_of(shared))
    assert sights_of(bob) == ["saw"], "the picture, without the answer"


def test_exports_are_told_by_their_filters_without_what_was_searched_for(alice: User, shared: Radiograph) -> None:
    browser = confirmed(alice)
    query = "?search=Erika&status=succeeded&label=PNEUMONIA"
    for address in ("/radiographs/export.csv", "/api/v1/radiographs/export.json"):
        assert browser.get(address + query).getvalue()
    assert browser.get("/accounts/my-data.zip").getvalue()
    filters = "status=succeeded label=PNEUMONIA search=…"
    assert sights_of(alice) == [f"exported: csv {filters}", f"exported: json {filters}", "exported: all data"]


def test_administrators_are_written_down_as_well(charlie: User, shared: Radiograph) -> None:
    browser = browser_of(charlie)
    for address in ("radiograph/", f"radiograph/{shared.pk}/change/", "auditentry/"):
        assert browser.get(f"/admin/diagnosis/{address}").status_code == 200
    found = (
        AuditEntry.objects.filter(actor=charlie, door="admin").order_by("pk").values_list("verb", "kind", "object_id")
    )
    assert list(found) == [
        ("listed", "radiograph", ""),
        ("saw", "radiograph", str(shared.pk)),
        ("listed", "audit_log", ""),
    ]


def test_a_look_that_cannot_be_written_down_is_answered_and_told_in_the_programs_log(
    bob: User, shared: Radiograph, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError

    browser = browser_of(bob)
    with caplog.at_level(logging.ERROR), monkeypatch.context() as broken:
        broken.setattr("diagnosis.audit.sights.record", fail)
        assert browser.get(page_of(shared)).status_code == 200
    assert "could not be written down that somebody saw: DatabaseError" in caplog.text
    browser.get(page_of(shared))
    assert sights_of(bob) == ["saw"], "the next look is written down, and not taken for the same"


def test_a_program_sees_by_its_token(bob: User, shared: Radiograph) -> None:
    _, token = make_token(bob)
    Client().get(f"/api/v1/radiographs/{shared.pk}/", headers={"authorization": f"Token {token}"})
    assert sights_of(bob) == ["saw"]


def _names(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[tuple[str, str]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _names(each.url_patterns, f"{each.namespace}:" if each.namespace else space)
        else:
            yield f"{space}{each.name}", str(each.pattern)


def test_every_address_of_a_radiograph_is_a_sight_or_named_as_none() -> None:
    names = dict(_names(get_resolver().url_patterns))
    of_one = {name for name, pattern in names.items() if "<uuid:pk>" in pattern and "webhook" not in name}
    assert of_one - NO_SIGHTS.keys() <= SIGHTS.keys(), "add it to SIGHTS, or say here why not"
    assert SIGHTS.keys() | NO_SIGHTS.keys() <= names.keys(), "there is no such address any more"
