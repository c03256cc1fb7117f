"""What the page of a model card shows of its figures: each data set by itself, each figure with its interval."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from diagnosis.engine.figures import PREVALENCE
from diagnosis.translation import decimal

#: Reports of ``evaluate --json`` on images of other hospitals, with a title and the source of the images. They are
#: made after a network is packed, so its own card cannot hold them.
EXTERNAL_RESULTS = Path(__file__).parent / "external_results.json"

SPACE = "\N{NO-BREAK SPACE}"

#: Name, meaning, and whether it is a share that is better the higher it is.
FIGURES = {
    "auroc": (
        "AUROC",
        _("how often a sick patient’s image gets the higher of two probabilities; 0.5 is chance"),
        False,
    ),
    "sensitivity": (_("Sensitivity"), _("of those with pneumonia, so many are found"), True),
    "specificity": (_("Specificity"), _("of those without, so many are left alone"), True),
    "accuracy": (_("Accuracy"), _("so many answers are right"), True),
    "ppv": (
        _("Predictive value, positive, if {percent} are ill"),
        _("right when it says PNEUMONIA, if {share} of patients have it"),
        True,
    ),
    "npv": (
        _("Predictive value, negative, if {percent} are ill"),
        _("right when it says NORMAL, if {share} of patients have it"),
        True,
    ),
    "ece": (_("Calibration error"), _("how far probabilities are from what came true; 0 is best"), False),
    "brier": (_("Brier score"), _("the squared error of the probabilities; 0 is best"), False),
}

TITLES = {
    "validation": (_("Validation, as the images are"), _("Patients who were kept out of training.")),
    "validation_perturbed": (
        _("Validation, changed"),
        _("The same patients, with what differs between hospitals: brightness, contrast, blur, noise, shape."),
    ),
    "validation_exchanged": (
        _("Validation, exchanged"),
        _("The same patients, with detail, grey values and proportions like the other class's: none gives it away."),
    ),
    "validation_reframed": (
        _("Validation, reframed"),
        _("The same patients, each picture cut closer around the lungs or with more around them."),
    ),
    "validation_strongly_changed": (
        _("Validation, strongly changed"),
        _("The same patients, under more blur, noise, compression and contrast than should occur."),
    ),
}

#: What the facts are called by which subgroups are made.
FACTS = {
    "rsna": _("what RSNA radiologists saw"),
    "view": _("projection"),
    "age": _("age"),
    "sex": _("sex"),
    "subtype": _("subtype"),
}
#: And their values, where they are words.
VALUES = {
    "under 5": _("under 5"),
    "5 to 17": _("5 to 17"),
    "18 to 39": _("18 to 39"),
    "40 to 64": _("40 to 64"),
    "65 and over": _("65 and over"),
    "opacity": _("opacity"),
    "no opacity": _("no opacity"),
    "bacteria": _("bacteria"),
    "virus": _("virus"),
}


@dataclass(frozen=True)
class Measured:
    """A figure as the page writes it; ``value``, ``low`` and ``high`` draw it."""

    name: str
    meaning: str
    is_share: bool
    value: float | None
    low: float | None
    high: float | None

    @property
    def text(self) -> str:
        if self.value is None:
            return "–"
        return decimal(f"{self.value * 100:.1f}{SPACE}%" if self.is_share else f"{self.value:.3f}")

    @property
    def interval(self) -> str:
        if self.low is None or self.high is None:
            return ""
        factor, digits = (100, 1) if self.is_share else (1, 3)
        return decimal(f"{self.low * factor:.{digits}f}–{self.high * factor:.{digits}f}")


@dataclass(frozen=True)
class DataSet:
    title: str
    note: str
    images: int
    patients: int | None
    figures: list[Measured]
    #: By fact (age, sex, …) and its value: how many images, and the figures.
    subgroups: dict[str, dict[str, tuple[int, list[Measured]]]] = field(default_factory=dict)


def data_sets(card: dict[str, Any]) -> list[DataSet]:
    """Return those that the card itself holds: whatever in its metrics counts images and has figures."""
    found = []
    for key, values in card.get("metrics", {}).items():
        if isinstance(values, dict) and "images" in values and (figures := _figures(values)):
            title, note = TITLES.get(key, (key.replace("_", " ").capitalize(), str(values.get("source", ""))))
            groups = _subgroups(values.get("subgroups", {}))
            found.append(DataSet(str(title), str(note), values["images"], values.get("patients"), figures, groups))
    return found


def data_sets_elsewhere(version: str) -> list[DataSet]:
    """Return what was measured of this version on images of other hospitals."""
    return [
        DataSet(
            gettext(report["title"]),
            gettext(report["source"]),
            report["n"],
            None,
            _figures(report),
            _subgroups(report["subgroups"]),
        )
        for report in _external_results()
        if report["model_version"] == version
    ]


def headline(card: dict[str, Any]) -> dict[str, Measured]:
    """Return the key figures, of the kind of validation images on which the version does worst."""
    known = [part for key, part in card.get("metrics", {}).items() if key in TITLES]
    hardest: dict[str, Any] = min(known, key=_auroc, default={})
    return {name: _measured(name, hardest) for name in ("auroc", "sensitivity", "specificity") if name in hardest}


def _auroc(part: dict[str, Any]) -> float:
    value = _measured("auroc", part).value if "auroc" in part else None
    return 1.0 if value is None else value


@cache
def _external_results() -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(EXTERNAL_RESULTS.read_text(encoding="utf-8"))
    return results


def _figures(values: dict[str, Any]) -> list[Measured]:
    return [_measured(name, values) for name in FIGURES if name in values]


def _measured(name: str, values: dict[str, Any]) -> Measured:
    """Read a figure in the form of a card, ``{value, low, high}``, or of a report, whose intervals stand apart."""
    title, meaning = _words(name, values.get("prevalence", PREVALENCE))
    is_share = FIGURES[name][2]
    found = values[name]
    if isinstance(found, dict):
        return Measured(title, meaning, is_share, found.get("value"), found.get("low"), found.get("high"))
    low, high = values.get("intervals", {}).get(name, (None, None))
    return Measured(title, meaning, is_share, found, low, high)


def meanings() -> list[tuple[str, str]]:
    """Return each figure's name and meaning."""
    return [_words(name, PREVALENCE) for name in FIGURES]


def _words(name: str, prevalence: float) -> tuple[str, str]:
    title, meaning = map(str, FIGURES[name][:2])
    percent = f"{prevalence * 100:.0f}{SPACE}%"
    return title.format(percent=percent), meaning.format(share=f"{prevalence:.0%}")


def _subgroups(groups: dict[str, Any]) -> dict[str, dict[str, tuple[int, list[Measured]]]]:
    return {
        str(FACTS.get(fact, fact)): {
            str(VALUES.get(value, value)): (_count(part), _figures(part)) for value, part in parts.items()
        }
        for fact, parts in groups.items()
    }


def _count(part: dict[str, Any]) -> int:
    return int(part.get("n", part.get("images", 0)))
