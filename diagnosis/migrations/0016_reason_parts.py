from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0015_notices"),
    ]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="reason_parts",
            field=models.JSONField(
                help_text="What the reason was made of, to be said in other languages; empty where it is unknown.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="shadowprediction",
            name="reason_parts",
            field=models.JSONField(
                help_text="What the reason was made of, to be said in other languages; empty where it is unknown.",
                null=True,
            ),
        ),
    ]
