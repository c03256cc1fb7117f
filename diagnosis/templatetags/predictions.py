"""How the numbers of a prediction are written on a page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.template import Library
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from diagnosis.engine.curves import Chart
from diagnosis.engine.suitability import Caution
from diagnosis.meaning import BANDS
from diagnosis.models import Prediction, Radiograph
from diagnosis.picture import thumbnail_url
from diagnosis.translation import decimal, enumerated, translated
from diagnosis.waiting import Wait

register = Library()
register.filter(decimal)
register.filter(enumerated)
register.filter(translated)
SPACE = "\N{NO-BREAK SPACE}"
#: Defined terms of modality and view position (PS3.3, C.7.3.1 and C.8.1.3).
DICOM_TERMS = {
    "CR": gettext_lazy("computed radiography"),
    "DX": gettext_lazy("digital radiography"),
    "DR": gettext_lazy("digital radiography"),
    "CT": gettext_lazy("computed tomography"),
    "MR": gettext_lazy("magnetic resonance"),
    "AP": gettext_lazy("from the front to the back"),
    "PA": gettext_lazy("from the back to the front"),
    "LL": gettext_lazy("lateral"),
    "RL": gettext_lazy("lateral"),
}


@register.filter
def percent(share: float) -> str:
    """Write 0.94 as 94 %. No network is certain, so what would round to 0 or 100 says so."""
    if share < 0.01:
        return _("under\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}%")
    if share > 0.99:
        return _("over\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%")
    return f"{share * 100:.0f}{SPACE}%"


@register.filter
def thumbnail(radiograph: Radiograph) -> str | None:
    return thumbnail_url(radiograph)


@register.filter
def cells(numbers: Iterable[int]) -> SafeString:
    """Write the numbers of a row of a table: one look-up in place of one for each of many."""
    return format_html_join("", '<td class="number">{}</td>', ((number,) for number in numbers))


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
        return f"{decimal(f'{seconds:.2f}')}{SPACE}s"
    if seconds < 120:
        return f"{seconds:.0f}{SPACE}s"
    return f"{seconds / 60:.0f}{SPACE}min" if seconds < 7200 else f"{seconds / 3600:.0f}{SPACE}h"


@register.filter
def outcome_words(prediction: Prediction) -> str:
    """Name the band that the probability is in."""
    return str(BANDS.get(prediction.band, ""))


@register.filter
def label_words(prediction: Prediction) -> str:
    """Give the label, but where the answer is uncertain not as if it were one."""
    if prediction.band == "uncertain":
        return _("none, as it is uncertain; by the threshold alone {label}").format(label=prediction.label)
    return prediction.label


@register.filter
def action_words(prediction: Prediction) -> str:
    """Say what one sees when one opens a radiograph."""
    has_reason = prediction.status in (Prediction.Status.REFUSED, Prediction.Status.FAILED)
    return _("See why") if has_reason else _("See result")


@register.filter
def age_words(years: float) -> str:
    """Write an age as a clinician would: in months below two years."""
    if years >= 2:
        return ngettext("{number} year", "{number} years", round(years)).format(number=round(years))
    months = round(years * 12)
    if not months:
        return _("under 1 year")
    return ngettext("{number} month", "{number} months", months).format(number=months)


@register.filter
def dicom_words(code: str) -> str:
    """Say what a term of the DICOM standard means, after the term itself; others stay as they are."""
    return f"{code} ({meaning})" if (meaning := DICOM_TERMS.get(code)) else code


@register.filter
def brief(caution: Caution) -> str:
    """Name a caution in the few words that fit into a row."""
    return {"adult": _("an adult"), "not_frontal": _("not a frontal view")}.get(caution.code, _("see result"))


@register.filter
def words_for(waits: dict[int, Wait] | None, prediction: Prediction) -> str:
    """Say of a prediction that is not final how it stands, as far as that was found out."""
    if waits and (wait := waits.get(prediction.pk)):
        return wait.words
    return _("Being read") if prediction.status == Prediction.Status.RUNNING else _("Waiting")


@register.filter
def training_words(card: dict[str, Any]) -> str:
    """Say how long a version was trained, on what, and in how many epochs, as far as its card tells."""
    training = card.get("training", {})
    minutes, epochs = round(training["minutes"]), len(training.get("epochs", []))
    parts = [ngettext("It took {number} minute", "It took {number} minutes", minutes).format(number=minutes)]
    if accelerator := training.get("accelerator"):
        parts.append(_("on the {accelerator}").format(accelerator=accelerator.upper()))
    words = " ".join(parts)
    if epochs:
        words += ", " + ngettext("{number} epoch", "{number} epochs", epochs).format(number=epochs)
    return f"{words}."


@register.filter
def curve_words(chart: Chart) -> str:
    """Say what the curves of a chart end at, for those who do not see it."""
    ends = ", ".join(f"{translated(line.name)} {decimal(f'{line.last:.4g}')}" for line in chart.lines)
    words = _("{title} after epoch {epochs}: {ends}")
    return words.format(title=translated(chart.title), epochs=chart.epochs, ends=ends)
