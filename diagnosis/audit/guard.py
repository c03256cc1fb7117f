"""What has the database itself refuse to change or delete entries, whoever asks: triggers.

They are put up after every ``migrate``, since a migration that makes SQLite's table anew would lose them. Whoever owns
the database can take them down, as :func:`lifted` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction

TABLE = "diagnosis_auditentry"
REFUSAL = "The audit log is only added to."
_ABORT = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
#: The third is for INSERT OR REPLACE, which deletes without asking the second.
SQLITE = {
    "audit_no_update": f"BEFORE UPDATE ON {TABLE} {_ABORT}",
    "audit_no_delete": f"BEFORE DELETE ON {TABLE} {_ABORT}",
    "audit_no_replace": f"BEFORE INSERT ON {TABLE} WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) {_ABORT}",  # noqa: S608
}
FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$
"""
POSTGRESQL = {
    "audit_no_change": f"BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "audit_no_truncate": f"BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
}


def put_up(using: str = "default", **_: Any) -> None:
    """Make those triggers that are not there or not at work; nothing where the table is not there yet."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    missing = sorted(_triggers(using).keys() - set(standing(using)))
    with transaction.atomic(using), connection.cursor() as cursor:
        if missing and connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for name in missing:
            cursor.execute(_drop(name, using))  # one that is switched off is in the way
            cursor.execute(f"CREATE TRIGGER {name} {_triggers(using)[name]}")


def take_down(using: str = "default") -> None:
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for name in standing(using):
            cursor.execute(_drop(name, using))


def standing(using: str = "default") -> list[str]:
    """Return the names of the triggers that are there and at work."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        asked = "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled <> 'D'"
    else:
        asked = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(asked, [TABLE])
        return sorted({name for (name,) in cursor.fetchall()} & _triggers(using).keys())


def is_up(using: str = "default") -> bool:
    return len(standing(using)) == len(_triggers(using))


@contextmanager
def lifted(using: str = "default") -> Iterator[None]:
    """Let entries be deleted in one transaction, at whose end the triggers stand again; others see them all along."""
    with transaction.atomic(using):
        take_down(using)
        yield
        put_up(using)


def _drop(name: str, using: str) -> str:
    on_table = f" ON {TABLE}" if connections[using].vendor == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {name}{on_table}"


def _triggers(using: str) -> dict[str, str]:
    return POSTGRESQL if connections[using].vendor == "postgresql" else SQLITE
