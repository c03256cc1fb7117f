"""Measures a published version on folders of labelled images: each by itself, never pooled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diagnosis.engine.answers import Report, ask, probabilities
from diagnosis.engine.classifier import Classifier
from diagnosis.engine.diagrams import draw_diagrams
from diagnosis.engine.errors import DatasetError
from diagnosis.engine.examples import Example
from diagnosis.engine.figures import figures
from diagnosis.engine.subgroups import facts_of, known, subgroups


def evaluate(
    classifier: Classifier,
    examples: Sequence[Example],
    prevalence: float,
    report: Report,
    pictures: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the figures over the answered images; the refused and the unreadable ones are counted beside them.

    ``pictures`` is given the diagrams, as SVG files by name.

    The intervals are drawn over patients, as far as the files' names tell them. Raises DatasetError where no image
    was answered.
    """
    read = ask([classifier], examples, report)
    answered = [answer for answer in read if not answer.refused]
    if not answered:
        raise DatasetError(f"None of the {len(examples)} images was answered, so there is nothing to measure.")
    card = classifier.card
    shown = [answer.example for answer in answered]
    labels, chances = [example.label for example in shown], probabilities(answered)
    patients = [example.patient for example in shown]
    measured = figures(labels, chances, card.threshold, groups=patients, prevalence=prevalence)
    if pictures is not None:
        pictures |= draw_diagrams(labels, chances, card.threshold, measured)
    return {
        "n": len(examples),
        **{name: known(figure.value) for name, figure in measured.items()},
        "prevalence": prevalence,
        "refused": len(read) - len(answered),
        "unreadable": len(examples) - len(read),
        "threshold": card.threshold,
        "model_version": card.version,
        "intervals": {name: [known(figure.low), known(figure.high)] for name, figure in measured.items()},
        "subgroups": subgroups(labels, chances, card.threshold, patients, facts_of(shown)),
    }


def lines(reports: dict[Path, dict[str, Any]]) -> list[str]:
    """Lay the reports side by side, a column for each folder, with the subgroups under the whole."""
    columns = [_column(report) for report in reports.values()]
    rows = {name: [column.get(name, "–") for column in columns] for column in columns for name in column}
    table = [["", *(str(path) for path in reports)], *([name, *cells] for name, cells in rows.items())]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def write_pictures(pictures: dict[Path, dict[str, str]], into: Path) -> list[Path]:
    """Write the diagrams of each data set into a folder of its own, and return these folders."""
    folders = [into / name for name in _names(list(pictures))]
    for folder, diagrams in zip(folders, pictures.values(), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        for name, drawn in diagrams.items():
            (folder / f"{name}.svg").write_text(drawn)
    return folders


def _names(folders: Sequence[Path]) -> list[str]:
    """Name each data set by as many of the last parts of its path as tell it from the others."""
    parts = [folder.resolve().parts[1:] for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["-".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{number}" for number in range(1, len(parts) + 1)]


def _column(report: dict[str, Any]) -> dict[str, str]:
    cells = _cells(report, skip=("intervals", "subgroups"))
    for fact, values in report["subgroups"].items():
        for value, part in values.items():
            cells |= {
                f"{fact} {value}: {name}": cell for name, cell in _cells(part, ("intervals", "negatives")).items()
            }
    return cells


def _cells(report: dict[str, Any], skip: Sequence[str]) -> dict[str, str]:
    cells = {}
    for name, value in report.items():
        low, high = report["intervals"].get(name, (None, None))
        if name in skip:
            continue
        if value is None:
            cells[name] = "–"
        elif low is None:
            cells[name] = f"{value:.4f}" if name in report["intervals"] else str(value)
        else:
            cells[name] = f"{value:.4f} ({low:.4f} to {high:.4f})"
    return cells
