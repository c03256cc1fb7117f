"""A version that answers silently, a version that is asked for, and where two versions disagree."""

from collections.abc import Iterator
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Count, Q

KINDS = [("label", "Another label"), ("refused", "Only one answered"), ("band", "Same label, another certainty")]
FACTS = ("pk", "radiograph", "radiograph__owner", "radiograph__created", "model_version", "status", "label", "band")


def kind_of(one: dict[str, Any], other: dict[str, Any]) -> str:
    if one["status"] != other["status"]:
        return "refused"
    if one["label"] != other["label"]:
        return "label"
    return "band" if one["band"] != other["band"] else ""


def newest_of_each_version(predictions: Any, radiographs: list[Any]) -> Iterator[list[dict[str, Any]]]:
    """For each radiograph the newest answer of each version, by version."""
    found: dict[Any, dict[int, dict[str, Any]]] = {}
    for row in predictions.filter(radiograph__in=radiographs).order_by("queued_at", "pk").values(*FACTS):
        found.setdefault(row["radiograph"], {})[row["model_version"]] = row
    for of_one in found.values():
        yield [row for _, row in sorted(of_one.items())]


def note_disagreements(apps: Any, schema_editor: Any) -> None:
    """Write down what is known already of radiographs that several versions have answered to."""
    disagreements = apps.get_model("diagnosis", "Disagreement").objects
    predictions = apps.get_model("diagnosis", "Prediction").objects
    answered = predictions.filter(status__in=("succeeded", "refused"), model_version__isnull=False)
    several = answered.order_by().values("radiograph").annotate(versions=Count("model_version", distinct=True))
    wanted = list(several.filter(versions__gt=1).values_list("radiograph", flat=True))
    for start in range(0, len(wanted), 500):
        for rows in newest_of_each_version(answered, wanted[start : start + 500]):
            disagreements.bulk_create(
                disagreements.model(
                    owner_id=older["radiograph__owner"],
                    radiograph_id=older["radiograph"],
                    created=older["radiograph__created"],
                    older_id=older["model_version"],
                    newer_id=newer["model_version"],
                    by_older_id=older["pk"],
                    by_newer_id=newer["pk"],
                    kind=kind,
                )
                for place, older in enumerate(rows)
                for newer in rows[place + 1 :]
                if (kind := kind_of(older, newer))
            )


def version(related_name: str = "+", **facts: Any) -> Any:
    """A foreign key that no index is needed for by itself."""
    protect = django.db.models.deletion.PROTECT
    return models.ForeignKey(
        db_index=False, on_delete=protect, related_name=related_name, to="diagnosis.modelversion", **facts
    )


def radiograph(related_name: str) -> Any:
    cascade = django.db.models.deletion.CASCADE
    return models.ForeignKey(db_index=False, on_delete=cascade, related_name=related_name, to="diagnosis.radiograph")


def prediction(**facts: Any) -> Any:
    cascade = django.db.models.deletion.CASCADE
    return models.ForeignKey(on_delete=cascade, related_name="+", to="diagnosis.prediction", **facts)


def primary_key() -> Any:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0012_reviewing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="shadow",
            field=models.BooleanField(
                default=False,
                help_text="Beside the active version, for the administrator alone to see.",
                verbose_name="answers silently",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(
                condition=Q(("shadow", True)), fields=("shadow",), name="one_shadow_model_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=Q(("active", True), ("shadow", True), _negated=True), name="active_or_shadow"
            ),
        ),
        migrations.AddField(
            model_name="prediction",
            name="wanted_version",
            field=version(help_text="Who must answer; empty: the version that is active when it is read.", null=True),
        ),
        migrations.CreateModel(
            name="ShadowPrediction",
            fields=[
                ("id", primary_key()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                (
                    "probability",
                    models.FloatField(help_text="Calibrated probability of pneumonia, 0 to 1.", null=True),
                ),
                (
                    "threshold",
                    models.FloatField(help_text="From this probability on the label is PNEUMONIA.", null=True),
                ),
                ("label", models.CharField(blank=True, max_length=16)),
                ("band", models.CharField(blank=True, max_length=9)),
                (
                    "activation_map",
                    models.JSONField(
                        help_text="Where the network looked: 7 rows of 7 logits, whose mean is the logit.", null=True
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=32)),
                ("reason", models.CharField(blank=True, help_text="Why it was refused or failed.", max_length=300)),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "token",
                    models.UUIDField(help_text="Who claimed it last; only the holder can finish it.", null=True),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("worker", models.CharField(blank=True, max_length=120)),
                ("radiograph", radiograph("shadow_predictions")),
                ("model_version", version("shadow_predictions")),
                ("beside", prediction(help_text="What the active version said.")),
                ("active_version", version()),
                ("differs", models.BooleanField(default=False)),
                (
                    "kind",
                    models.CharField(
                        blank=True, choices=KINDS, help_text="How both differ, if they do.", max_length=7
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=Q(("finished_at__isnull", True)), fields=["queued_at"], name="shadow_not_final"
                    ),
                    models.Index(fields=["model_version", "active_version", "-id"], name="shadow_by_versions"),
                    models.Index(
                        condition=Q(("differs", True)),
                        fields=["model_version", "active_version", "-id"],
                        name="shadow_that_differs",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(
                            Q(("probability__gte", 0), ("probability__lte", 1), ("status", "succeeded")),
                            Q(Q(("status", "succeeded"), _negated=True), ("probability__isnull", True)),
                            _connector="OR",
                        ),
                        name="shadow_probability_if_succeeded",
                    ),
                    models.UniqueConstraint(
                        fields=("radiograph", "model_version", "active_version"), name="one_shadow_prediction_of_each"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Disagreement",
            fields=[
                ("id", primary_key()),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("radiograph", radiograph("disagreements")),
                ("created", models.DateTimeField()),
                ("older", version()),
                ("newer", version()),
                ("by_older", prediction()),
                ("by_newer", prediction()),
                ("kind", models.CharField(choices=KINDS, max_length=7)),
            ],
            options={
                "ordering": ["-created", "-radiograph"],
                "indexes": [
                    models.Index(
                        fields=["owner", "older", "newer", "-created", "-radiograph"], name="disagreement_by_owner"
                    ),
                    models.Index(
                        fields=["owner", "older", "newer", "kind", "-created", "-radiograph"],
                        name="disagreement_by_kind",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("radiograph", "older", "newer"), name="one_disagreement_of_two_versions"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ComparisonSeen",
            fields=[
                ("id", primary_key()),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="diagnosis.modelversion",
                        verbose_name="silent version",
                    ),
                ),
                (
                    "active",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="diagnosis.modelversion",
                        verbose_name="active version",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("username", models.CharField(help_text="As it was; the account may be gone.", max_length=150)),
                ("moment", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "radiographs",
                    models.PositiveIntegerField(help_text="Answered by both, as far as they were counted."),
                ),
                ("differing", models.PositiveIntegerField(help_text="Of these, answered differently.")),
            ],
            options={
                "verbose_name": "comparison that was seen",
                "verbose_name_plural": "comparisons that were seen",
                "ordering": ["-moment", "-pk"],
            },
        ),
        migrations.RunPython(note_disagreements, migrations.RunPython.noop, elidable=True),
    ]
