"""How two versions' labels agree with what readers say of the same radiographs."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from diagnosis.engine.comparison import mcnemar
from diagnosis.reviewing.following import majority
from diagnosis.reviewing.models import Review


@dataclass(frozen=True)
class ReaderAgreement:
    """On how many read radiographs both versions, one of them or none says what the readers say."""

    both: int
    only_active: int
    only_silent: int
    neither: int
    #: Of McNemar's exact test; small where one of them is right more often than by chance.
    p: float

    @property
    def radiographs(self) -> int:
        return self.both + self.only_active + self.only_silent + self.neither


def labels_of_readers(radiographs: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the label that most readers of each radiograph give, where there is one."""
    votes = {label: Count("pk", filter=Q(label=label)) for label in (Review.Label.PNEUMONIA, Review.Label.NORMAL)}
    given = Review.objects.current().filter(radiograph__in=radiographs).order_by().values("radiograph")
    said = given.annotate(said=majority(*votes.values())).exclude(said="")
    return dict(said.values_list("radiograph", "said"))


def against_readers(said: Mapping[uuid.UUID, tuple[str, str]]) -> ReaderAgreement | None:
    """Hold both versions' labels, the active one's first, against the readers'. None where no reader was there."""
    truth = labels_of_readers(said.keys())
    right = [(active == truth[pk], silent == truth[pk]) for pk, (active, silent) in said.items() if pk in truth]
    if not right:
        return None
    counts = Counter(right)
    p = mcnemar([int(silent) - int(active) for active, silent in right])
    return ReaderAgreement(counts[True, True], counts[True, False], counts[False, True], counts[False, False], p)
