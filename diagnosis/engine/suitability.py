"""Whether what a file says of its picture fits what the network was trained on: frontal chest radiographs of children.

What must not be answered for is refused; what may be, with less right, carries a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnosis.engine.gate import Refusal
from diagnosis.engine.header import Header
from diagnosis.engine.sentences import sentence

ADULT = 18
#: Computed, digital and film radiography, secondary captures of any of them, and silence.
RADIOGRAPHY = {"", "CR", "DX", "DR", "RG", "OT", "SC"}
#: The codes of refusals of what is never decoded, so that there is no picture of it.
NOT_DECODED = {"several_frames", "colour"}
_NO_ANSWER = {"", "UNKNOWN", "OTHER", "OT", "NONE", "UNSPECIFIED", "NA", "N A"}
#: The chest in the words of the standard and of other languages; the spine behind it and its ribs are not meant.
_CHEST = re.compile(r"CHEST|THORA|TORAX|TORACE|LUNG|PULM|POUMON|CXR")
_NOT_FRONTAL = {"LL", "RL", "LAT", "LATERAL", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"}


@dataclass(frozen=True)
class Caution:
    """``code`` for programs, ``detail`` one sentence for people."""

    code: str
    detail: str


def refusal_of_header(header: Header) -> Refusal | None:
    """Return why the network must not answer, as far as the file itself says so, or None."""
    modality = str(header.acquisition.get("modality", ""))
    part = str(header.acquisition.get("body_part", ""))
    if modality not in RADIOGRAPHY:
        return Refusal(
            "modality",
            sentence(
                "The file says that it is no radiograph (modality {modality}). "
                "Send a chest X-ray: computed or digital radiography (CR, DX, DR).",
                modality=modality,
            ),
        )
    if part not in _NO_ANSWER and (not _CHEST.search(part) or "SPINE" in part):
        return Refusal(
            "body_part",
            sentence(
                "The file says that it shows another part of the body ({part}). Send an X-ray of the chest.", part=part
            ),
        )
    if header.frames > 1:
        return Refusal(
            "several_frames",
            sentence("The file holds {frames} pictures, a film. Send one chest X-ray a file.", frames=header.frames),
        )
    if header.is_colour:
        return Refusal(
            "colour",
            sentence("The file holds a picture in colour, and a radiograph is grey. Send the X-ray itself."),
        )
    return None


def cautions_of(acquisition: Mapping[str, Any]) -> list[Caution]:
    """Return what to bear in mind with an answer to a radiograph that was taken so."""
    age, view = acquisition.get("age"), acquisition.get("view", "")
    found = []
    if isinstance(age, int | float) and age >= ADULT:
        found.append(
            Caution(
                "adult",
                sentence(
                    "The patient is an adult ({age} years). The network was trained on children of one to five years, "
                    "so its answer may be wrong.",
                    age=f"{age:g}",
                ),
            )
        )
    if view in _NOT_FRONTAL:
        found.append(
            Caution(
                "not_frontal",
                sentence(
                    "The view is lateral or oblique ({view}). The network was trained on frontal views, "
                    "so its answer may be wrong.",
                    view=view,
                ),
            )
        )
    return found
