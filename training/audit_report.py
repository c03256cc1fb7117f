"""An audit to read: as text and as an object for JSON. The picture is in :mod:`training.audit_picture`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.engine.examples import LABELS
from training.audit import Audit, Pair

#: So many file names or patients are written out in the text; JSON holds them all.
SHOWN = 10


def as_object(audit: Audit) -> dict[str, Any]:
    """Return what JSON needs: all that was found, the files by their path in the folder."""
    return {
        "folder": str(audit.folder),
        "images": len(audit.examples),
        "patients": len({example.patient for example in audit.examples}),
        "counts": counts(audit),
        "unreadable": [{"path": _name(audit, path), "error": error} for path, error in audit.unreadable],
        "missing": list(audit.missing),
        "identical": _names(audit, audit.identical),
        "nearly_identical": _names(audit, audit.alike),
        "same_image_with_both_labels": _names(audit, audit.contradictions),
        "same_image_across_splits": _names(audit, audit.images_across_splits),
        "patients_across_splits": audit.patients_across_splits,
        "patients_in_both_classes": audit.patients_in_both_classes,
        "sizes": sizes(audit),
        "encodings": dict(Counter(facts.encoding for facts in audit.facts).most_common()),
        "measures": [
            {
                "name": measured.name,
                "of": "file" if measured.in_file else "picture",
                "auc": round(measured.auc.value, 4),
                "low": round(measured.auc.low, 4),
                "high": round(measured.auc.high, 4),
                "tells_label": measured.tells_label,
            }
            for measured in audit.measures
        ],
        "problems": [str(finding) for finding in audit.problems],
        "warnings": [str(finding) for finding in audit.warnings],
    }


def counts(audit: Audit) -> list[dict[str, Any]]:
    """Return the images and patients of each source, class and subtype."""
    patients = defaultdict(list)
    for example in audit.examples:
        patients[example.source, LABELS[example.label], example.subtype].append(example.patient)
    return [
        {"source": source, "label": label, "subtype": subtype, "images": len(them), "patients": len(set(them))}
        for (source, label, subtype), them in sorted(patients.items())
    ]


def sizes(audit: Audit) -> dict[str, Any]:
    """Return how many different sizes there are, and smallest, median and largest width and height."""
    pixels = np.array([(facts.width, facts.height) for facts in audit.facts])
    spread = np.rint(np.percentile(pixels, (0, 50, 100), axis=0)).astype(int).T.tolist()
    return {"different": len(np.unique(pixels, axis=0)), "width": spread[0], "height": spread[1]}


def as_text(audit: Audit) -> str:
    return "\n".join(_lines(audit))


def _lines(audit: Audit) -> Iterator[str]:
    report = as_object(audit)
    yield f"{audit.folder}: {report['images']} images of {report['patients']} patients"
    yield ""
    yield f"{'source':12} {'class':10} {'subtype':10} {'images':>7} {'patients':>9}"
    for row in report["counts"]:
        yield "{source:12} {label:10} {subtype:10} {images:7} {patients:9}".format(**row)
    yield ""
    yield _size_line(report["sizes"])
    yield "Encodings: " + ", ".join(f"{name} ({number})" for name, number in report["encodings"].items())
    yield from _listed("Unreadable", [f"{each['path']}: {each['error']}" for each in report["unreadable"]])
    yield from _listed("Listed in the table, but not there", report["missing"])
    yield from _listed("Identical files", [" = ".join(pair) for pair in report["identical"]])
    yield from _listed("Nearly the same image", [" ~ ".join(pair) for pair in report["nearly_identical"]])
    yield from _listed("The same with both labels", [" ~ ".join(p) for p in report["same_image_with_both_labels"]])
    yield from _listed("The same in two parts", [" ~ ".join(p) for p in report["same_image_across_splits"]])
    yield from _listed("Patients in more than one part", report["patients_across_splits"])
    yield from _listed("Patients with images of both classes", report["patients_in_both_classes"])
    yield ""
    yield from _table_of_measures(audit)
    for title in ("problems", "warnings"):
        if report[title]:
            yield from ("", title.capitalize(), *(f"  {sentence}" for sentence in report[title]))
    if not report["problems"]:
        yield from ("", "No problem found.")


def _size_line(spread: dict[str, Any]) -> str:
    if spread["different"] == 1:
        return f"Size: {spread['width'][0]} × {spread['height'][0]}"
    width, height = ("{} to {} (median {})".format(*np.array(spread[side])[[0, 2, 1]]) for side in ("width", "height"))
    return f"Sizes: {spread['different']} different; width {width}, height {height}"


def _listed(title: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{title}: {len(items) or 'none'}"
    yield from (f"  {item}" for item in items[:SHOWN])
    if len(items) > SHOWN:
        yield f"  … and {len(items) - SHOWN} more (all of them with --json)"


def _table_of_measures(audit: Audit) -> Iterator[str]:
    yield "Can the label be told without looking at the lungs? AUC of one measure alone; 0.5 is not at all."
    where = f" in {audit.splits[0]}/" if audit.splits else ""
    yield f"{'measure' + where:24} {'of':8} {'AUC':>6}   95 % interval"
    for measured in audit.measures:
        auc, of = measured.auc, "file" if measured.in_file else "picture"
        mark = "   tells the label" if measured.tells_label else ""
        yield f"{measured.name:24} {of:8} {auc.value:6.3f}   {auc.low:.3f} to {auc.high:.3f}{mark}"


def _names(audit: Audit, pairs: Sequence[Pair]) -> list[list[str]]:
    return [[_name(audit, audit.examples[index].path) for index in pair] for pair in pairs]


def _name(audit: Audit, path: Path) -> str:
    return path.relative_to(audit.folder).as_posix() if path.is_relative_to(audit.folder) else str(path)
