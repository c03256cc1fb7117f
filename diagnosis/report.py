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
from django.utils.translation import gettext as _

from diagnosis.heatmap import heatmap_png, why_no_heatmap
from diagnosis.meaning import probability_where_rarer
from diagnosis.models import Prediction, Radiograph
from diagnosis.parcel import Parcel
from diagnosis.picture import picture_bytes
from diagnosis.reviewing.second_reading import consensus_words
from diagnosis.templatetags.predictions import duration, label_words, percent

logger = logging.getLogger(__name__)

#: The most that one zip holds: two pages of the history.
MOST_REPORTS = 48
NONE_UNFINISHED = "There is no report yet: the image has not been read so far."
NONE_FAILED = "There is no report: the image could not be read."
KNOWS_CHILDREN = (
    "The network learned from children of one to five years in one hospital. On adults of another it has hardly "
    "done better than chance. "
)
SECONDS = 30
#: So many readers' verdicts are on the page.
MOST_READERS = 20
#: Reports that are made at once; each takes a core and some 150 MB while it is made.
_presses = threading.BoundedSemaphore(2)


def has_report(prediction: Prediction) -> bool:
    """Whether a worker has decoded the image: no other one is decoded for a report."""
    return prediction.status in (Prediction.Status.SUCCEEDED, Prediction.Status.REFUSED)


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
                archive.writestr(f"{name}.txt", "This report could not be made. Ask for it again, by itself.\n")
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
        "warnings": [caution.detail for caution in radiograph.warnings],
        "why_no_heatmap": why_no_heatmap(prediction),
        "heatmap": base64.b64encode(heat).decode() if heat else "",
        "made": _moment(timezone.now()),
    }


def _heading(prediction: Prediction) -> str:
    if prediction.probability is None:
        return "This image was not read"
    said = "Uncertain" if prediction.band == "uncertain" else f"Pneumonia {prediction.band}"
    return f"{said}, {percent(prediction.probability)}"


def _lead(prediction: Prediction) -> str:
    if prediction.probability is None or prediction.threshold is None:
        return prediction.reason
    side = "at or above" if prediction.probability >= prediction.threshold else "below"
    return (
        f"The network gives this X-ray a probability of pneumonia of {percent(prediction.probability)}, {side} its "
        f"threshold of {percent(prediction.threshold)}."
    )


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
    return {**shares, "words": {name: percent(share) for name, share in shares.items()}}


def _rows(prediction: Prediction) -> list[tuple[str, str]]:
    radiograph, version = prediction.radiograph, prediction.model_version
    queued, started, finished = prediction.queued_at, prediction.started_at, prediction.finished_at
    rows = [
        ("File", radiograph.filename),
        ("Image", f"{radiograph.format}, {radiograph.width} × {radiograph.height} pixels"),
        ("SHA-256", radiograph.sha256),
        ("Uploaded", f"{_moment(radiograph.created)}, by {radiograph.owner.get_username()}"),
        ("Model", version.version if version else "–"),
    ]
    if prediction.label:
        rows.insert(0, ("Label", label_words(prediction)))
    if readers := _readers(radiograph):
        rows.insert(1 if prediction.label else 0, (_("Readers"), readers))
    if started and finished:
        took = f"waited {duration(started - queued)}, read in {duration(finished - started)}"
        rows.append(("Read", f"{_moment(finished)}; {took}"))
    return rows


def _readers(radiograph: Radiograph) -> str:
    """Say what people hold of it; empty where nobody has given a verdict."""
    reviews = list(radiograph.reviews.current().select_related("reader").order_by("created")[:MOST_READERS])
    each = ", ".join(f"{review.reader_name}: {review.get_label_display()}" for review in reviews)
    return " ".join(filter(None, [consensus_words(review.label for review in reviews), each]))


def _meaning(prediction: Prediction) -> str:
    rarer = probability_where_rarer(prediction.probability)
    if rarer is None:
        return "Pictures that the network must not judge are turned away. This says nothing about the patient."
    source = prediction.model_version.card.get("data", {}).get("source", "") if prediction.model_version else ""
    return (
        f"{KNOWS_CHILDREN if 'Kermany' in source else ''}"
        "The probability is stated as if every second patient had pneumonia. Where one in ten has it, the same image "
        f"stands for {percent(rarer)}. The network knows pneumonia alone: other findings are not looked for, and a "
        "low figure excludes nothing."
    )


def _moment(moment: Any) -> str:
    return f"{date_format(timezone.localtime(moment), 'j F Y, H:i')} ({settings.TIME_ZONE})"
