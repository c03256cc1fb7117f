"""What a probability means to a reader."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: What the bands of a probability are called.
BANDS = {
    "likely": _("Pneumonia likely"),
    "uncertain": _("Uncertain"),
    "unlikely": _("Pneumonia unlikely"),
}

#: A share of patients with pneumonia that is nearer to practice than the half that probabilities are stated for.
RARER = 0.1


def probability_where_rarer(probability: float | None) -> float | None:
    """Return what becomes of ``probability``, stated for even odds, where one patient in ten has pneumonia (Bayes)."""
    if probability is None:
        return None
    with_it, without_it = probability * RARER, (1 - probability) * (1 - RARER)
    return with_it / (with_it + without_it)
