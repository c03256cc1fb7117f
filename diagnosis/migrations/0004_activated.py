from typing import Any

from django.db import migrations, models
from django.db.models import F


def note_the_active_one(apps: Any, schema_editor: Any) -> None:
    """When it became active is not known; it was not before it was published."""
    apps.get_model("diagnosis", "ModelVersion").objects.filter(active=True).update(activated=F("published"))


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0003_activation_map")]

    operations = [
        migrations.AddField(
            "modelversion",
            "activated",
            models.DateTimeField(help_text="When it last became active; rolling back goes by it.", null=True),
        ),
        migrations.RunPython(note_the_active_one, migrations.RunPython.noop),
    ]
