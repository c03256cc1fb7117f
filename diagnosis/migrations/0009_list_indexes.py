"""The indexes that the history needs, one for each way to filter or sort it."""

from __future__ import annotations

import logging
from typing import Any

import django.db.models.functions.text
from django.db import DatabaseError, migrations, models, transaction

logger = logging.getLogger(__name__)
SEARCH = 'CREATE INDEX radiograph_search ON diagnosis_radiograph USING gin (UPPER("filename") gin_trgm_ops)'


def index_search(apps: Any, schema_editor: Any) -> None:
    """Let PostgreSQL find a part of a name by an index; SQLite has none for that, and reads the names."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(SEARCH)
    except DatabaseError as error:
        logger.warning("Searching will be slow, since the extension pg_trgm cannot be made: %s", error)


def forget_search(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS radiograph_search")


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0008_follow_newest")]

    operations = [
        migrations.RemoveIndex(model_name="radiograph", name="radiograph_of_owner"),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "-created", "-id", "filename"], name="radiograph_by_owner"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["-created", "-id"], name="radiograph_by_moment"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(
                models.F("owner"),
                django.db.models.functions.text.Lower("filename"),
                models.F("id"),
                name="radiograph_by_filename",
            ),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(
                condition=models.Q(("probability__isnull", False)),
                fields=["owner", "probability", "id"],
                name="radiograph_by_probability",
            ),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "outcome", "-created", "-id"], name="radiograph_outcome"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "label", "-created", "-id"], name="radiograph_label"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "band", "-created", "-id"], name="radiograph_band"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "model_version", "-created", "-id"], name="radiograph_model_version"),
        ),
        migrations.AddIndex(
            model_name="radiograph",
            index=models.Index(fields=["owner", "source", "-created", "-id"], name="radiograph_source"),
        ),
        migrations.RunPython(index_search, forget_search),
    ]
