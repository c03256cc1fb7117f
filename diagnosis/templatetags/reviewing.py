"""How figures of agreement and drift are written on a page."""

from __future__ import annotations

from math import isfinite
from typing import Any

from django.template import Library
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from diagnosis.engine.figures import Figure
from diagnosis.reviewing.drift import words_of

register = Library()


def _rounded(number: float, digits: int) -> str:
    return number_format(round(number, digits), digits)  # which by itself cuts the further digits off


def _unbroken(words: str) -> str:
    """Let a line end before an interval, and not within."""
    value, bracket, interval = words.partition("(")
    return value + bracket + interval.replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def share_words(figure: Figure) -> str:
    """Write a share and its interval in percent."""
    if not isfinite(figure.value):
        return "–"
    value, low, high = (_rounded(100 * each, 1) for each in (figure.value, figure.low, figure.high))
    return _unbroken(_("%(value)s %% (%(low)s to %(high)s)") % {"value": value, "low": low, "high": high})


@register.filter
def card_words(figure: dict[str, Any]) -> str:
    """Write a figure of a card as a share."""
    ends = [figure.get(name) for name in ("value", "low", "high")]
    return share_words(Figure(*(float("nan") if end is None else end for end in ends)))


@register.filter
def kappa_words(figure: Figure) -> str:
    if not isfinite(figure.value):
        return "–"
    value, low, high = (_rounded(each, 2) for each in (figure.value, figure.low, figure.high))
    return _unbroken(_("%(value)s (%(low)s to %(high)s)") % {"value": value, "low": low, "high": high})


@register.filter
def drift_words(finding: dict[str, Any]) -> str:
    words = words_of(finding["what"])
    return words[:1].upper() + words[1:]


@register.filter
def drift_measure(finding: dict[str, Any]) -> str:
    """Say what was measured: a share beside what was to be expected, or how far the parts have moved."""
    if "share" in finding:
        facts = {"share": finding["share"], "low": finding["expected"][0], "high": finding["expected"][1]}
        percents = {name: _rounded(100 * each, 1) for name, each in facts.items()}
        return _("%(share)s %%, where %(low)s to %(high)s %% were to be expected") % percents
    words = _("stability index %(index)s") % {"index": _rounded(finding["index"], 2)}
    if "distance" not in finding:
        return words
    sign = "<" if finding["p"] < 0.0001 else "="
    facts = {"distance": _rounded(finding["distance"], 2), "p": _rounded(max(finding["p"], 0.0001), 4), "sign": sign}
    return words + _("; Kolmogorov-Smirnov %(distance)s, p %(sign)s %(p)s") % facts
