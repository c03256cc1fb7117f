"""The one door through which verdicts come in, from the pages and from the API alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from diagnosis.audit import recording as audit
from diagnosis.audit.models import Kind, Verb
from diagnosis.reviewing.blinding import newest_answer, was_shown
from diagnosis.reviewing.following import follow_reviews
from diagnosis.reviewing.models import LONGEST_COMMENT, Review

if TYPE_CHECKING:
    from diagnosis.models import Radiograph

#: Corrections are kept for ever, so there is an end to them.
MOST_REVIEWS = 50
TOO_MANY_REVIEWS = _("You have corrected your verdict on this X-ray so often that no more is taken.")
NO_LABEL = _("Choose one of these labels: NORMAL, PNEUMONIA, UNCLEAR.")
TOO_LONG = _("A comment has at most %(limit_value)d characters; this one has %(show_value)d. Shorten it.")


class VerdictForm(forms.Form):
    """A verdict, as page and API take it."""

    label = forms.ChoiceField(
        choices=Review.Label.choices, error_messages={"required": NO_LABEL, "invalid_choice": NO_LABEL}
    )
    comment = forms.CharField(
        max_length=LONGEST_COMMENT,
        required=False,
        error_messages={"max_length": TOO_LONG},
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TooManyReviews(Exception):
    """The reader has corrected the verdict more often than is kept."""


def record(radiograph: Radiograph, reader: Any, label: str, comment: str = "") -> Review:
    """Store a verdict, which takes the place of the reader's earlier one; the same one again changes nothing.

    Raises TooManyReviews, or Http404 where the radiograph was deleted meanwhile.
    """
    from diagnosis.models import Radiograph

    with transaction.atomic():
        # Locked: of two verdicts of one reader at once, the later one must find the earlier one.
        row = Radiograph.objects.select_for_update().filter(pk=radiograph.pk)
        if not (locked := row.first()):
            raise Http404
        own = Review.objects.by(reader).filter(radiograph=locked)
        now = own.current().first()
        if now and (now.label, now.comment) == (label, comment):
            return now
        if now and own.count() >= MOST_REVIEWS:
            raise TooManyReviews
        blinded = not was_shown(reader, locked)
        own.current().update(current=False)
        review = Review.objects.create(
            radiograph=locked,
            reader=reader,
            label=label,
            comment=comment,
            blinded=blinded,
            prediction=newest_answer(locked),
        )
        follow_reviews(row)
        audit.record(Verb.REVIEWED, Kind.RADIOGRAPH, locked.pk, details=label)
    return review
