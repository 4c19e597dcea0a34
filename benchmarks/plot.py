"""Curves over time as an SVG picture: panels below each other, with one axis of minutes."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT, _GAP = 800, 190, 56
_LEFT, _RIGHT, _TOP = 64, 150, 60
_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#6b7280}.title{font-size:14px;fill:#374151}"
    ".grid{stroke:#9ca3af;stroke-opacity:.3}.curve{fill:none;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#9ca3af}.title{fill:#e5e7eb}}"
)


class Curve(NamedTuple):
    """A line of points: seconds, and a value."""

    name: str
    points: Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """Curves that share an axis from zero."""

    title: str
    curves: Sequence[Curve]


def picture(title: str, panels: Sequence[Panel]) -> str:
    """The picture as a document."""
    seconds = max((at for panel in panels for curve in panel.curves for at, _ in curve.points), default=1)
    height = _TOP + len(panels) * (_HEIGHT + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        _text(_LEFT, 20, title, "title"),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, _TOP + number * (_HEIGHT + _GAP), seconds)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: float, seconds: float) -> Iterable[str]:
    highest = max((value for curve in panel.curves for _, value in curve.points), default=1)
    step = _step(highest, 4)
    limit = step * max(1, math.ceil(highest / step))
    width, bottom = _WIDTH - _LEFT - _RIGHT, top + _HEIGHT
    yield _text(_LEFT, top - 8, panel.title, "title")
    for tick in range(round(limit / step) + 1):
        y = bottom - tick * step / limit * _HEIGHT
        yield f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{tick * step:g}", anchor="end")
    minutes = _step(seconds / 60, 6)
    for tick in range(int(seconds / 60 / minutes) + 1):
        x = _LEFT + tick * minutes * 60 / seconds * width
        yield _text(x, bottom + 18, f"{tick * minutes:g} min", anchor="middle")
    for number, curve in enumerate(panel.curves):
        colour = _COLOURS[number % len(_COLOURS)]
        points = (
            f"{_LEFT + at / seconds * width:.1f},{bottom - value / limit * _HEIGHT:.1f}"
            for at, value in curve.points
        )
        yield f'<polyline class="curve" stroke="{colour}" points="{" ".join(points)}"/>'
        y = top + 14 + 20 * number
        x = _LEFT + width + 12
        yield f'<line class="curve" stroke="{colour}" x1="{x}" x2="{x + 18}" y1="{y}" y2="{y}"/>'
        yield _text(x + 24, y + 4, curve.name)


def _step(highest: float, most: int) -> float:
    """A round distance between ticks, of which there are at most so many."""
    if highest <= 0:
        return 1
    rough = highest / most
    unit = 10.0 ** math.floor(math.log10(rough))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor * 1.001 >= rough)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
