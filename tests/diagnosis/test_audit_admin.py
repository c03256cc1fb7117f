"""Administrators look through the audit log, filter it, and take it away as a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.auth.models import User
from django.test import Client

from diagnosis.models import AuditEntry, ModelVersion
from tests.diagnosis.pages import browser_of, words
from tests.factories import make_radiograph, make_user, succeeded

LIST = "/admin/diagnosis/auditentry/"


@pytest.fixture
def admin(charlie: User) -> Client:
    """His browser; beside his own entries there are five, on two days."""
    browser = browser_of(charlie)
    first, second = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2))
    facts: list[dict[str, Any]] = [
        {"moment": first, "actor_name": "alice", "verb": "saw", "kind": "radiograph", "object_id": "r1"},
        {"moment": first, "actor_name": "bob", "verb": "saw", "kind": "radiograph", "object_id": "r2"},
        {"moment": second, "actor_name": "alice", "verb": "deleted", "kind": "radiograph", "object_id": "r1"},
        {"moment": second, "actor_name": "alice", "verb": "added", "kind": "token", "label": "=HYPERLINK(1)"},
        {"moment": second, "actor_name": "root", "verb": "exported", "kind": "platform", "door": "command"},
    ]
    AuditEntry.objects.bulk_create(AuditEntry(**each) for each in facts)
    return browser


def exported(admin: Client, query: str) -> list[tuple[str, str, str]]:
    rows = json.loads(admin.get(f"{LIST}export.json?{query}").getvalue())
    return [(row["who"], row["did"], row["object"]) for row in rows if row["moment"] < "2026-04"]


#: By the query: who did what to which, the newest first.
FILTERS: dict[str, list[str]] = {
    "": ["root exported", "alice added", "alice deleted r1", "bob saw r2", "alice saw r1"],
    "verb__exact=saw": ["bob saw r2", "alice saw r1"],
    "kind__exact=token": ["alice added"],
    "door__exact=command": ["root exported"],
    "who=bob": ["bob saw r2"],
    "who=ali": [],
    "object_id=r1": ["alice deleted r1", "alice saw r1"],
    "object_id=r1&verb__exact=saw": ["alice saw r1"],
    "since=2026-03-02": ["root exported", "alice added", "alice deleted r1"],
    "since=2026-03-01&until=2026-03-01": ["bob saw r2", "alice saw r1"],
    "who=alice&until=2026-03-01": ["alice saw r1"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_list_and_export_are_filtered_alike(admin: Client, query: str) -> None:
    assert [" ".join(filter(None, row)) for row in exported(admin, query)] == FILTERS[query]
    page = admin.get(f"{LIST}?{query}").context["cl"].queryset.filter(moment__month=3)
    assert [" ".join(filter(None, (e.actor_name, e.verb, e.object_id))) for e in page] == FILTERS[query]


def test_the_form_keeps_what_was_asked_and_what_the_other_filters_say(admin: Client) -> None:
    page = words(admin.get(f"{LIST}?verb__exact=saw&who=alice&since=2026-03-01"))
    assert '<input type="hidden" name="verb__exact" value="saw">' in page
    assert 'name="who" value="alice"' in page
    assert 'value="2026-03-01"' in page
    assert f"{LIST}export.csv?verb__exact=saw&amp;who=alice&amp;since=2026-03-01" in page


def test_a_day_that_is_none_is_said_beside_its_field_and_nothing_is_listed(admin: Client) -> None:
    answer = admin.get(f"{LIST}?since=yesterday")
    assert "This is no date that is known here." in words(answer)
    assert not answer.context["cl"].queryset.exists()
    assert exported(admin, "since=yesterday") == []


def test_the_export_is_a_file_safe_for_spreadsheets_and_an_entry(admin: Client, charlie: User) -> None:
    answer = admin.get(f"{LIST}export.csv?kind__exact=token")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "PneumoDetect audit log" in answer["Content-Disposition"]
    head, row = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert dict(zip(head, row, strict=True))["called"] == "'=HYPERLINK(1)"
    entry = AuditEntry.objects.get(verb="exported", kind="audit_log")
    assert (entry.actor_name, entry.details, entry.door) == ("charlie", "csv kind__exact=token", "admin")


def test_the_export_reads_some_at_a_time(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnosis.audit.exporting.CHUNK", 2)
    assert len(exported(admin, "until=2026-03-02")) == 5


def test_it_is_looked_at_and_never_changed(admin: Client) -> None:
    entry = AuditEntry.objects.filter(actor_name="alice")[0]
    page = admin.get(f"{LIST}{entry.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in words(page)
    for address in (f"{LIST}add/", f"{LIST}{entry.pk}/delete/"):
        assert admin.get(address).status_code == admin.post(address).status_code == 403
    assert admin.post(f"{LIST}{entry.pk}/change/", {"verb": "saw"}).status_code == 403
    assert admin.post(
        LIST, {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    ).status_code in (
        200,
        302,
    )
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_staff_without_the_permission_sees_nothing_of_it(admin: Client) -> None:
    staff = browser_of(make_user("staff", is_staff=True))
    for address in (LIST, f"{LIST}export.csv", f"{LIST}export.json"):
        assert staff.get(address).status_code == 403
    assert not AuditEntry.objects.filter(actor_name="staff").exclude(verb="logged_in").exists()


def test_a_radiograph_leads_to_who_saw_it(admin: Client, alice: User, version: ModelVersion) -> None:
    radiograph = make_radiograph(alice, **succeeded(version))
    page = words(admin.get(f"/admin/diagnosis/radiograph/{radiograph.pk}/change/"))
    assert f"{LIST}?object_id={radiograph.pk}" in page
    assert f'{LIST}?object_id={radiograph.pk}" title="{radiograph.pk}">{str(radiograph.pk)[:8]}</a>' in words(
        admin.get(LIST)
    )


def test_the_list_is_sorted_by_what_has_an_index_and_by_nothing_else(admin: Client) -> None:
    answer = admin.get(f"{LIST}?o=0")
    columns = [header["sortable"] for header in result_headers(answer.context["cl"])]
    assert columns == [True, *[False] * 6]
    moments = [entry.moment for entry in answer.context["cl"].result_list]
    assert moments == sorted(moments)
