"""Every list of the admin opens at once, whatever the size of its table: nothing is counted or read to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from diagnosis.administration import paging
from diagnosis.models import Prediction, Radiograph
from tests.factories import make_radiograph, make_user

MOST_QUERIES = 12
MODELS = [model for model, _ in sorted(admin.site._registry.items(), key=lambda each: each[0]._meta.label)]


@pytest.fixture
def client_of_charlie(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie)
    client.get("/help/")
    return client


def queries_of(model: Any, user: User) -> Iterator[str]:
    """Yield no query, each choice of each filter, and a search that finds nothing."""
    request = RequestFactory().get("/")
    request.user = user
    changelist = admin.site._registry[model].get_changelist_instance(request)
    yield ""
    for spec in changelist.filter_specs:
        yield from (str(choice["query_string"]) for choice in list(spec.choices(changelist))[1:3])
    if changelist.search_fields:
        yield "?q=nothing"


def unbounded(statement: str, table: str) -> bool:
    """Whether a statement may read a table to its end: it has no limit, and asks for no rows by their ids."""
    if f'FROM "{table}"' not in statement:
        return False
    return "LIMIT" not in statement and not re.search(r'"\w*id" (IN \(|= [\d\'])', statement)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_list_counts_or_reads_its_table_to_the_end(model: Any, charlie: User, client_of_charlie: Client) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    make_radiograph(charlie)
    assert isinstance(admin.site._registry[model], paging.BoundedAdmin)
    assert not admin.site._registry[model].date_hierarchy
    for query in queries_of(model, charlie):
        with CaptureQueriesContext(connection) as captured:
            answer = client_of_charlie.get(address + query)
            statements = [each["sql"] for each in captured.captured_queries]
        assert answer.status_code == 200
        assert len(statements) <= MOST_QUERIES
        assert [each for each in statements if unbounded(each, model._meta.db_table)] == []


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two rows be all that are counted."""
    monkeypatch.setattr(paging, "MOST", 2)


@pytest.mark.usefixtures("few")
def test_of_more_than_are_counted_that_is_said_and_none_is_chosen_across_pages(
    alice: User, client_of_charlie: Client
) -> None:
    for number in range(3):
        make_radiograph(alice, filename=f"{number}.jpg")
    page = client_of_charlie.get("/admin/diagnosis/radiograph/").content.decode()
    assert "more than 2" in page
    assert "across all pages" not in page
    assert "action-counter" in page
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": [Radiograph.objects.all()[0].pk]}
    said = client_of_charlie.post("/admin/diagnosis/radiograph/", chosen, follow=True).content.decode()
    assert "Filter it first" in said
    assert Radiograph.objects.count() == 3


def test_of_all_that_are_counted_all_can_be_chosen(
    alice: User, client_of_charlie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging.BoundedAdmin, "list_per_page", 2)
    pks = [make_radiograph(alice).pk for _ in range(3)]
    assert "Select all 3" in client_of_charlie.get("/admin/diagnosis/radiograph/").content.decode()
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": pks[:1]}
    asked = client_of_charlie.post("/admin/diagnosis/radiograph/", chosen).content.decode()
    assert all(str(pk) in asked for pk in pks)


def test_the_last_page_that_is_counted_is_reached_and_the_one_after_it_is_not(
    alice: User, client_of_charlie: Client, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging.BoundedAdmin, "list_per_page", 1)
    for number in range(3):
        make_radiograph(alice, filename=f"{number}.jpg")
    with CaptureQueriesContext(connection) as captured:
        assert "1.jpg" in client_of_charlie.get("/admin/diagnosis/radiograph/?p=2").content.decode()
        skipping = [each["sql"] for each in captured.captured_queries if "OFFSET" in each["sql"]]
    assert skipping
    assert not any("JOIN" in statement for statement in skipping)
    assert client_of_charlie.get("/admin/diagnosis/radiograph/?p=3").status_code == 302


@pytest.mark.parametrize(
    ("term", "found"),
    [("{pk}", True), ("{sha256}", True), ("alice", True), ("ALIC", False), ("second", True), ("first", False)],
)
def test_ids_and_names_in_full_are_found_anywhere_and_parts_of_file_names_among_the_newest(
    term: str, found: bool, alice: User, client_of_charlie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST", 1)
    bob = make_user("bob")
    first = make_radiograph(alice, filename="first.jpg")
    Radiograph.objects.filter(pk=first.pk).update(sha256="a" * 64)
    make_radiograph(bob, filename="second one.jpg")
    make_radiograph(bob, filename="third.jpg")
    term = term.format(pk=first.pk, sha256="a" * 64)
    page = client_of_charlie.get("/admin/diagnosis/radiograph/", {"q": term}).content.decode()
    assert ("first.jpg" in page or "second one.jpg" in page) == found


@pytest.mark.parametrize(("day", "number"), [("2026-11-20", 1), ("2026-11-21", 0), ("yesterday", 0)])
def test_a_day_is_chosen_and_what_is_none_is_said(
    day: str, number: int, alice: User, client_of_charlie: Client
) -> None:
    prediction = make_radiograph(alice, filename="of-that-day.jpg").prediction
    Prediction.objects.filter(pk=prediction.pk).update(queued_at="2026-11-20T12:00:00Z")
    page = client_of_charlie.get("/admin/diagnosis/prediction/", {"queued_at_on": day}).content.decode()
    assert ("of-that-day.jpg" in page) == bool(number)
    assert ("This is no date" in page) == (day == "yesterday")
