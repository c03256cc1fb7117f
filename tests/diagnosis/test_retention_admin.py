"""An administrator sees what a rule would remove before it is switched on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from diagnosis.audit.models import AuditEntry
from diagnosis.models import ModelVersion, Radiograph, Removal, RetentionRule
from diagnosis.retention import applying
from diagnosis.retention.admin import RemovalAdmin, RetentionRuleAdmin
from tests.diagnosis.pages import browser_of, words
from tests.diagnosis.retention import old, rule

pytestmark = [pytest.mark.usefixtures("rung"), pytest.mark.django_db]

RULES = "/admin/diagnosis/retentionrule/"
FORM = {"name": "Ninety days", "days": 90, "removes": "images", "_save": "Save"}


@pytest.fixture
def client(charlie: User) -> Client:
    return browser_of(charlie)


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_new_rule_is_off_until_its_dry_run_was_seen(alice: User, version: ModelVersion, client: Client) -> None:
    old(alice, version)
    page = words(client.post(f"{RULES}add/", FORM, follow=True))
    made = RetentionRule.objects.get()
    assert not made.is_on
    assert "What “Ninety days” would remove now" in page
    assert '<th scope="row">X-rays</th><td>1</td>' in page
    assert "Images are removed 90 days after the upload" in page
    client.post(f"{RULES}{made.pk}/dry-run/", {"seen": "something else", "on": "on"})
    made.refresh_from_db()
    assert not made.is_on
    client.post(f"{RULES}{made.pk}/dry-run/", {"seen": seen_on(page), "on": "on"})
    made.refresh_from_db()
    assert made.is_on
    assert Radiograph.objects.get().has_image, "errands remove it, not the page"
    page = words(client.post(f"{RULES}{made.pk}/change/", {**FORM, "days": 30}, follow=True))
    assert "The rule was changed, so it is off." in page
    made.refresh_from_db()
    assert not made.is_on
    client.post(f"{RULES}{made.pk}/dry-run/", {"seen": seen_on(page), "on": "on"})
    client.post(f"{RULES}{made.pk}/dry-run/", {"off": "off"})
    made.refresh_from_db()
    assert not made.is_on


@pytest.mark.parametrize("days", [90, 30])
@pytest.mark.parametrize("was_on", [True, False])
def test_what_another_administrator_switches_meanwhile_is_not_undone_by_a_save(
    client: Client, monkeypatch: pytest.MonkeyPatch, was_on: bool, days: int
) -> None:
    made = rule(is_on=was_on)
    save_form = RetentionRuleAdmin.save_form

    def switch_meanwhile(*arguments: Any, **change: Any) -> Any:
        if was_on:
            made.switch_off()
        else:
            made.switch_on(made.text)
        return save_form(*arguments, **change)

    monkeypatch.setattr(RetentionRuleAdmin, "save_form", switch_meanwhile)
    page = words(client.post(f"{RULES}{made.pk}/change/", {**FORM, "days": days}, follow=True))
    is_on = not was_on and days == 90
    made.refresh_from_db()
    assert (made.is_on, made.days) == (is_on, days)
    assert ("The rule was changed, so it is off." in page) == (not was_on and days == 30)
    assert AuditEntry.objects.filter(details="switched off").count() == int(not is_on)


@pytest.mark.parametrize("facts", [{}, {"what": "images"}, {"moment__gte": datetime(2026, 1, 1, tzinfo=UTC)}])
def test_the_list_of_removals_is_read_in_its_order_from_an_index(facts: dict[str, Any]) -> None:
    if connection.vendor == "sqlite":
        plan = Removal.objects.filter(**facts).order_by(*RemovalAdmin.ordering)[:50].explain()
        assert "USING INDEX removal_by_" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("days", ["0", "40000", ""])
def test_a_rule_that_cannot_be_is_refused(client: Client, days: str) -> None:
    assert "errornote" in words(client.post(f"{RULES}add/", {**FORM, "days": days}))
    assert not RetentionRule.objects.exists()


def test_whoever_may_only_look_cannot_switch(client: Client) -> None:
    looker = User.objects.create_user("looker", password="correct horse battery", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_retentionrule"))
    made = rule(is_on=False)
    browser = browser_of(looker)
    page = browser.get(f"{RULES}{made.pk}/dry-run/")
    assert page.status_code == 200
    assert "Nothing is old enough for it today." in words(page)
    assert 'name="seen"' not in words(page)
    assert browser.post(f"{RULES}{made.pk}/dry-run/", {"seen": made.text}).status_code == 403


def test_the_record_outlives_the_rule_and_can_be_searched_and_not_deleted(
    alice: User, version: ModelVersion, client: Client
) -> None:
    radiograph, other = old(alice, version), old(alice, version)
    made = rule()
    applying.apply(made)
    client.post(f"{RULES}{made.pk}/delete/", {"post": "yes"})
    assert not RetentionRule.objects.exists()
    runs = words(client.get("/admin/diagnosis/retentionrun/"))
    assert "Ninety days" in runs
    found = words(client.get("/admin/diagnosis/removal/", {"q": str(radiograph.pk)}))
    assert str(radiograph.pk) in found
    assert str(other.pk) not in found
    assert "0 removals" in words(client.get("/admin/diagnosis/removal/", {"q": "no id"}))
    removal: Any = Removal.objects.first()
    for model, pk in (("removal", removal.pk), ("retentionrun", removal.run_id)):
        assert client.post(f"/admin/diagnosis/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"/admin/diagnosis/{model}/{pk}/change/", {}).status_code == 403
