"""The report as one self-contained HTML page: no script, no request to anywhere, readable on a phone and on paper.

Every text goes through `element`, which escapes it; the only unescaped parts are those that this package drew itself.
"""

from functools import cache
from html import escape
from pathlib import Path

from leadscout_assets.reports import charts
from leadscout_assets.reports.document import Cell, Document, Kind, Section, Table, Tile

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page may do nothing but style itself, whatever a delivered text manages to be."""


class Markup(str):
    """Text that is HTML already, and must not be escaped again."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Build an element. Children are escaped unless they are `Markup`; a trailing `_` of an attribute is dropped."""
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{tag}{given}>{inner}</{tag}>")


def render_page(document: Document) -> str:
    """Return the whole page."""
    head = (
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'),
        Markup('<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'),
        element("title", f"{document.title}: {document.file_name}"),
        element("style", page_style()),
    )
    body = (
        _header(document),
        element("main", _tiles(document.tiles), *(_section(section) for section in document.sections)),
        element("footer", _facts(document), element("p", "Made by LeadScout. Totals only: this page holds no lead.")),
    )
    return f"<!DOCTYPE html>\n{element('html', element('head', *head), element('body', *body), lang='en-ZA')}\n"


def _header(document: Document) -> Markup:
    return element(
        "header",
        element("p", "LeadScout", class_="brand"),
        element("h1", document.title),
        element("p", document.file_name, class_="file"),
        element("p", f"Delivered {dict(document.facts)['Delivered']}", class_="when"),
        element("p", document.verdict, class_="verdict holds" if document.holds else "verdict fails", role="status"),
    )


def _tiles(tiles: tuple[Tile, ...]) -> Markup:
    def tile(t: Tile) -> Markup:
        value = element("dd", element("b", t.value), element("span", t.detail))
        return element("div", element("dt", t.label), value)

    return element("dl", *(tile(t) for t in tiles), class_="tiles")


def _section(section: Section) -> Markup:
    parts = [element("h2", section.heading), *(element("p", text) for text in section.paragraphs)]
    if section.table is None:
        return element("section", *parts)
    table = _table(section.table)
    chart = charts.draw(section.table, section.chart) if section.chart else ""
    if not chart or section.chart is None:
        return element("section", *parts, table)
    figure = element("figure", Markup(chart), element("figcaption", section.chart.title))
    wide = any(len(str(cell)) > 60 for row in section.table.rows for cell in row)
    return element("section", *parts, element("div", figure, table, class_="stacked" if wide else "beside"))


def _table(table: Table) -> Markup:
    kinds = ["words" if column.kind is Kind.TEXT else "figure" for column in table.columns]
    heads = (element("th", c.heading, class_=k, scope="col") for c, k in zip(table.columns, kinds, strict=True))

    def row(cells: tuple[Cell, ...]) -> Markup:
        drawn = (element("td", c.write(cell), class_=k) for c, k, cell in zip(table.columns, kinds, cells, strict=True))
        return element("tr", *drawn)

    inner = element("table", element("thead", element("tr", *heads)), element("tbody", *map(row, table.rows)))
    return element("div", inner, class_="scroll")


def _facts(document: Document) -> Markup:
    pairs = (element("div", element("dt", label), element("dd", value)) for label, value in document.facts)
    return element("dl", *pairs, class_="facts")


@cache
def page_style() -> Markup:
    """Return the style sheet of every page."""
    return Markup((Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8"))
