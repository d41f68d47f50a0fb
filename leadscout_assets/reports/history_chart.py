"""One figure over the runs of a history, as a small SVG picture: points from left to right, a band where they were expected.

Drawn like the charts of the batch reports, and to the same width. What the points mean is the caller's affair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from leadscout_assets.reports.charts import INK, MUTED, RULE, SERIES, WIDTH, svg, text, words

HEIGHT, TOP, FLOOR = 160, 12, 130
"""User units: of the picture, of the top of the axis, and of its foot."""

LEFT, RIGHT = 64, WIDTH - 8
AREA = "#dce8f1"
STEPS = (1, 2, 2.5, 5, 10)


class Mark(StrEnum):
    """How a point is drawn; the value is its colour."""

    USUAL = SERIES[1]
    NOTE = "#c77700"
    WORSE = "#a4262c"
    FAILED = MUTED
    INCIDENT = INK


@dataclass(frozen=True)
class Point:
    """One run: its value, the band that was expected of it, how it is marked, and what is told of it on hovering."""

    value: float
    mark: Mark
    told: str
    low: float | None = None
    middle: float | None = None
    high: float | None = None


def draw_history(
    title: str, points: Sequence[Point], steps: Sequence[int] = (), ends: tuple[str, str] = ("", "")
) -> str:
    """Return the chart as one `<svg>` element; `steps` are positions before which a new normal begins, `ends` label the axis."""
    if not points:
        return ""
    most = _round_up(
        max([p.value for p in points] + [p.high for p in points if p.high is not None and p.high < 4 * p.value])
    )
    gap = (RIGHT - LEFT) / max(len(points), 12)

    def x(position: float) -> float:
        return LEFT + gap * (position + 0.5)

    def y(value: float) -> float:
        return FLOOR - (FLOOR - TOP) * min(max(value / most, 0.0), 1.0) if most else FLOOR

    parts = [_grid(most, y)]
    for first, last in _stretches(points):
        edge = [f"{x(i):.1f} {y(points[i].high or 0):.1f}" for i in range(first, last + 1)]
        foot = [f"{x(i):.1f} {y(points[i].low or 0):.1f}" for i in range(last, first - 1, -1)]
        line = [f"{x(i):.1f} {y(points[i].middle or 0):.1f}" for i in range(first, last + 1)]
        parts.append(f'<path d="M{"L".join(edge + foot)}Z" fill="{AREA}" stroke="{AREA}" stroke-width="3"/>')
        parts.append(f'<path d="M{"L".join(line)}" fill="none" stroke="{SERIES[0]}" stroke-width="1.5"/>')
    for step in steps:
        at = x(step - 0.5)
        parts.append(f'<path d="M{at:.1f} {TOP}V{FLOOR}" stroke="{INK}" stroke-dasharray="3 3"/>')
        parts.append(text(words(at + 3, TOP + 1, "accepted")))
    parts += [_point(x(i), y(point.value), point) for i, point in enumerate(points)]
    parts.append(text(words(LEFT, FLOOR + 16, ends[0], fill=MUTED)))
    parts.append(text(words(RIGHT, FLOOR + 16, ends[1], fill=MUTED, anchor="end")))
    return svg(title, HEIGHT, "".join(parts))


def _point(x: float, y: float, point: Point) -> str:
    told = f"<title>{escape(point.told)}</title>"
    if point.mark is Mark.FAILED:
        cross = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
        return f'<path d="{cross}" stroke="{point.mark}" stroke-width="1.6" fill="none">{told}</path>'
    fill = "#ffffff" if point.mark is Mark.INCIDENT else str(point.mark)
    radius = 3.6 if point.mark in (Mark.WORSE, Mark.NOTE) else 2.6
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{point.mark}">{told}</circle>'


def _grid(most: float, y: Callable[[float], float]) -> str:
    parts = []
    for value in (0.0, most / 2, most):
        height = y(value)
        parts.append(
            f'<path d="M{LEFT} {height:.1f}H{RIGHT}" stroke="{RULE}" stroke-width="{1 if value == 0 else 0.5}"/>'
        )
        parts.append(text(words(LEFT - 6, height, _figure(value), anchor="end", fill=MUTED)))
    return "".join(parts)


def _stretches(points: Sequence[Point]) -> list[tuple[int, int]]:
    """Return first and last position of each stretch of points that have a band."""
    found: list[tuple[int, int]] = []
    for position, point in enumerate(points):
        if point.middle is None:
            continue
        if found and found[-1][1] == position - 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return found


def _round_up(value: float) -> float:
    """Return the next round number above a value, so that an axis ends at one."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(f"{value:.0f}") - 1) if value >= 1 else 10.0 ** (-len(f"{1 / value:.0f}"))
    while power * 10 < value:
        power *= 10
    return next(step * power for step in STEPS if step * power >= value)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"
