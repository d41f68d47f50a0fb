"""The report as an A4 PDF, set by Typst from `templates/report.typ`. The content goes in as JSON, never as source."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.reports import charts
from leadscout_assets.reports.charts import Axis, Bar, Picture, Shape, Words
from leadscout_assets.reports.document import Document, Kind, Section
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    import typst

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
WIDE_CELL = 60
"""A table with longer texts than this, characters, stands below its chart instead of beside it."""

OF_THREAD = threading.local()
"""Typst's compiler refuses a second thread: each has its own, made in a few milliseconds."""


def render_pdf(document: Document, delivered_at: datetime) -> bytes:
    """Return the PDF. `delivered_at` is its date of creation, so that the same batch gives the same bytes.

    Raises `EdgeFailed` where Typst cannot set it.
    """
    import typst

    when = delivered_at.astimezone(TIME_ZONE)
    content = json.dumps(_content(document, when), ensure_ascii=False)
    try:
        pdf = _compiler().compile(format="pdf", sys_inputs={"data": content}, timestamp=int(when.timestamp()))
    except typst.TypstError:
        # Typst's diagnosis may quote the content, which holds the file's name.
        raise EdgeFailed("Typst could not set the PDF: reinstall LeadScout, its template may be damaged") from None
    if not isinstance(pdf, bytes):
        raise EdgeFailed("Typst returned no PDF: install the version of it that requirements.lock names")
    return pdf


def _compiler() -> typst.Compiler:
    """Return this thread's compiler, made once: it holds the fonts, only those that come with Typst itself."""
    import typst

    if not hasattr(OF_THREAD, "compiler"):
        OF_THREAD.compiler = typst.Compiler(input=str(TEMPLATE), root=str(TEMPLATE.parent), ignore_system_fonts=True)
    compiler: typst.Compiler = OF_THREAD.compiler
    return compiler


def _content(document: Document, when: datetime) -> dict[str, Any]:
    facts = dict(document.facts)
    return {
        "title": document.title,
        "file_name": document.file_name,
        "batch": facts["Batch"],
        "delivered": facts["Delivered"],
        "date": [when.year, when.month, when.day],
        "holds": document.holds,
        "verdict": document.verdict,
        "tiles": [{"label": t.label, "value": t.value, "detail": t.detail} for t in document.tiles],
        "sections": [_section(section) for section in document.sections],
        "facts": [list(fact) for fact in document.facts],
    }


def _section(section: Section) -> dict[str, Any]:
    content: dict[str, Any] = {"heading": section.heading, "paragraphs": list(section.paragraphs)}
    table = section.table
    if table is None:
        return content | {"heads": [], "rows": [], "figures": [], "widths": [], "picture": None}
    rows = [[column.write(cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    longest = [max((len(row[i]) for row in rows), default=0) for i in range(len(table.columns))]
    picture = charts.lay_out(table, section.chart) if section.chart else None
    return content | {
        "heads": [column.heading for column in table.columns],
        "rows": rows,
        "figures": [i for i, column in enumerate(table.columns) if column.kind is not Kind.TEXT],
        # The first column of words, and any long one, takes what the others leave.
        "widths": [3 if length > WIDE_CELL else 1 if i == 0 else 0 for i, length in enumerate(longest)],
        "picture": _picture(picture) if picture else None,
        "beside": max(longest) <= WIDE_CELL,
    }


def _picture(picture: Picture) -> dict[str, Any]:
    """Return a picture's shapes by kind, each as the list of its fields; words lie above axes, and these above bars."""
    kinds: dict[type[Shape], list[Shape]] = {Bar: [], Axis: [], Words: []}
    for shape in picture.shapes:
        kinds[type(shape)].append(shape)
    return {
        "title": picture.title,
        "width": charts.WIDTH,
        "height": picture.height,
        "rule": charts.RULE,
        "bars": kinds[Bar],
        "axes": kinds[Axis],
        "words": kinds[Words],
    }
