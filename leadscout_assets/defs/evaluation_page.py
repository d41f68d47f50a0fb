"""The evaluation of the name classifier as one page of Markdown for the Dagster UI: tables, and charts drawn as pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from leadscout_assets.names.baseline import LESS_IS_BETTER, MORE_IS_BETTER
from leadscout_assets.reports.charts import draw
from leadscout_assets.reports.document import Cell, Chart, Column, Kind, Table


def evaluation_page(figures: Mapping[str, Any]) -> str:
    """Return the page: main figures, reliability, confusion, coverage against error, groups."""
    return "\n\n".join(
        [
            "## Main figures",
            _table(
                ("figure", "value", "95 %", "cases"),
                [
                    (metric, _number(figures[metric]["value"]), _interval(figures[metric]), figures[metric]["n"])
                    for metric in (*MORE_IS_BETTER, *LESS_IS_BETTER)
                ],
            ),
            "## Reliability: accuracy in fifteen bins of equal size, by mean confidence",
            _chart(
                "Accuracy by mean confidence",
                ("Mean confidence", "Accuracy"),
                [(f"{confidence:.3f}", right) for _, confidence, right in figures["reliability"]],
            ),
            "## Confusion: true origin (rows) and most probable one",
            _confusion(figures["confusion"]),
            "## Coverage against error",
            _chart(
                "Error by the share of names answered",
                ("Answered", "Error"),
                [(f"{100 * line['coverage']:.0f} %", line["error"]) for line in figures["coverage_against_error"]],
            ),
            "## By group: share whose most probable origin is right",
            _chart(
                "Right by group",
                ("Group", "Right"),
                [(group, line["most_probable_right"]["value"]) for group, line in figures["by_group"].items()],
            ),
        ]
    )


def _chart(title: str, headings: tuple[str, str], rows: Sequence[tuple[str, float]]) -> str:
    cells: tuple[tuple[Cell, ...], ...] = tuple((label, value) for label, value in rows)
    table = Table((Column(headings[0]), Column(headings[1], Kind.SHARE)), cells)
    picture = b64encode(draw(table, Chart(title, (1,), most=1.0)).encode()).decode()
    return f"![{title}](data:image/svg+xml;base64,{picture})\n\n" + _table(
        headings, [(label, _number(value)) for label, value in rows]
    )


def _confusion(confusion: Mapping[str, Mapping[str, int]]) -> str:
    answers = sorted({answer for line in confusion.values() for answer in line})
    return _table(
        ("", *answers), [(truth, *(line.get(answer, 0) for answer in answers)) for truth, line in confusion.items()]
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['low']:.4f} to {figure['high']:.4f}"
