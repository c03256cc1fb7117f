"""Indexes for the lists of the admin and of groups, and how large each upload is.

No row that is there is written anew, by either database. PostgreSQL builds the indexes first, while tables can be read;
what locks them against everybody comes last, and is short.
"""

import django.db.models.deletion
from django.db import migrations, models

UNSUCCESSFUL = models.Q(finished_at__isnull=False, probability__isnull=True)
REVIEWED_IN_GROUP = models.Q(group__isnull=False, reviewed__isnull=False)
#: The foreign key's own. ``prediction_by_version`` serves it as well.
BY_VERSION_ALONE = "diagnosis_prediction_model_version_id_18d64a0a"


def index(model: str, name: str, *fields: str, condition: models.Q | None = None) -> migrations.AddIndex:
    return migrations.AddIndex(
        model_name=model, index=models.Index(fields=list(fields), name=name, condition=condition)
    )


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0020_retention")]

    operations = [
        index("prediction", "prediction_by_moment", "-queued_at", "-id"),
        index("prediction", "prediction_by_status", "status", "-queued_at", "-id", condition=UNSUCCESSFUL),
        index("prediction", "prediction_by_reason", "reason_code", "-queued_at", "-id", condition=UNSUCCESSFUL),
        index("prediction", "prediction_by_version", "model_version", "-queued_at", "-id"),
        index("delivery", "delivery_by_moment", "-created", "-id"),
        index("delivery", "delivery_by_state", "state", "-created", "-id"),
        index("radiograph", "radiograph_group_reviewed", "group", "-created", "-id", condition=REVIEWED_IN_GROUP),
        migrations.AddField(
            model_name="radiograph",
            name="size",
            field=models.PositiveBigIntegerField(
                "bytes", blank=True, help_text="Of the file, as it is stored; unknown of older ones.", null=True
            ),
        ),
        # By hand, since Django would have SQLite write the whole table anew.
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {BY_VERSION_ALONE}",
            f"CREATE INDEX {BY_VERSION_ALONE} ON diagnosis_prediction (model_version_id)",
            state_operations=[
                migrations.AlterField(
                    model_name="prediction",
                    name="model_version",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="predictions",
                        to="diagnosis.modelversion",
                    ),
                )
            ],
        ),
    ]
