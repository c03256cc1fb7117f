"""The figures of parts of the images: which pneumonia, which patients, which way of taking the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.engine.examples import Example
from diagnosis.engine.figures import figures

#: The figures that do not depend on how many of a subgroup are sick.
NAMES = ("auroc", "sensitivity", "specificity")

_AGE_BANDS = ((5, "under 5"), (18, "5 to 17"), (40, "18 to 39"), (65, "40 to 64"))


def age_band(years: float) -> str:
    return next((name for end, name in _AGE_BANDS if years < end), "65 and over")


def facts_of(examples: Sequence[Example]) -> dict[str, list[str]]:
    """Return what divides the examples: by name one value for each, empty where it is not known of an example.

    RSNA's reading tells of the sick only whether the opacity that makes the label is there.
    """
    opacity = {True: "opacity", False: "no opacity", None: ""}
    return {
        "subtype": [example.subtype for example in examples],
        "age": ["" if example.age is None else age_band(example.age) for example in examples],
        "sex": [example.sex for example in examples],
        "view": [example.view for example in examples],
        "rsna": [opacity[example.rsna_opacity] if example.label else "" for example in examples],
    }


def subgroups(
    labels: Sequence[int],
    probabilities: Sequence[float],
    threshold: float,
    patients: Sequence[str],
    facts: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by fact and value ``n``, ``positives``, ``negatives``, the figures :data:`NAMES` and their ``intervals``.

    A fact that is known of no healthy image (which pneumonia it is) divides the sick alone: each value is then
    measured against all the healthy. ``n`` counts the images that bear the value. A fact that is known of none is
    left out, and a figure that needs the class which a value lacks is None.
    """
    truth, chances, groups = np.asarray(labels), np.asarray(probabilities), np.asarray(patients)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for fact, told in facts.items():
        values = np.asarray(told)
        of_the_sick = not (values[truth == 0] != "").any()
        for value in sorted(set(told) - {""}):
            bearing = values == value
            chosen = bearing | (truth == 0) if of_the_sick else bearing
            part = _measure(truth[chosen], chances[chosen], threshold, groups[chosen])
            found.setdefault(fact, {})[value] = {"n": int(bearing.sum()), **part}
    return found


def _measure(
    truth: NDArray[np.int64], chances: NDArray[np.float64], threshold: float, groups: NDArray[np.str_]
) -> dict[str, Any]:
    measured = {name: figure for name, figure in figures(truth, chances, threshold, groups).items() if name in NAMES}
    return {
        "positives": int(truth.sum()),
        "negatives": int((1 - truth).sum()),
        **{name: known(figure.value) for name, figure in measured.items()},
        "intervals": {name: [known(figure.low), known(figure.high)] for name, figure in measured.items()},
    }


def known(value: float) -> float | None:
    """Return None for NaN: JSON has no such number."""
    return None if np.isnan(value) else value
