"""The words that a user files radiographs under, for that user alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each

if TYPE_CHECKING:
    from diagnosis.models import Radiograph

LONGEST_TAG = 40
#: A user's tags are a list to choose from, on every page of the history.
MOST_TAGS = 100
TOO_MANY_TAGS = format_lazy(
    _("You have {most} tags already, which is the most. Take one off all its X-rays first."), most=MOST_TAGS
)


class TagQuerySet(models.QuerySet["Tag"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(owner=user)

    def unused(self) -> Self:
        uses = Tag.radiographs.through.objects.filter(tag=models.OuterRef("pk"))
        return self.exclude(models.Exists(uses))


class Tag(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=LONGEST_TAG)
    radiographs = models.ManyToManyField("diagnosis.Radiograph", related_name="tags")

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="one_tag_of_a_name")]

    def __str__(self) -> str:
        return self.name


class TooManyTags(Exception):
    """The user has as many tags as there may be."""


def tag(owner: Any, radiographs: Collection[Radiograph], name: str) -> Tag:
    """File the radiographs under the tag, which is made where it is new, whatever its case. Raises TooManyTags."""
    with transaction.atomic():
        found = Tag.objects.owned_by(owner).filter(name__iexact=name).first()
        if not found:
            drop_unused(owner)
            if Tag.objects.owned_by(owner).count() >= MOST_TAGS:
                raise TooManyTags
            found = Tag.objects.create(owner=owner, name=name)
        found.radiographs.add(*radiographs)
        record_each(Verb.CHANGED, Kind.RADIOGRAPH, [each.pk for each in radiographs], details="tagged")
    return found


def untag(owner: Any, radiographs: Collection[Radiograph], name: str) -> None:
    with transaction.atomic():
        for found in Tag.objects.owned_by(owner).filter(name__iexact=name):
            found.radiographs.remove(*radiographs)
        drop_unused(owner)
        record_each(Verb.CHANGED, Kind.RADIOGRAPH, [each.pk for each in radiographs], details="tag taken off")


def drop_unused(owner: Any) -> None:
    """Forget the tags that are on no radiograph any more."""
    Tag.objects.owned_by(owner).unused().delete()
