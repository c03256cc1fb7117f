"""How the probabilities that two classifiers give to the same images lie to one another, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence

from diagnosis.engine import svg
from diagnosis.engine.diagrams import LEFT, SIDE, SIZE, TOP, place, square

#: More dots than that are a blot, and a large file.
MOST_DOTS = 1000


def draw_agreement(
    chances: Sequence[tuple[float, float]], thresholds: tuple[float, float], names: tuple[str, str]
) -> str:
    """Draw a dot for each image: the one's probability across, the other's up, and both thresholds as lines.

    On the diagonal both say the same; in the corners that the thresholds cut off the labels differ.
    """
    across, up = thresholds
    x, y = place(across, up)
    parts = [
        *square(f"probability by {names[0]}", f"probability by {names[1]}"),
        svg.curve([place(0, 0), place(1, 1)], 1),
        svg.curve([(x, TOP), (x, TOP + SIDE)], 4),
        svg.curve([(LEFT, y), (LEFT + SIDE, y)], 4),
    ]
    differing = 0
    for one, other in chances[:MOST_DOTS]:
        differs = (one >= across) != (other >= up)
        differing += differs
        parts.append(svg.dot(*place(one, other), 3 if differs else 2, 3.5 if differs else 2.5))
    drawn = min(len(chances), MOST_DOTS)
    summary = f"{drawn} images, {differing} of them with different labels; the dashed lines are the thresholds"
    return svg.document("Both probabilities", summary, SIZE, parts)
