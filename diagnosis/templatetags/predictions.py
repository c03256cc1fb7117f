"""How the numbers of a prediction are written on a page."""

from __future__ import annotations

from datetime import timedelta

from django.template import Library

from diagnosis.engine.suitability import Caution
from diagnosis.models import Prediction, Radiograph
from diagnosis.picture import thumbnail_url
from diagnosis.waiting import Wait

register = Library()
SPACE = "\N{NO-BREAK SPACE}"
#: Defined terms of modality and view position (PS3.3, C.7.3.1 and C.8.1.3).
DICOM_TERMS = {
    "CR": "computed radiography",
    "DX": "digital radiography",
    "DR": "digital radiography",
    "CT": "computed tomography",
    "MR": "magnetic resonance",
    "AP": "from the front to the back",
    "PA": "from the back to the front",
    "LL": "lateral",
    "RL": "lateral",
}


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
def label_words(prediction: Prediction) -> str:
    """Give the label, but where the answer is uncertain not as if it were one."""
    if prediction.band == "uncertain":
        return f"none, as it is uncertain; by the threshold alone {prediction.label}"
    return prediction.label


@register.filter
def action_words(prediction: Prediction) -> str:
    """Say what one sees when one opens a radiograph."""
    has_reason = prediction.status in (Prediction.Status.REFUSED, Prediction.Status.FAILED)
    return "See why" if has_reason else "See result"


@register.filter
def age_words(years: float) -> str:
    """Write an age as a clinician would: in months below two years."""
    if years >= 2:
        return f"{years:.0f} years"
    months = round(years * 12)
    return f"{months} month{'s' if months != 1 else ''}" if months else "under 1 year"


@register.filter
def dicom_words(code: str) -> str:
    """Say what a term of the DICOM standard means, after the term itself; others stay as they are."""
    return f"{code} ({meaning})" if (meaning := DICOM_TERMS.get(code)) else code


@register.filter
def brief(caution: Caution) -> str:
    """Name a caution in the few words that fit into a row."""
    return {"adult": "an adult", "not_frontal": "not a frontal view"}.get(caution.code, "see result")


@register.filter
def words_for(waits: dict[int, Wait] | None, prediction: Prediction) -> str:
    """Say of a prediction that is not final how it stands, as far as that was found out."""
    if waits and (wait := waits.get(prediction.pk)):
        return wait.words
    return "Being read" if prediction.status == Prediction.Status.RUNNING else "Waiting"
