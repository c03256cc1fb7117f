"""A list of radiographs as CSV for spreadsheets and as JSON for programs, sent while it is read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from django.db.models import Prefetch, prefetch_related_objects
from django.http import StreamingHttpResponse
from django.utils import timezone

from diagnosis.history.paging import Found, page_of
from diagnosis.models import Prediction, Radiograph, Review

Kind = Literal["csv", "json"]
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
#: Rows that are read at once.
CHUNK = 500
#: Spreadsheets take a cell that begins so for a formula, and run it (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _of_header(name: str) -> Callable[[Radiograph, Prediction], Any]:
    return lambda radiograph, _: radiograph.acquisition.get(name)


def _verdict(review: Review) -> str:
    comment = f" ({review.comment})" if review.comment else ""
    return f"{review.reader_name}: {review.label}{comment}"


COLUMNS: dict[str, Callable[[Radiograph, Prediction], Any]] = {
    "id": lambda radiograph, _: str(radiograph.pk),
    "filename": lambda radiograph, _: radiograph.filename,
    "created": lambda radiograph, _: radiograph.created,
    "source": lambda radiograph, _: radiograph.source or None,
    "format": lambda radiograph, _: radiograph.format,
    "width": lambda radiograph, _: radiograph.width,
    "height": lambda radiograph, _: radiograph.height,
    "sha256": lambda radiograph, _: radiograph.sha256,
    "tags": lambda radiograph, _: [tag.name for tag in radiograph.tags.all()],
    "status": lambda _, prediction: prediction.status,
    "label": lambda _, prediction: prediction.label or None,
    "probability": lambda _, prediction: prediction.probability,
    "threshold": lambda _, prediction: prediction.threshold,
    "band": lambda _, prediction: prediction.band or None,
    "reason_code": lambda _, prediction: prediction.reason_code or None,
    "reason": lambda _, prediction: prediction.reason or None,
    "model_version": lambda _, prediction: prediction.model_version and prediction.model_version.version,
    "queued_at": lambda _, prediction: prediction.queued_at,
    "started_at": lambda _, prediction: prediction.started_at,
    "finished_at": lambda _, prediction: prediction.finished_at,
    **{name: _of_header(name) for name in ("age", "sex", "view", "modality", "body_part", "manufacturer")},
    "reading": lambda radiograph, _: radiograph.reading or None,
    "reviewed_at": lambda radiograph, _: radiograph.reviewed,
    "reviews": lambda radiograph, _: [_verdict(review) for review in radiograph.reviews.all()],
    "image_removed_at": lambda radiograph, _: radiograph.image_removed_at,
    "warnings": lambda radiograph, _: [caution.code for caution in radiograph.warnings],
}


def export_response(found: Found, kind: str) -> StreamingHttpResponse:
    """Answer page and API alike."""
    pieces = _as_csv(_rows(found)) if kind == "csv" else _as_json(_rows(found))
    response = StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="PneumoDetect {timezone.localdate()}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def _rows(found: Found) -> Iterator[dict[str, Any]]:
    """Read page by page: nothing is held open or in memory for long, however many rows there are."""
    mark, verdicts = None, Review.objects.current().select_related("reader").order_by("created", "pk")
    while True:
        page = page_of(found, mark, CHUNK)
        prefetch_related_objects(page.radiographs, Prefetch("reviews", verdicts))
        for radiograph in page.radiographs:
            prediction = radiograph.prediction
            yield {name: column(radiograph, prediction) for name, column in COLUMNS.items()}
        if not (mark := page.after):
            return


class _Echo:
    def write(self, line: str) -> str:
        return line


def _as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\N{BYTE ORDER MARK}"  # without it, Excel takes UTF-8 for something else
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(map(_cell, row.values()))


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = "; ".join(value) if isinstance(value, list) else _plain(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) or text.startswith(FORMULA_STARTS) else text


def _as_json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Write an array, a row a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, default=_plain, ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
