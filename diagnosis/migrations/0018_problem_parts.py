from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0017_keyed_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="problem_parts",
            field=models.JSONField(
                help_text="What the problem was made of, to be said in other languages.",
                null=True,
            ),
        ),
    ]
