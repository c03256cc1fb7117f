"""Why an image is refused: the network answers for any picture, so something has to say when it must not."""

from __future__ import annotations

from dataclasses import dataclass

from diagnosis.engine.preprocessing import Pixels

#: Shortest side, in pixels, under which a chest radiograph shows too little to be read.
MIN_SIDE = 100

#: Standard deviation of the grey values under which a picture is empty. The flattest of the 5,216 training images
#: of Kermany et al. (2018) has 19.8.
MIN_CONTRAST = 8.0


@dataclass(frozen=True)
class Refusal:
    """``code`` for programs, ``detail`` one sentence for people."""

    code: str
    detail: str


def refusal_for(pixels: Pixels, width: int, height: int) -> Refusal | None:
    """Return why the network must not answer, or None. ``width`` and ``height`` are those of the original file."""
    if min(width, height) < MIN_SIDE:
        return Refusal(
            "too_small",
            f"The image is only {width} × {height} pixels; at least {MIN_SIDE} on each side are needed to read it.",
        )
    if float(pixels.std()) < MIN_CONTRAST:
        return Refusal("uniform", "The image is nearly uniform: there is no radiograph to be seen on it.")
    return None
