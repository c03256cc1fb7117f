"""How the numbers of a prediction are written on a page."""

from __future__ import annotations

from datetime import timedelta

from django.template import Library

from diagnosis.models import Prediction, Radiograph
from diagnosis.picture import thumbnail_url
from diagnosis.waiting import Wait

register = Library()
SPACE = "\N{NO-BREAK SPACE}"


@register.filter
def percent(share: float) -> str:
    """Write 0.94 as 94 %. No network is certain, so what would round to 0 or 100 says so."""
    if share < 0.01:
        return f"under{SPACE}1{SPACE}%"
    if share > 0.99:
        return f"over{SPACE}99{SPACE}%"
    return f"{share * 100:.0f}{SPACE}%"


@register.filter
def thumbnail(radiograph: Radiograph) -> str | None:
    return thumbnail_url(radiograph)


@register.filter
def position(share: float) -> str:
    """Return where on the scale a share lies, as a length that SVG takes."""
    return f"{share * 100:.2f}%"


@register.filter
def less(share: float, other: float) -> float:
    return share - other


@register.filter
def duration(time: timedelta | None) -> str:
    """Write a span as people would say it: 0.03 s, 4 s, 12 min, 3 h."""
    if time is None:
        return "–"
    seconds = time.total_seconds()
    if seconds < 10:
        return f"{seconds:.2f}{SPACE}s"
    if seconds < 120:
        return f"{seconds:.0f}{SPACE}s"
    return f"{seconds / 60:.0f}{SPACE}min" if seconds < 7200 else f"{seconds / 3600:.0f}{SPACE}h"


@register.filter
def words_for(waits: dict[int, Wait] | None, prediction: Prediction) -> str:
    """Say of a prediction that is not final how it stands, as far as that was found out."""
    if waits and (wait := waits.get(prediction.pk)):
        return wait.words
    return "Being read" if prediction.status == Prediction.Status.RUNNING else "Waiting"
