"""What tells two answers to the same image apart."""

from __future__ import annotations

from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """The graver ones first."""

    LABEL = "label", _("Another label")
    REFUSED = "refused", _("Only one answered")
    BAND = "band", _("Same label, another certainty")


class Answer(Protocol):
    """Either kind of prediction, once it is answered or refused."""

    status: str
    label: str
    band: str


def kind_of(one: Answer, other: Answer) -> str:
    """Return how two answers differ; empty where they agree, both refusing included."""
    if one.status != other.status:
        return Kind.REFUSED.value
    if one.label != other.label:
        return Kind.LABEL.value
    return Kind.BAND.value if one.band != other.band else ""
