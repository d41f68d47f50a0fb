"""Charts as small pictures, laid out from a table's cells: lying bars, or upright columns for a distribution.

Laid out by hand rather than by a library: no script, no style sheet, the same bytes for the same cells, nothing to import,
and every value written beside its bar, so that no axis has to be read off. HTML shows a picture as SVG; the PDF draws its shapes
itself, in half the time that reading SVG would take it.
"""

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple, TypeAlias

from leadscout_assets.reports.document import Cell, Chart, Column, Table

WIDTH = 400
"""Width of every picture, user units: about the width of half a page, so that text stays readable when it is scaled."""

FONT = 13
SMALL = 12
TINY = 11
FONT_FAMILY = "Libertinus Serif"
"""The typeface of the PDF; the page's style sheet overrules it."""

INK = "#1c2733"
MUTED = "#5b6875"
RULE = "#c9d2da"
TRACK = "#e6ebf0"
SERIES = ("#a9c4da", "#1f5f8b")
"""Colours of two series, told apart by lightness too; a single series takes the last (contrast on white 6.7)."""

BAR = 15
GAP = 11
PAIR = 9
"""Heights, user units: of a bar, between two bars, of each bar of a pair."""

NARROW = frozenset("iljtfr.,:;'|()[] -/")
"""Letters of about half the usual width."""

FIRST_SQUARE = 0x2E80
"""Code point from which on letters are as wide as high (Chinese, Japanese, Korean, pictographs)."""

LABEL_SHARE = 0.6
"""The most of the width that labels may take; longer ones end in an ellipsis (the table beside has them whole)."""


class Bar(NamedTuple):
    """A filled box with its upper left corner at `x`, `y`; all in user units."""

    x: float
    y: float
    width: float
    height: float
    fill: str


class Axis(NamedTuple):
    """A thin line from `x`, `y` to the right or down, of a length in user units."""

    x: float
    y: float
    length: float
    lying: bool


class Words(NamedTuple):
    """Words on a baseline at `y`; `anchor` says whether they begin (`start`), end or are centred (`middle`) at `x`."""

    x: float
    y: float
    words: str
    anchor: str
    size: int
    fill: str


Shape: TypeAlias = Bar | Axis | Words


@dataclass(frozen=True)
class Picture:
    """Shapes, the later above the earlier, on a ground of `WIDTH` times `height` user units."""

    title: str
    height: int
    shapes: tuple[Shape, ...]


@lru_cache(maxsize=64)  # the page and the PDF of a report show the same ones
def lay_out(table: Table, chart: Chart) -> Picture | None:
    """Return the chart of a table; none of a table without rows."""
    if not table.rows:
        return None
    shapes, height = _columns(table, chart) if chart.upright else _bars(table, chart)
    return Picture(chart.title, height, tuple(shapes))


def draw(table: Table, chart: Chart) -> str:
    """Return the chart of a table as one `<svg>` element, readable without its surroundings; nothing of a table without rows."""
    picture = lay_out(table, chart)
    return svg(picture.title, picture.height, "".join(map(_drawn, picture.shapes))) if picture else ""


def svg(title: str, height: int, body: str) -> str:
    """Return an `<svg>` element of `WIDTH` times `height` user units around drawn shapes."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="{FONT_FAMILY}" font-size="{FONT}">{body}</svg>'
    )


def _drawn(shape: Shape) -> str:
    match shape:
        case Bar(x, y, width, height, fill):
            return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" fill="{fill}"/>'
        case Axis(x, y, length, lying):
            return f'<path d="M{x:.1f} {y:.1f}{"h" if lying else "v"}{length:.1f}" stroke="{RULE}"/>'
        case Words():
            return text(shape)


def _bars(table: Table, chart: Chart) -> tuple[list[Shape], int]:
    """Lay out a bar with its value, or a pair of bars, for each row."""
    labels = [str(row[0]) for row in table.rows]
    written = [_written(table.columns, row, chart.values) for row in table.rows]
    left = min(max(_width(label) for label in labels), WIDTH * LABEL_SHARE) + 10
    right = WIDTH - max(_width(value) for value in written) - 8
    room = right - left
    most = chart.most or _largest(table, (*chart.values, chart.track) if chart.track is not None else chart.values)
    colours = SERIES[-len(chart.values) :]
    thick = BAR if len(chart.values) == 1 else PAIR
    step = thick * len(chart.values) + GAP
    top = 26 if len(chart.values) > 1 else 4
    shapes = _legend(table.columns, chart.values, colours, left) if len(chart.values) > 1 else []
    for index, row in enumerate(table.rows):
        y = top + index * step
        middle = y + thick * len(chart.values) / 2
        shapes.append(words(left - 8, middle, _shorten(labels[index], left - 10), anchor="end"))
        if chart.track is not None:
            shapes += _bar(left, y, _length(row[chart.track], most, room), thick, TRACK)
        for nth, column in enumerate(chart.values):
            length = _length(row[column], most, room)
            shapes += _bar(left, y + nth * thick, length, thick, colours[nth])
        longest = max(_length(row[c], most, room) for c in (*chart.values, chart.track or chart.values[0]))
        if written[index]:
            shapes.append(words(left + longest + 6, middle, written[index], fill=MUTED, size=SMALL))
    height = top + len(table.rows) * step - GAP + 5
    shapes.append(Axis(left, top - 3, height - 2 - (top - 3), lying=False))
    return shapes, height


def _columns(table: Table, chart: Chart) -> tuple[list[Shape], int]:
    """Lay out an upright column for each row, its value above and its label below."""
    value = chart.values[0]
    most = chart.most or _largest(table, chart.values)
    top, floor = 22, 180
    step = WIDTH / len(table.rows)
    shapes: list[Shape] = []
    for index, row in enumerate(table.rows):
        height = _length(row[value], most, floor - top)
        x = index * step
        shapes += _bar(x + 4, floor - height, step - 8, height, SERIES[-1])
        above = table.columns[value].write(row[value])
        shapes.append(words(x + step / 2, floor - height - 9, above, anchor="middle", fill=MUTED, size=SMALL))
        shapes.append(words(x + step / 2, floor + 13, _short_band(str(row[0])), anchor="middle", size=TINY))
    shapes.append(Axis(0, floor, WIDTH, lying=True))
    return shapes, floor + 26


def _short_band(label: str) -> str:
    """Shorten `20 to under 30` to what fits below a column."""
    return label.replace(" to under ", "\N{EN DASH}").replace(" to ", "\N{EN DASH}")


def _legend(columns: tuple[Column, ...], values: tuple[int, ...], colours: tuple[str, ...], x: float) -> list[Shape]:
    shapes: list[Shape] = []
    for colour, column in zip(colours, values, strict=True):
        heading = columns[column].heading
        shapes += [*_bar(x, 3, 11, 11, colour), words(x + 16, 8.5, heading, size=SMALL)]
        x += 16 + _width(heading) + 18
    return shapes


def _written(columns: tuple[Column, ...], row: tuple[Cell, ...], values: tuple[int, ...]) -> str:
    """Write a bar's value; a pair of bars has no room for two, and the table beside it has both."""
    return columns[values[0]].write(row[values[0]]) if len(values) == 1 else ""


def _largest(table: Table, columns: tuple[int, ...]) -> float:
    return max((_number(row[c]) for row in table.rows for c in columns), default=0.0)


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def _length(cell: Cell, most: float, room: float) -> float:
    """Scale a value to the room; anything above nothing is at least a visible sliver."""
    value = _number(cell)
    return max(value / most * room, 1.5) if value > 0 and most > 0 else 0.0


def _bar(x: float, y: float, width: float, height: float, fill: str) -> list[Bar]:
    return [Bar(x, y, width, height, fill)] if width > 0 and height > 0 else []


def words(x: float, middle: float, said: str, *, anchor: str = "start", fill: str = INK, size: int = FONT) -> Words:
    """Place words around a height: beginning, ending or centred at `x`."""
    # Neither Typst nor its SVG reader centres on a height: the baseline is set by hand, a third of the size below the middle.
    return Words(x, middle + size * 0.34, said, anchor, size, fill)


def text(shape: Words) -> str:
    """Return words as SVG."""
    place = f'x="{shape.x:.1f}" y="{shape.y:.1f}" text-anchor="{shape.anchor}"'
    return f'<text {place} font-size="{shape.size}" fill="{shape.fill}">{escape(shape.words)}</text>'


def _width(words: str) -> float:
    """Estimate the width of a text in user units, on the wide side: a picture cannot measure its typeface."""
    return FONT * sum(_em(letter) for letter in words)


def _em(letter: str) -> float:
    if letter in NARROW:
        return 0.42
    if ord(letter) >= FIRST_SQUARE:
        return 1.0
    return 0.78 if letter.isupper() else 0.63


def _shorten(words: str, room: float) -> str:
    if _width(words) <= room:
        return words
    kept = words
    while kept and _width(kept) + FONT > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"
