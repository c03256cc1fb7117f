"""Why an image is refused: the network answers for any picture, so something has to say when it must not.

Size, emptiness and colour are measured on the picture itself. All else the network's own features tell: its output
``gate`` holds scores, and :class:`Gate`, a section of the card, says what each score means and where its limit is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diagnosis.engine.errors import ArtifactError
from diagnosis.engine.preprocessing import Picture
from diagnosis.engine.sentences import Sentence, sentence

#: Shortest side, in pixels, under which a chest radiograph shows too little to be read.
MIN_SIDE = 100

#: Grey levels between the 2nd and the 98th percentile under which a picture is nearly empty. The flattest of the
#: 5,216 training images of Kermany et al. (2018) has 79.
MIN_CONTRAST = 30

#: Colour (see Picture) above which a picture is no radiograph. A grey or evenly tinted one has 0 to 2, a photograph
#: of one on a light box or a screen up to about 6; most photographs of other things have 8 to 50.
MAX_COLOUR = 12.0

_NOT_A_CHEST = sentence(
    "Send the chest X-ray itself, seen from the front or the back, and nothing beside it: "
    "no photograph, document, drawing, scan or other part of the body."
)

#: The sentence for each code that a score can stand for.
SENTENCES: dict[str, Sentence] = {
    "not_a_chest_radiograph": sentence("The image does not look like a chest X-ray. {send}", send=_NOT_A_CHEST),
    "inverted": sentence(
        "The grey scale seems to be inverted: air is bright and bone dark. "
        "Invert the image, so that bones are white, and send it again."
    ),
    "rotated": sentence(
        "The chest seems to lie on its side or upside down. "
        "Turn the image until the head is at the top, and send it again."
    ),
    "cropped": sentence(
        "Only a part of a chest seems to be on the image. Send the whole radiograph, with both lungs on it."
    ),
}


@dataclass(frozen=True)
class Refusal:
    """``code`` for programs, ``detail`` one or two plain sentences for people: what was seen, what to do."""

    code: str
    detail: str


@dataclass(frozen=True)
class Gate:
    """For each score of the network's output ``gate``, the code it stands for and the limit it must not exceed.

    ``figures`` are for people: how often radiographs were refused in error, and other pictures rightly.
    """

    codes: tuple[str, ...]
    limits: tuple[float, ...]
    figures: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Gate:
        """Raise ArtifactError where the section cannot be honoured, TypeError where a fact is of the wrong kind."""
        gate = cls(**{**facts, "codes": tuple(facts["codes"]), "limits": tuple(float(x) for x in facts["limits"])})
        if unknown := set(gate.codes) - SENTENCES.keys():
            raise ArtifactError(f"The card's gate names reasons this version does not know: {', '.join(unknown)}.")
        if len(gate.codes) != len(gate.limits) or not np.isfinite(gate.limits).all():
            raise ArtifactError("The card's gate must give one finite limit for each of its codes.")
        return gate

    def refusal(self, scores: Sequence[float]) -> Refusal | None:
        """Return the reason whose score exceeds its limit the most, or None where none does."""
        excess = np.nan_to_num(np.subtract(scores, self.limits), nan=np.inf)
        worst = int(np.argmax(excess))
        return Refusal(self.codes[worst], SENTENCES[self.codes[worst]]) if excess[worst] > 0 else None


def refusal_of_picture(picture: Picture, width: int, height: int) -> Refusal | None:
    """Return why no network need look at the picture, or None. ``width`` and ``height`` are the original file's."""
    if min(width, height) < MIN_SIDE:
        return Refusal(
            "too_small",
            sentence(
                "The image is only {width} × {height} pixels; at least {least} on each side are needed to read it. "
                "Send the original, not a preview.",
                width=width,
                height=height,
                least=MIN_SIDE,
            ),
        )
    darkest, brightest = np.percentile(picture.pixels, [2, 98])
    if brightest - darkest < MIN_CONTRAST:
        return Refusal(
            "uniform",
            sentence(
                "The image is nearly uniform: there is no radiograph to be seen on it. "
                "Check that it is the right file."
            ),
        )
    if picture.colour > MAX_COLOUR:
        in_colour = sentence("The image is in colour, and a radiograph is grey. {send}", send=_NOT_A_CHEST)
        return Refusal("not_a_chest_radiograph", in_colour)
    return None
