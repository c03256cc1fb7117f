"""Indexes for the lists of the admin, and how large each upload is. Nothing is written into rows that are there."""

import django.db.models.deletion
from django.db import migrations, models

UNSUCCESSFUL = models.Q(finished_at__isnull=False, probability__isnull=True)


def index(model: str, name: str, *fields: str, condition: models.Q | None = None) -> migrations.AddIndex:
    return migrations.AddIndex(
        model_name=model, index=models.Index(fields=list(fields), name=name, condition=condition)
    )


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0020_retention")]

    operations = [
        migrations.AddField(
            model_name="radiograph",
            name="size",
            field=models.PositiveBigIntegerField(
                "bytes", blank=True, help_text="Of the file, as it is stored; unknown of older ones.", null=True
            ),
        ),
        # The index by version, below, serves the foreign key as well.
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
        ),
        index("prediction", "prediction_by_moment", "-queued_at", "-id"),
        index("prediction", "prediction_by_status", "status", "-queued_at", "-id", condition=UNSUCCESSFUL),
        index("prediction", "prediction_by_reason", "reason_code", "-queued_at", "-id", condition=UNSUCCESSFUL),
        index("prediction", "prediction_by_version", "model_version", "-queued_at", "-id"),
        index("delivery", "delivery_by_moment", "-created", "-id"),
        index("delivery", "delivery_by_state", "state", "-created", "-id"),
    ]
