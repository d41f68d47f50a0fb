"""Classifies the names in one column of a CSV, a row out per row in. What `leadscout classify` does."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets.errors import BadInput
from leadscout_assets.leads.csv_layout import find_layout, lines_from
from leadscout_assets.leads.decoding import read_text
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.reading import detect
from leadscout_assets.pace import told
from leadscout_assets.progress import current
from leadscout_assets.terms import Origin

if TYPE_CHECKING:
    from leadscout_assets.names.remembered import Remembered

PROBABILITIES = tuple(f"p_{origin}" for origin in Origin)
HEADINGS = ("name", "origin", "confidence", "method", "origin_set", "language", *PROBABILITIES)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheet programs take for the start of a formula, full-width forms included (OWASP, CSV injection)."""

AT_ONCE = 50_000
"""Names classified, and written, between two words on the progress, at which the work can be ended."""

CLASSIFYING = 0.7
"""Share of the time that classifying takes; the rest is writing."""

DIGITS = 4
"""Decimals of confidences and probabilities; the calibration behind them resolves less."""


def classify_csv(
    source: Path,
    column: str,
    out: Path,
    limits: ReadLimits,
    *,
    reveal_religion: bool,
    confirmed: Remembered | None = None,
    before: Callable[[], object] = lambda: None,
) -> int:
    """Write one classification per row of `source` to `out`, in order, and return the number of rows.

    What people `confirmed` of a full name wins over every estimate. A blank name is a row too, abstained. `before` is called when
    the names are read and nothing is inferred yet. Raises `BadInput` for a file that is no CSV with that column, and where
    `out` is that very file.
    """
    from leadscout_assets.names.cascade import classify_names, load_classifier
    from leadscout_assets.names.normalising import split_names

    check_apart(source, out)
    names = _column(source, column, limits)
    before()
    progress, classifier = current("names"), load_classifier()
    progress.expect(len(names))
    progress.stage("classifying", CLASSIFYING)
    slices = [names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)] or [[]]
    answers = []
    for some in told(slices, len(slices), progress.tell):
        parts = split_names(pa.array(some, pa.string()))
        answers.append(
            classify_names(
                parts["given_names"],
                parts["surname"],
                classifier,
                reveal_religion=reveal_religion,
                remembered=confirmed,
            )
        )
    progress.stage("writing", 1.0)
    pairs = told(zip(slices, answers, strict=True), len(slices), progress.tell)
    _write(out, chain.from_iterable(_rows(some, found) for some, found in pairs))
    return len(names)


def check_apart(source: Path, out: Path) -> None:
    """Raise `BadInput` where `out` is `source`, by whatever path or link: the answers would stand in place of its columns."""
    try:
        same = out.samefile(source)
    except OSError:
        return  # one of them is not there, which is found where it is read or written
    if same:
        raise BadInput("--out is the CSV with the names itself, whose other columns would be lost: name another file")


def _column(source: Path, column: str, limits: ReadLimits) -> list[str]:
    if not source.is_file():
        raise BadInput("there is no such CSV; check the path")
    if detect(source).name != "csv":
        raise BadInput("this is a workbook; save the sheet with the names as CSV and classify that")
    text = read_text(source, limits)
    layout = find_layout(text, limits)
    headings = [heading.strip().casefold() for heading in layout.headers]
    called_so = headings.count(column.strip().casefold())
    if called_so != 1:
        # The headings are not shown: where a list has none, its first row is a person.
        raise BadInput(
            f"--column must name exactly one heading of the CSV; of the {len(headings)} in its first row, {called_so} are called so"
        )
    position = headings.index(column.strip().casefold())
    rows = csv.reader(lines_from(text, layout.body), delimiter=layout.delimiter, strict=True)
    try:
        # A blank cell is an empty line where there is but one column; with more columns an empty line is no row.
        return [row[position] if position < len(row) else "" for row in rows if row or len(headings) == 1]
    except csv.Error:
        raise BadInput(
            f"the CSV cannot be read beyond its line {rows.line_num}: look for a quote that is never closed"
        ) from None


def _write(out: Path, rows: Iterator[list[object]]) -> None:
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", newline="", encoding="utf-8") as file:
            # Quoted throughout: a program that expects another separator must not cut a name where a formula begins.
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(HEADINGS)
            writer.writerows(rows)
        temporary.replace(out)
    except OSError as error:
        raise BadInput(f"--out cannot be written ({error.strerror}): name a file in a folder that can be") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _rows(names: list[str], answers: pa.Table) -> Iterator[list[object]]:
    columns = {name: answers[name].to_pylist() for name in answers.column_names}
    for row, name in enumerate(names):
        figures = (columns[column][row] for column in PROBABILITIES)
        yield [
            _harmless(name),
            columns["origin"][row] or "",
            _figure(columns["confidence"][row]),
            columns["method"][row],
            "|".join(columns["origin_set"][row]),
            columns["language"][row] or "",
            *map(_figure, figures),
        ]


def _harmless(name: str) -> str:
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name


def _figure(value: float | None) -> str:
    return "" if value is None else str(round(value, DIGITS))
