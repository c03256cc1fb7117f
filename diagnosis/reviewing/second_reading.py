"""What the result page shows of the second readers, and what a list of radiographs to read holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext as _

from diagnosis.reviewing.models import Review
from diagnosis.reviewing.recording import VerdictForm

if TYPE_CHECKING:
    from diagnosis.models import Radiograph
    from diagnosis.querysets import RadiographQuerySet

#: A page shows so many verdicts, corrected ones included.
MOST_SHOWN = 100


def second_reading(request: HttpRequest, radiograph: Radiograph, form: VerdictForm | None = None) -> dict[str, Any]:
    """Return what the card of the second readers needs. Others' verdicts are hidden as long as the answer is."""
    reviews = radiograph.reviews.select_related("reader")
    if radiograph.is_hidden:
        reviews = reviews.by(request.user)
    shown = list(reviews[:MOST_SHOWN])
    own = next((review for review in shown if review.current and review.reader_id == request.user.pk), None)
    return {
        "review_form": form or VerdictForm(auto_id="review-%s", initial={"comment": own.comment if own else ""}),
        "own_review": own,
        "reviews": [review for review in shown if review.current],
        "corrected": [review for review in shown if not review.current],
        "consensus": consensus_words(review.label for review in shown if review.current),
        "verdicts": verdicts_of("" if radiograph.is_hidden else radiograph.label, own),
    }


def verdicts_of(network: str, own: Review | None) -> list[dict[str, Any]]:
    """Return the buttons, always in the same order: a hand that reads many must find them blindly."""
    return [
        {
            "value": value,
            "words": words,
            "key": key,
            "agrees": value == network,
            "corrects": bool(network) and value != network and value != Review.Label.UNCLEAR,
            "is_own": own is not None and own.label == value,
        }
        for key, (value, words) in enumerate(Review.Label.choices, 1)
    ]


def consensus_words(labels: Iterable[str]) -> str:
    """Say in words what several readers hold together; nothing of one reader alone."""
    votes = Counter(labels)
    count = votes.total()
    if count < 2:
        return ""
    sick, healthy = votes[Review.Label.PNEUMONIA], votes[Review.Label.NORMAL]
    if sick == healthy:
        return _("The readers do not agree: %(sick)d say pneumonia, %(healthy)d normal.") % {
            "sick": sick,
            "healthy": healthy,
        }
    label, most = max(((Review.Label.PNEUMONIA, sick), (Review.Label.NORMAL, healthy)), key=lambda each: each[1])
    facts = {"most": most, "count": count, "label": label.label}
    if most == count:
        return _("All %(count)d readers say: %(label)s.") % facts
    return _("%(most)d of %(count)d readers say: %(label)s.") % facts


def unread_by(user: Any) -> tuple[RadiographQuerySet, ...]:
    """Return what the network has answered, the user may look at and has not given a verdict on.

    One's own, and what others share with each of one's groups: each part is read off an index of its own.
    """
    from diagnosis.models import Radiograph, ReadingGroup

    rows = Radiograph.objects.all()
    groups = ReadingGroup.objects.of(user).values_list("pk", flat=True)
    visible = [rows.owned_by(user), *(rows.in_group(pk).exclude(owner=user) for pk in groups)]
    return tuple(_unread(part, user) for part in visible)


def count_unread_by(user: Any, most: int) -> int:
    """Count them all in one query, no further than ``most``."""
    from diagnosis.models import Radiograph

    return _unread(Radiograph.objects.visible_to(user), user).order_by()[:most].count()


def _unread(radiographs: RadiographQuerySet, user: Any) -> RadiographQuerySet:
    mine = Review.objects.by(user).filter(radiograph=OuterRef("pk"))
    return radiographs.filter(outcome="succeeded").exclude(file="").exclude(Exists(mine))
