"""Profiles, and tokens with a name and a scope. Those that knox kept move here, so that none dies of an upgrade."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KNOX, OURS = "knox_authtoken", "diagnosis_apitoken"
SHARED = "digest, token_key, user_id, created, expiry"


def take_over_tokens(apps: Any, schema_editor: Any) -> None:
    """What stayed in knox's table would outlive its user, or keep the user from being deleted."""
    if KNOX in schema_editor.connection.introspection.table_names():
        schema_editor.execute(
            f"INSERT INTO {OURS} ({SHARED}, name, scope) SELECT {SHARED}, '', 'write' FROM {KNOX}"  # noqa: S608
        )
        schema_editor.execute(f"DELETE FROM {KNOX}")  # noqa: S608


def give_tokens_back(apps: Any, schema_editor: Any) -> None:
    """All but those that may only read: knox knows no scope, and would let them write."""
    if KNOX in schema_editor.connection.introspection.table_names():
        schema_editor.execute(
            f"INSERT INTO {KNOX} ({SHARED}) SELECT {SHARED} FROM {OURS} WHERE scope = 'write'"  # noqa: S608
        )


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0013_newer_models"),
        ("knox", "0009_extend_authtoken_field"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="profile",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("display_name", models.CharField(blank=True, max_length=80, verbose_name="name to show")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        help_text="Empty: the language that the browser asks for.",
                        max_length=20,
                        verbose_name="language",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("token_key", models.CharField(db_index=True, max_length=25)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expiry", models.DateTimeField(blank=True, null=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=128, unique=True)),
                ("name", models.CharField(blank=True, max_length=60, verbose_name="name")),
                (
                    "scope",
                    models.CharField(
                        choices=[("read", "Read only"), ("write", "Read and write")],
                        default="write",
                        max_length=5,
                        verbose_name="scope",
                    ),
                ),
                ("last_used", models.DateTimeField(blank=True, null=True, verbose_name="last used")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="auth_token_set",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
                "ordering": ["-created", "-pk"],
                "indexes": [models.Index(fields=["user", "-created", "-id"], name="tokens_of_a_user")],
            },
        ),
        migrations.RunPython(take_over_tokens, give_tokens_back),
    ]
