"""Filters that a user has given a name, to come back to."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

MOST_SAVED, LONGEST_NAME = 50, 60


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)


class SavedFilter(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_filters", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=1000, help_text="As in an address of the history: status=failed&label=NORMAL")

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="one_saved_filter_of_a_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('diagnosis:history')}?{self.query}"
