"""Copy what the newest prediction of each radiograph says to where lists are filtered by it."""

from typing import Any

from django.db import migrations
from django.db.models import Case, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

FINAL = ("succeeded", "refused", "failed")


def follow_newest(apps: Any, schema_editor: Any) -> None:
    predictions = apps.get_model("diagnosis", "Prediction").objects.filter(radiograph=OuterRef("pk"))
    final = Case(When(status__in=FINAL, then=F("status")), default=Value(""))
    newest = predictions.order_by("-queued_at", "-pk").annotate(outcome=final)
    texts = {name: Coalesce(Subquery(newest.values(name)[:1]), Value("")) for name in ("outcome", "label", "band")}
    others = {name: Subquery(newest.values(name)[:1]) for name in ("probability", "model_version")}
    apps.get_model("diagnosis", "Radiograph").objects.update(**texts, **others)


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0007_listed")]

    operations = [migrations.RunPython(follow_newest, migrations.RunPython.noop, elidable=True)]
