"""What differs between two predictions on the same radiograph, in words."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from diagnosis.models import Prediction
from diagnosis.templatetags.predictions import percent

#: A difference of probabilities below half a percentage point is not seen in what a page writes.
UNSEEN = 0.005


def changes_between(earlier: Prediction, later: Prediction) -> list[str]:
    """Return sentences, the weightiest first; there is always one."""
    if earlier.status == later.status == Prediction.Status.SUCCEEDED:
        return [*_of_answers(earlier, later)]
    if earlier.status == later.status:
        same = earlier.reason == later.reason
        return [_("Neither gave an answer, for the same reason.") if same else _("Neither gave an answer.")]
    if later.status == Prediction.Status.SUCCEEDED:
        return [_("Only the later one gave an answer.")]
    if earlier.status == Prediction.Status.SUCCEEDED:
        return [_("Only the earlier one gave an answer.")]
    return [_("Neither gave an answer, but for different reasons.")]


def _of_answers(earlier: Prediction, later: Prediction) -> Iterator[str]:
    if earlier.label != later.label:
        words = {"before": earlier.label, "now": later.label}
        yield _("The label is %(now)s instead of %(before)s.") % words
    if earlier.band != later.band:
        words = {"before": band_words(earlier.band), "now": band_words(later.band)}
        yield _("The outcome is “%(now)s” instead of “%(before)s”.") % words
    yield _of_probabilities(earlier.probability or 0.0, later.probability or 0.0)
    if earlier.threshold != later.threshold:
        words = {"before": percent(earlier.threshold or 0.0), "now": percent(later.threshold or 0.0)}
        yield _("The threshold is %(now)s instead of %(before)s: each version has its own.") % words
    if earlier.model_version_id == later.model_version_id:
        yield _("Both are by the same version of the model.")


def _of_probabilities(before: float, now: float) -> str:
    words = {"before": percent(before), "now": percent(now), "points": f"{abs(now - before) * 100:.0f}"}
    if abs(now - before) < UNSEEN:
        return _("The probability of pneumonia is the same, %(now)s.") % words
    if now > before:
        sentence = _("The probability of pneumonia is %(points)s percentage points higher, %(now)s, not %(before)s.")
    else:
        sentence = _("The probability of pneumonia is %(points)s percentage points lower, %(now)s, not %(before)s.")
    return sentence % words


def band_words(band: str) -> str:
    return {
        "likely": _("Pneumonia likely"),
        "unlikely": _("Pneumonia unlikely"),
        "uncertain": _("Uncertain"),
    }.get(band, band)
