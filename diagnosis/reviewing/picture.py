"""The figures of agreement drawn side by side, each with its interval, as parts of an SVG that the page styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from diagnosis.engine import svg
from diagnosis.engine.figures import Figure
from diagnosis.templatetags.reviewing import kappa_words
from diagnosis.translation import decimal

LEFT, WIDTH, RIGHT = 150.0, 330.0, 24.0
LINE, TOP, BELOW = 22.0, 14.0, 30.0
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Drawn:
    """``inner`` is markup whose every word is escaped."""

    inner: str
    size: tuple[int, int]
    summary: str


def draw_agreement(groups: Sequence[tuple[str, Sequence[tuple[str, Figure]]]]) -> Drawn:
    """Draw for each group, which has a heading, its named figures one below the other, from 0 to 1.

    A dot is the figure, the line through it its interval. What has no value is left out; below 0 it ends at the edge.
    """
    parts, said, y = [], [], TOP
    for heading, figures in groups:
        parts.append(svg.text(0, y + 12, heading, kind="agreement-heading"))
        y += LINE
        for number, (name, figure) in enumerate(figures, 2):
            if isfinite(figure.value):
                parts += [*_bar(y + 8, number, figure), svg.text(LEFT - 14, y + 12, name, "end")]
                said.append(f"{heading}, {name} {kappa_words(figure)}")
                y += LINE
    return Drawn("".join([*_levels(y), *parts]), (int(LEFT + WIDTH + RIGHT), int(y + BELOW)), "; ".join(said))


def _levels(bottom: float) -> list[str]:
    parts = []
    for level in LEVELS:
        parts.append(svg.line((_x(level), TOP), (_x(level), bottom + 4), "level"))
        parts.append(svg.text(_x(level), bottom + 20, decimal(f"{level:g}"), "middle"))
    return parts


def _bar(y: float, number: int, figure: Figure) -> list[str]:
    low, high = (_x(max(0.0, end)) for end in (figure.low, figure.high))
    ends = [svg.line((x, y - 4), (x, y + 4), f"agreement-end line-{number}") for x in (low, high)]
    whole = svg.curve([(low, y), (high, y)], number)
    return [whole, *ends, svg.dot(_x(max(0.0, figure.value)), y, number, 4.5)]


def _x(value: float) -> float:
    return LEFT + WIDTH * value
