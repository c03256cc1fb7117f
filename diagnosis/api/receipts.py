"""What became of the files of an upload, in a form that is kept until the upload is answered, and for its repeats."""

from __future__ import annotations

from typing import Any, TypedDict

from diagnosis.api.problems import problem_of, status_of
from diagnosis.submission import Receipt, Received
from diagnosis.translation import translated


class FileOutcome(TypedDict):
    name: str
    #: The id.
    radiograph: str | None
    problem: dict[str, Any] | None


class Outcome(TypedDict):
    files: list[FileOutcome]
    skipped: int


def outcome_of(receipt: Receipt) -> Outcome:
    return {"files": [_of_file(file) for file in receipt.files], "skipped": receipt.skipped}


def _of_file(file: Received) -> FileOutcome:
    return {
        "name": file.name,
        "radiograph": str(file.radiograph.pk) if file.radiograph else None,
        "problem": problem_of(status_of(file.problem), translated(file.problem.detail)) if file.problem else None,
    }


def ids_of(outcome: Outcome) -> list[str]:
    return [file["radiograph"] for file in outcome["files"] if file["radiograph"]]
