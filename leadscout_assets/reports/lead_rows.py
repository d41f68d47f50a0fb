"""The leads of a batch as rows to take away, with the origins of names where these were asked for. Laid out, not written.

With `sheets`, the only place that joins an origin to a lead; nothing here decides whether that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.frames import in_order
from leadscout_assets.names.deciding import FOLD_INTO
from leadscout_assets.names.describing import FOLDED_LANGUAGES
from leadscout_assets.reports import sheets, wording
from leadscout_assets.reports.document import Kind
from leadscout_assets.reports.sheets import Sheet, SheetColumn, Values
from leadscout_assets.terms import Origin

ORIGIN_COLUMNS = (
    SheetColumn("Name origin", width=22),
    SheetColumn("Confidence", Kind.POINTS, 11),
    SheetColumn("Language", width=16),
    SheetColumn("How it was decided", width=28),
)

CAUTION = (
    ("Name origin", "The likely linguistic and cultural origin of the director's name. Never a person's race."),
    ("What it proves", "Nothing about citizenship, ownership or B-BBEE status: that takes an affidavit or a certificate."),
    ("What it may not do", "Decide about a person by itself (POPIA s71), and nothing on credit, employment, prices or exclusion."),
    ("Doubt", "Two or three origins are an answer, and so is a blank cell: it is not known."),
    ("Confidence", "How likely the answer, or one of the two or three, is right: 0 to 1."),
)  # fmt: skip


def lead_rows(leads: pa.Table, scores: pa.Table, answers: pa.Table | None, *, reveal_religion: bool) -> Sheet:
    """Lay out one batch's leads by rank; with `answers` (its CLASSIFICATIONS) also the origin of each director's name.

    Whatever religion was revealed when the answers were made, it is shown only where it may be now.
    """
    sheet = sheets.leads_sheet(leads, scores)
    if answers is None:
        return sheet
    ranked = in_order(scores, ["rank"])
    found = answers.take(pc.index_in(ranked["lead_id"], value_set=answers["lead_id"]))
    slices = _beside(sheet.slices, found, reveal_religion=reveal_religion)
    return replace(sheet, columns=(*sheet.columns, *ORIGIN_COLUMNS), slices=slices)


def caution_sheet(batch: str, purpose: str) -> Sheet:
    """Lay out what whoever opens a file with origins must know first."""
    rows = (("Batch", batch), ("Purpose", purpose), *CAUTION)
    columns = (SheetColumn("Word", width=20), SheetColumn("What it means", width=110, free=True))
    values: list[Values] = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return Sheet("Read first", columns, len(rows), iter([values]))


def _beside(slices: Iterator[list[Values]], answers: pa.Table, *, reveal_religion: bool) -> Iterator[list[Values]]:
    start = 0
    for values in slices:
        some = answers.slice(start, len(values[0]))
        start += len(values[0])
        yield [
            *values,
            _origins(some["origin_set"], reveal_religion=reveal_religion),
            some["confidence"],
            _languages(some["language"], reveal_religion=reveal_religion),
            _each(some["method"], lambda method: wording.METHODS[method]),
        ]


def _origins(sets: Values, *, reveal_religion: bool) -> Values:
    def shown(joined: str) -> str | None:
        members = [Origin(one) for one in joined.split("|") if one]
        found = dict.fromkeys(one if reveal_religion else FOLD_INTO.get(one, one) for one in members)
        return " or ".join(wording.ORIGINS[one] for one in found) or None

    return _each(pc.binary_join(sets, "|"), shown)


def _languages(languages: Values, *, reveal_religion: bool) -> Values:
    def shown(language: str) -> str | None:
        told = language if reveal_religion else FOLDED_LANGUAGES.get(language, language)
        return told.replace("_", " ") or None

    return _each(languages, shown)


def _each(column: Values, shown: Callable[[str], str | None]) -> Values:
    """Put a text in place of each of the few distinct ones of a column; null stays null."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode()
    return pa.array([shown(one) for one in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)
