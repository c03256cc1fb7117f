"""Rows of any table as lines of JSON, and back: the same from SQLite and PostgreSQL, and for either of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connections
from django.db.models import Field, Model

#: So many rows are one member of the backup, and in memory at once.
CHUNK = 2000


def tables(apps: Apps) -> dict[str, type[Model]]:
    """Return every model with a table of its own, those that join two others included."""
    models = apps.get_models(include_auto_created=True)
    return {each._meta.db_table: each for each in models if each._meta.managed and not each._meta.proxy}


def fields_of(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {field.attname: field for field in model._meta.local_concrete_fields if not field.generated}


def dump(model: type[Model], using: str) -> Iterator[tuple[bytes, int]]:
    """Give the rows of a table, some thousand at a time, with their number."""
    rows = model._base_manager.using(using).order_by("pk").values_list(*fields_of(model)).iterator(CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        yield "".join(json.dumps(row, default=_as_text) + "\n" for row in chunk).encode(), len(chunk)


def _as_text(value: Any) -> str:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(value).decode()
    return str(value)


def load(model: type[Model], names: list[str], file: IO[bytes], using: str) -> int:
    """Insert the rows as they were: nothing fills in a time or another default. Return their number."""
    fields = [fields_of(model)[name] for name in names]
    lines = file.read().decode().splitlines()
    made = [_made(model, fields, json.loads(line)) for line in lines]
    step = max(connections[using].ops.bulk_batch_size(fields, made), 1)
    for start in range(0, len(made), step):
        model._base_manager.using(using)._insert(made[start : start + step], fields, using=using, raw=True)  # type: ignore[attr-defined]
    return len(made)


def _made(model: type[Model], fields: list[Field[Any, Any]], values: list[Any]) -> Model:
    pairs = zip(fields, values, strict=True)
    return model(**{field.attname: field.to_python(value) for field, value in pairs})


def empty(models: Iterable[type[Model]], using: str) -> None:
    """Delete the rows that migrations have written; their own come from the backup."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def go_on_counting(models: Iterable[type[Model]], using: str) -> None:
    """Let the next row of each table get a number that none has."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)
