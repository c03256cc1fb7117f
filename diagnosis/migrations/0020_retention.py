import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

WHAT = [
    ("heatmaps", "heat maps"),
    ("images", "images"),
    ("all", "everything"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0019_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Users read it where it removed something.", max_length=60, unique=True
                    ),
                ),
                (
                    "days",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                        verbose_name="days after the upload",
                    ),
                ),
                (
                    "removes",
                    models.CharField(
                        choices=WHAT,
                        default="images",
                        max_length=8,
                        help_text="Heat maps: images and results stay. Images: with previews, heat maps and reports; results stay. "
                        "Everything: results and verdicts as well.",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("succeeded", "Succeeded"), ("refused", "Refused"), ("failed", "Failed")],
                        help_text="Of the newest prediction; empty: whatever it is.",
                        max_length=9,
                        verbose_name="only with this result",
                    ),
                ),
                (
                    "spare_reviewed",
                    models.BooleanField(
                        default=False,
                        help_text="A training set may need these.",
                        verbose_name="keep what a reader has reviewed",
                    ),
                ),
                ("on_since", models.DateTimeField(editable=False, null=True)),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        help_text="What is shared with it; empty: everything. The rule is deleted with the group.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="diagnosis.readinggroup",
                        verbose_name="only of this group",
                    ),
                ),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The rule’s, as it was.", max_length=60)),
                ("text", models.CharField(help_text="What the rule said.", max_length=300)),
                ("started", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished", models.DateTimeField(null=True)),
                ("reached", models.DateTimeField(help_text="All that was uploaded before was looked at.", null=True)),
                ("radiographs", models.PositiveBigIntegerField(default=0)),
                ("files", models.PositiveBigIntegerField(default=0)),
                ("bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="diagnosis.retentionrule",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished", None)), fields=("rule",), name="one_run_of_a_rule_at_a_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Removal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(help_text="Its name, as it was.", max_length=60)),
                ("radiograph", models.UUIDField(db_index=True)),
                ("what", models.CharField(choices=WHAT, max_length=8)),
                ("moment", models.DateTimeField(default=django.utils.timezone.now)),
                ("files", models.PositiveSmallIntegerField(default=0)),
                ("bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "waiting",
                    models.JSONField(help_text="The names of files that are still to be deleted.", null=True),
                ),
                (
                    "try_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="Then these are tried to be deleted once more."
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="removals",
                        to="diagnosis.retentionrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("waiting__isnull", False)), fields=["id"], name="removal_unfinished"
                    ),
                    models.Index(fields=["-moment", "-id"], name="removal_by_moment"),
                    models.Index(fields=["what", "-moment", "-id"], name="removal_by_what"),
                ],
            },
        ),
        # Without a default: no database writes its rows anew.
        migrations.AddField(
            model_name="radiograph",
            name="removal",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="What a retention rule took of it last.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="diagnosis.removal",
            ),
        ),
    ]
