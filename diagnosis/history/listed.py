"""What a radiograph keeps of its newest prediction, so that lists are filtered and sorted by an index."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

#: What lists are filtered by; each has an index of its own, in the order in which lists are shown.
FILTERED_BY = ("outcome", "label", "band", "model_version", "source", "reading")


class Source(models.TextChoices):
    BROWSER = "browser", _("Browser")
    API = "api", "API"


class Reading(models.TextChoices):
    """How the majority of the readers stands to the network's label."""

    AGREES = "agrees", _("Readers agree with the network")
    DIFFERS = "differs", _("Readers differ from the network")
    OPEN = "open", _("Reviewed, without a verdict to compare")


def _indexes() -> list[models.Index]:
    by_moment = ["-created", "-id"]
    return [
        # With the name, so that searching for a part of it reads the index alone.
        models.Index(fields=["owner", *by_moment, "filename"], name="radiograph_by_owner"),
        models.Index(fields=by_moment, name="radiograph_by_moment"),
        models.Index("owner", Lower("filename"), "id", name="radiograph_by_filename"),
        models.Index(
            fields=["owner", "probability", "id"],
            condition=models.Q(probability__isnull=False),
            name="radiograph_by_probability",
        ),
        # Reviewed ones, few among many: by a column that SQLite finds a partial index by.
        models.Index(
            fields=["owner", *by_moment], condition=models.Q(reviewed__isnull=False), name="radiograph_reviewed"
        ),
        *(models.Index(fields=["owner", each, *by_moment], name=f"radiograph_{each}"[:30]) for each in FILTERED_BY),
        *_indexes_of_groups(by_moment),
    ]


def _indexes_of_groups(by_moment: list[str]) -> list[models.Index]:
    """Return the same for the lists of groups. They hold what is shared alone, so the rest costs nothing."""
    shared = models.Q(group__isnull=False)
    return [
        models.Index(fields=["group", *by_moment, "filename"], condition=shared, name="radiograph_by_group"),
        models.Index("group", Lower("filename"), "id", condition=shared, name="radiograph_group_filename"),
        models.Index(
            fields=["group", "probability", "id"],
            condition=shared & models.Q(probability__isnull=False),
            name="radiograph_group_probability",
        ),
        models.Index(
            fields=["group", *by_moment],
            condition=shared & models.Q(reviewed__isnull=False),
            name="radiograph_group_reviewed",
        ),
        *(
            models.Index(fields=["group", each, *by_moment], condition=shared, name=f"radiograph_group_{each}")
            for each in FILTERED_BY
        ),
    ]


class Listed(models.Model):
    """Written by ``follow_newest`` and ``follow_reviews`` alone, after whatever changes what they follow."""

    outcome = models.CharField(max_length=9, blank=True, help_text="The final status; empty before.")
    label = models.CharField(max_length=16, blank=True)
    band = models.CharField(max_length=9, blank=True)
    probability = models.FloatField(null=True, blank=True)
    model_version: Any = models.ForeignKey(
        "diagnosis.ModelVersion", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    source = models.CharField(
        max_length=8, choices=Source, blank=True, help_text="How it came; empty where that was not recorded."
    )
    reading = models.CharField(
        max_length=8,
        choices=Reading,
        blank=True,
        help_text="Written by follow_reviews; empty where nobody reviewed it.",
    )
    reviewed = models.DateTimeField(null=True, blank=True, help_text="When the newest of the current reviews came.")

    class Meta:
        abstract = True
        ordering = ["-created", "-id"]
        indexes = _indexes()
