"""Entries of the audit log are added, and nobody changes or deletes them: not by the model, not by SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from diagnosis.audit import guard
from diagnosis.audit.models import Kind, OnlyAdded, Verb
from diagnosis.audit.recording import record, record_each
from diagnosis.doctor import database
from diagnosis.models import AuditEntry

TABLE = "diagnosis_auditentry"


@pytest.fixture
def entry(db: None) -> AuditEntry:
    record(Verb.SAW, Kind.RADIOGRAPH, "1")
    return AuditEntry.objects.get()


BY_MODEL: dict[str, Callable[[AuditEntry], Any]] = {
    "save": lambda entry: entry.save(),
    "delete": lambda entry: entry.delete(),
    "update": lambda _: AuditEntry.objects.update(actor_name="nobody"),
    "delete many": lambda _: AuditEntry.objects.filter(kind="radiograph").delete(),
    "update many": lambda entry: AuditEntry.objects.bulk_update([entry], ["verb"]),
    "update or create": lambda entry: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"verb": "x"}),
}


@pytest.mark.parametrize("name", BY_MODEL)
def test_the_model_refuses(entry: AuditEntry, name: str) -> None:
    with pytest.raises(OnlyAdded), transaction.atomic():
        BY_MODEL[name](entry)
    assert AuditEntry.objects.values_list("verb", "actor_name").get() == (entry.verb, entry.actor_name)


STATEMENTS = [
    f"UPDATE {TABLE} SET actor_name = 'nobody'",
    f"UPDATE {TABLE} SET moment = '2020-01-01 00:00:00' WHERE kind = 'radiograph'",
    f"DELETE FROM {TABLE}",
]
OF_ONE_DATABASE = {
    "sqlite": f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE}",
    "postgresql": f"TRUNCATE {TABLE}",
}


@pytest.mark.parametrize("number", range(4))
def test_the_database_refuses_as_well(entry: AuditEntry, number: int) -> None:
    statement = [*STATEMENTS, OF_ONE_DATABASE[connection.vendor]][number]
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.values_list("verb", "actor_name").get() == (entry.verb, entry.actor_name)


def test_migrating_puts_up_what_is_missing(entry: AuditEntry) -> None:
    guard.take_down()
    assert "The audit log could be changed" in " ".join(str(finding) for finding in database.look())
    call_command("migrate", verbosity=0)
    assert guard.is_up()
    assert "audit log" not in " ".join(str(finding) for finding in database.look())
    call_command("migrate", verbosity=0)
    assert guard.is_up()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot switch triggers off")
def test_what_is_switched_off_is_put_up_again(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER audit_no_change")
    assert not guard.is_up()
    guard.put_up()
    assert guard.is_up()


@pytest.mark.django_db(transaction=True)
def test_an_account_goes_and_its_entries_stay(alice: User) -> None:
    record(Verb.SAW, Kind.RADIOGRAPH, "1", actor=alice)
    number = alice.pk
    alice.delete()
    assert AuditEntry.objects.filter(actor_id=number, actor_name="alice", verb="saw").exists()


def test_many_are_written_in_few_statements(db: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(3):  # SQLite takes no more than 999 values in one
        record_each(Verb.UPLOADED, Kind.RADIOGRAPH, range(200))
    assert AuditEntry.objects.count() == 200


def test_what_is_too_long_is_cut(db: None) -> None:
    record(Verb.SAW, Kind.OTHER, label="x" * 1000, details="x" * 1000)
    entry = AuditEntry.objects.get()
    assert (len(entry.label), len(entry.details)) == (150, 300)


@pytest.mark.django_db(transaction=True)
def test_old_entries_are_removed_by_one_command_which_is_an_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("diagnosis.audit.shortening.CHUNK", 2)
    old = timezone.now() - timedelta(days=800)
    AuditEntry.objects.bulk_create(AuditEntry(verb="saw", kind="radiograph", moment=old) for _ in range(5))
    record(Verb.SAW, Kind.RADIOGRAPH, "new")
    call_command("shorten_audit_log", "--older-than", "730", "--dry-run")
    assert "5 entries are older than" in capsys.readouterr().out
    assert AuditEntry.objects.count() == 6
    call_command("shorten_audit_log", "--older-than", "730")
    assert "5 entries from before" in capsys.readouterr().out
    left = AuditEntry.objects.order_by("pk").values_list("verb", "object_id", "door")
    assert list(left) == [("saw", "new", "command"), ("deleted", "", "command")]
    assert "5 entries before" in AuditEntry.objects.get(verb="deleted").details
    assert guard.is_up()
    with pytest.raises(CommandError, match="such as 730"):
        call_command("shorten_audit_log", "--older-than", "0")
