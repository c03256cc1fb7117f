"""The report on a prediction: one page as PDF. A process of its own decodes the image and sets the page."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from diagnosis.heatmap import heatmap_png, why_no_heatmap
from diagnosis.meaning import probability_where_rarer
from diagnosis.models import Prediction, Radiograph
from diagnosis.parcel import Parcel
from diagnosis.picture import picture_bytes
from diagnosis.reviewing.second_reading import consensus_words
from diagnosis.templatetags.predictions import duration, label_words, outcome_words, percent
from diagnosis.translation import translated

logger = logging.getLogger(__name__)

#: The most that one zip holds: two pages of the history.
MOST_REPORTS = 48
NONE_UNFINISHED = gettext_lazy("There is no report yet: the image has not been read so far.")
NONE_FAILED = gettext_lazy("There is no report: the image could not be read.")
KNOWS_CHILDREN = gettext_lazy(
    "The network learned from children of one to five years in one hospital. On adults of another it has hardly "
    "done better than chance."
)
#: What the template says by itself.
WORDS = {
    "no_diagnosis": gettext_lazy("Not a diagnosis and not a medical device."),
    "footer": gettext_lazy(
        "A neural network says how likely it finds pneumonia on one image. It can be wrong. "
        "Whoever is responsible for the patient must look at the image."
    ),
    "radiograph": gettext_lazy("The X-ray"),
    "radiograph_alt": gettext_lazy("The uploaded X-ray"),
    "heat": gettext_lazy("The heat map over it"),
    "heat_alt": gettext_lazy("The same X-ray under the heat map"),
    "no_picture": gettext_lazy("The file of this X-ray is gone or cannot be decoded, so it is not shown."),
    "weak": gettext_lazy("weak"),
    "strong": gettext_lazy("strong"),
    "colour": gettext_lazy(
        "Colour marks what speaks for pneumonia, on the same scale for every image: from even odds to 22,000 to 1. "
        "It is coarse, and at the edges of the picture it may mean nothing."
    ),
    "meaning": gettext_lazy("What this means"),
    "facts": gettext_lazy("Facts"),
    "keyword_radiograph": gettext_lazy("chest X-ray"),
    "keyword_pneumonia": gettext_lazy("pneumonia"),
}
SECONDS = 30
#: So many readers' verdicts are on the page.
MOST_READERS = 20
#: Reports that are made at once; each takes a core and some 150 MB while it is made.
_presses = threading.BoundedSemaphore(2)


def has_report(prediction: Prediction) -> bool:
    """Whether a worker has decoded the image: no other one is decoded for a report. It goes with the image."""
    is_answered = prediction.status in (Prediction.Status.SUCCEEDED, Prediction.Status.REFUSED)
    return is_answered and prediction.radiograph.has_image


def report_name(prediction: Prediction) -> str:
    return f"{PurePath(prediction.radiograph.filename).stem or 'radiograph'} – PneumoDetect.pdf"


def report_pdf(prediction: Prediction) -> bytes:
    """Return the page. Raises subprocess.SubprocessError where it cannot be made."""
    try:
        image = picture_bytes(prediction.radiograph)
    except FileNotFoundError:
        image = b""
    head = json.dumps(_facts(prediction)).encode()
    with _presses:
        done = subprocess.run(
            [sys.executable, "-m", "diagnosis.report_process"],
            cwd=Path(__file__).parent.parent,
            input=head + b"\n" + image,
            stdout=subprocess.PIPE,  # what it says on stderr belongs into the server's log
            timeout=SECONDS,
            check=True,
        )
    return done.stdout


def zip_of_reports(predictions: Sequence[Prediction]) -> Iterator[bytes]:
    """Make one report after the other, and hand it on at once."""
    parcel, names = Parcel(), set[str]()
    with zipfile.ZipFile(parcel, "w") as archive:
        for prediction in predictions:
            name = _unused_name(report_name(prediction), names)
            try:
                archive.writestr(name, report_pdf(prediction))
            except subprocess.SubprocessError:
                logger.exception("The report on prediction %s could not be made.", prediction.pk)
                archive.writestr(
                    f"{name}.txt", _("This report could not be made. Ask for it again, by itself.") + "\n"
                )
            yield parcel.take()
    yield parcel.take()


def _unused_name(name: str, used: set[str]) -> str:
    path, number = PurePath(name), 1
    while name.lower() in used:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    used.add(name.lower())
    return name


def _facts(prediction: Prediction) -> dict[str, Any]:
    """Return what the template ``report.typ`` sets, and the heat map."""
    radiograph, heat = prediction.radiograph, heatmap_png(prediction)
    return {
        "heading": _heading(prediction),
        "lead": _lead(prediction),
        "outcome": prediction.band or "refused",
        "scale": _scale(prediction),
        "rows": _rows(prediction),
        "meaning": _meaning(prediction),
        "warnings": [translated(caution.detail) for caution in radiograph.warnings],
        "why_no_heatmap": why_no_heatmap(prediction),
        "heatmap": base64.b64encode(heat).decode() if heat else "",
        "made": _("Report made {moment}").format(moment=_moment(timezone.now())),
        "words": {name: str(words) for name, words in WORDS.items()},
        "language": (get_language() or settings.LANGUAGE_CODE).split("-")[0],
    }


def _heading(prediction: Prediction) -> str:
    if prediction.probability is None:
        return _("This image was not read")
    return f"{outcome_words(prediction)}, {percent(prediction.probability)}"


def _lead(prediction: Prediction) -> str:
    if prediction.probability is None or prediction.threshold is None:
        return prediction.explanation
    if prediction.probability >= prediction.threshold:
        words = _(
            "The network gives this X-ray a probability of pneumonia of {probability}, at or above its threshold of "
            "{threshold}."
        )
    else:
        words = _(
            "The network gives this X-ray a probability of pneumonia of {probability}, below its threshold of "
            "{threshold}."
        )
    return words.format(probability=percent(prediction.probability), threshold=percent(prediction.threshold))


def _scale(prediction: Prediction) -> dict[str, Any] | None:
    if prediction.probability is None or prediction.threshold is None or prediction.model_version is None:
        return None
    card = prediction.model_version.card
    shares = {
        "probability": prediction.probability,
        "threshold": prediction.threshold,
        "low": card["band_low"],
        "high": card["band_high"],
    }
    said = {name: percent(share) for name, share in shares.items()}
    words = {
        "threshold": _("threshold {threshold}"),
        "band": _("uncertain from {low} to {high}"),
        "alt": _(
            "Scale from 0 to 100 %: probability {probability}, threshold {threshold}, uncertain from {low} to {high}"
        ),
    }
    return {**shares, "words": {name: sentence.format(**said) for name, sentence in words.items()}}


def _rows(prediction: Prediction) -> list[tuple[str, str]]:
    radiograph, version = prediction.radiograph, prediction.model_version
    queued, started, finished = prediction.queued_at, prediction.started_at, prediction.finished_at
    uploaded = _moment(radiograph.created)
    rows = [
        (_("File"), radiograph.filename),
        (_("Image"), _("{format}, {width} × {height} pixels").format(**_size(radiograph))),
        ("SHA-256", radiograph.sha256),
        (_("Uploaded"), _("{moment}, by {name}").format(moment=uploaded, name=radiograph.owner.get_username())),
        (_("Model"), version.version if version else "–"),
    ]
    if prediction.label:
        rows.insert(0, (_("Label"), label_words(prediction)))
    if readers := _readers(radiograph):
        rows.insert(1 if prediction.label else 0, (_("Readers"), readers))
    if started and finished:
        took = _("waited {waited}, read in {ran}")
        took = took.format(waited=duration(started - queued), ran=duration(finished - started))
        rows.append((pgettext("when", "Read"), f"{_moment(finished)}; {took}"))
    return rows


def _size(radiograph: Radiograph) -> dict[str, Any]:
    return {"format": radiograph.format, "width": radiograph.width, "height": radiograph.height}


def _readers(radiograph: Radiograph) -> str:
    """Say what people hold of it; empty where nobody has given a verdict."""
    reviews = list(radiograph.reviews.current().select_related("reader").order_by("created")[:MOST_READERS])
    each = ", ".join(f"{review.reader_name}: {review.get_label_display()}" for review in reviews)
    return " ".join(filter(None, [consensus_words(review.label for review in reviews), each]))


def _meaning(prediction: Prediction) -> str:
    rarer = probability_where_rarer(prediction.probability)
    if rarer is None:
        return _("Pictures that the network must not judge are turned away. This says nothing about the patient.")
    source = prediction.model_version.card.get("data", {}).get("source", "") if prediction.model_version else ""
    meaning = _(
        "The probability is stated as if every second patient had pneumonia. Where one in ten has it, the same image "
        "stands for {share}. The network knows pneumonia alone: other findings are not looked for, and a low figure "
        "excludes nothing."
    ).format(share=percent(rarer))
    return f"{KNOWS_CHILDREN} {meaning}" if "Kermany" in source else meaning


def _moment(moment: Any) -> str:
    return f"{date_format(timezone.localtime(moment), 'DATETIME_FORMAT')} ({settings.TIME_ZONE})"
