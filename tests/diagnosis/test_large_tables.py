"""An upgrade writes no table of many rows anew, and locks none against readers while it builds indexes."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from diagnosis.models import AuditEntry, Delivery, Disagreement, Prediction, Radiograph, Review, ShadowPrediction

LARGE = "|".join(
    model._meta.db_table
    for model in (AuditEntry, Delivery, Disagreement, Prediction, Radiograph, Review, ShadowPrediction)
)
#: Released, so that nothing of it can be changed any more.
LAST_RELEASED = "0018_problem_parts"
UNRELEASED = [
    key for key in sorted(MigrationLoader(None).graph.nodes) if key[0] == "diagnosis" and key[1] > LAST_RELEASED
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", UNRELEASED, ids=lambda key: key[1])
def test_indexes_come_before_what_locks_and_no_table_is_written_anew(key: tuple[str, str]) -> None:
    loader = MigrationLoader(connection, replace_migrations=False)
    statements = [
        line
        for line in loader.collect_sql([(loader.graph.nodes[key], False)])
        if re.search(rf"\b({LARGE})\b", line) and line.startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE"))
    ]
    made = [line for line in statements if line.startswith("CREATE TABLE")]
    indexes = [line for line in statements if re.match("CREATE (UNIQUE )?INDEX", line)]
    assert not [line for line in statements if "new__" in line or line.startswith(("INSERT", "UPDATE"))]
    assert made or statements[: len(indexes)] == indexes
