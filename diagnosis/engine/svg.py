"""Small drawings as SVG text: they need no library, and follow whether the reader's screen is light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: Line number 1 to 5 looks as on the pages (static/curves.css): told apart by dashes as well as by colour.
STYLE = """
svg{--paper:#fff;--ink:#12232b;--muted:#50646e;--line:#d3dee2;--1:#50646e;--2:#0b5f70;--3:#a83412;--4:#775305;--5:#12232b}
@media (prefers-color-scheme:dark){
svg{--paper:#101b20;--ink:#e5eef1;--muted:#9fb2ba;--line:#27373e;--1:#9fb2ba;--2:#63c7d6;--3:#ff9d78;--4:#efc561;--5:#e5eef1}}
text{font:11px system-ui,sans-serif;fill:var(--muted)}
.title{font-size:13px;font-weight:650;fill:var(--ink)}
.level{stroke:var(--line)}
.curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}
.dot{fill:var(--c);fill-opacity:.75}
.line-1{--c:var(--1);stroke-dasharray:2 3}
.line-2{--c:var(--2)}
.line-3{--c:var(--3);stroke-dasharray:7 4}
.line-4{--c:var(--4);stroke-dasharray:10 3 2 3}
.line-5{--c:var(--5);stroke-dasharray:1 4}
.cell{fill:var(--2);stroke:var(--line)}
.paper{fill:var(--paper)}
.count{font-size:17px;font-weight:650;fill:var(--ink)}
"""


def document(title: str, summary: str, size: tuple[int, int], parts: Iterable[str]) -> str:
    """Return a whole SVG file; ``summary`` says in words what is drawn."""
    width, height = size
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{escape(f"{title}. {summary}")}">',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            text(12, 20, title, kind="title"),
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def curve(points: Sequence[tuple[float, float]], number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="curve line-{number}" points="{path}"/>'


def dot(x: float, y: float, number: int, radius: float = 3.0) -> str:
    return f'<circle class="dot line-{number}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'


def cell(corner: tuple[float, float], side: float, share: float) -> str:
    """Draw a square that is the fuller of colour the larger ``share`` is, and never hides what is written on it."""
    x, y = corner
    return (
        f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" '
        f'fill-opacity="{0.45 * share:.2f}"/>'
    )
