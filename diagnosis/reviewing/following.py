"""What a radiograph keeps of its reviews, so that lists are filtered by an index."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, CharField, Count, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, IsNull, LessThan

from diagnosis.history.listed import Reading
from diagnosis.reviewing.models import Review, ReviewQuerySet

Label = Review.Label


def votes(label: str, reviews: ReviewQuerySet, radiograph: str = "pk") -> Coalesce:
    """Count those of ``reviews`` that give the radiograph this label; ``radiograph`` is what the query calls it."""
    given = reviews.filter(radiograph=OuterRef(radiograph), label=label).order_by().values("radiograph")
    return Coalesce(Subquery(given.annotate(votes=Count("pk")).values("votes"), output_field=IntegerField()), Value(0))


def majority(sick: Combinable, healthy: Combinable) -> Case:
    """Return the label that most readers give; empty where as many say the one as the other, or none says either."""
    return Case(
        When(GreaterThan(sick, healthy), then=Value(Label.PNEUMONIA.value)),
        When(LessThan(sick, healthy), then=Value(Label.NORMAL.value)),
        default=Value(""),
        output_field=CharField(),
    )


def follow_reviews(radiographs: Any) -> None:
    """Write down how the readers' majority stands to the network's newest label, which is written down already."""
    current = Review.objects.current()
    newest = Subquery(current.filter(radiograph=OuterRef("pk")).order_by("-created", "-pk").values("created")[:1])
    said = majority(votes(Label.PNEUMONIA, current), votes(Label.NORMAL, current))
    reading = Case(
        When(IsNull(newest, True), then=Value("")),
        When(Exact(said, Value("")), then=Value(Reading.OPEN.value)),
        When(Q(label=""), then=Value(Reading.OPEN.value)),
        When(Exact(said, F("label")), then=Value(Reading.AGREES.value)),
        default=Value(Reading.DIFFERS.value),
        output_field=CharField(),
    )
    radiographs.update(reading=reading, reviewed=newest)
