"""Radiographs and results as lines to read, as CSV or as JSON, each as soon as it is known."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

from pneumodetect_client.records import Radiograph, Result

Form = Literal["text", "csv", "json"]

COLUMNS = (
    *("name", "id", "status", "label", "probability", "threshold", "band", "model_version"),
    *("reason", "problem"),
)
#: Spreadsheets take a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def row_of(result: Result) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row["name"] = result.name
    if result.problem:
        row["problem"] = result.problem.detail
    if radiograph := result.radiograph:
        prediction = radiograph.prediction
        reason = prediction.refusal or prediction.error
        row.update(id=radiograph.id, status=radiograph.status, reason=reason and reason.detail)
        row.update((name, getattr(prediction, name)) for name in COLUMNS[3:8])
    return row


def row_of_radiograph(radiograph: Radiograph) -> dict[str, Any]:
    return row_of(Result(radiograph.filename, radiograph))


def writer(form: Form, stream: TextIO = sys.stdout) -> Callable[[Mapping[str, Any]], None]:
    """Return what writes one row."""
    if form == "csv":
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        return lambda row: table.writerow({name: _cell(value) for name, value in row.items()})
    line: Callable[[Mapping[str, Any]], str] = json.dumps if form == "json" else _line
    return lambda row: print(line(row), file=stream, flush=True)


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _line(row: Mapping[str, Any]) -> str:
    said = row["problem"] or row["reason"] or row["status"]
    if row["probability"] is not None:
        said = f"{row['probability']:.3f}  {row['band']}  {row['label'] or ''}".rstrip()
    return f"{row['name']}  {row['id'] or '-'}  {said}"
