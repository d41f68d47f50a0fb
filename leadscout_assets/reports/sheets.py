"""What the workbook's sheets of rows hold: headings, widths, and slice by slice the columns of the rows.

No file format here, so that the same rows can be written as CSV.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, LEADS, REJECTED_LEADS, lead_scores
from leadscout_assets.frames import in_order
from leadscout_assets.pace import Tell, told
from leadscout_assets.reports import wording
from leadscout_assets.reports.document import Kind
from leadscout_assets.reports.numbers import rule_sentences
from leadscout_assets.reports.scores import feature_columns, score_numbers
from leadscout_assets.terms import Reason, Warn

SLICE = 10_000
"""Rows made ready at a time: a million at once would take gigabytes."""

Values: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class SheetColumn:
    """A column: `width` is in characters, as spreadsheets count it.

    `free`: its text is whatever someone typed, so that it may look like a formula; no contract says what it is.
    """

    heading: str
    kind: Kind = Kind.TEXT
    width: int = 14
    free: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet of `row_count` rows below one header; the first `frozen` columns stay in sight.

    Each of `slices` holds the columns of at most `SLICE` rows: text where the kind is text, else numbers.
    """

    name: str
    columns: tuple[SheetColumn, ...]
    row_count: int
    slices: Iterator[list[Values]]
    frozen: int = 0


def watched(sheet: Sheet, tell: Tell) -> Sheet:
    """Return the sheet so that `tell` is told after each slice; what it raises ends the writing."""
    return replace(sheet, slices=told(sheet.slices, -(-sheet.row_count // SLICE), tell))


LEAD_COLUMNS: tuple[tuple[str, str, Kind, int], ...] = (
    # column of leads, heading, kind, width
    ("entity_name", "Business", Kind.TEXT, 34),
    ("company_type", "Company type", Kind.TEXT, 13),
    ("trading_as_name", "Trading as", Kind.TEXT, 24),
    ("keyword", "Keyword", Kind.TEXT, 18),
    ("director_title", "Title", Kind.TEXT, 7),
    ("director_given_names", "Director's given names", Kind.TEXT, 22),
    ("director_surname", "Director's surname", Kind.TEXT, 18),
    ("director_cell", "Director's cell", Kind.TEXT, 15),
    ("director_cell_kind", "Kind", Kind.TEXT, 10),
    ("cell_number", "Cell number", Kind.TEXT, 15),
    ("cell_number_kind", "Kind", Kind.TEXT, 10),
    ("contact_number", "Contact number", Kind.TEXT, 15),
    ("contact_number_kind", "Kind", Kind.TEXT, 10),
    ("other_numbers", "Other numbers", Kind.TEXT, 18),
    ("email_address", "E-mail", Kind.TEXT, 28),
    ("email_is_free", "Free mail", Kind.TEXT, 9),
    ("address", "Address", Kind.TEXT, 34),
    ("city", "City", Kind.TEXT, 18),
    ("province", "Province", Kind.TEXT, 15),
    ("postal_code", "Postal code", Kind.TEXT, 8),
    ("same_director_as", "Same director as row", Kind.ROW, 12),
    ("warnings", "Warnings", Kind.TEXT, 44),
    ("source_row", "Row delivered", Kind.ROW, 10),
    ("lead_id", "Lead", Kind.TEXT, 18),
)


CONTACT = ("may_be_contacted", "May be contacted", Kind.TEXT, 30)
"""Shown where something is recorded of a lead of the batch: what the person said, by channel. No column of the table leads."""


def _columns_of(leads: pa.Table) -> tuple[tuple[str, str, Kind, int], ...]:
    return (*LEAD_COLUMNS, CONTACT) if CONTACT[0] in leads.column_names else LEAD_COLUMNS


def leads_sheet(leads: pa.Table, scores: pa.Table) -> Sheet:
    """Lay out the leads by rank: rank and score, the business and its director, then each contribution in points."""
    features = feature_columns(scores)
    columns = (
        SheetColumn("Rank", Kind.ROW, 7),
        SheetColumn("Score", Kind.POINTS, 8),
        *(SheetColumn(heading, kind, width, _is_free(name)) for name, heading, kind, width in _columns_of(leads)),
        *(SheetColumn(f"Points: {wording.words(feature).lower()}", Kind.POINTS, 13) for feature in features),
    )
    return Sheet("Leads", columns, scores.num_rows, _lead_slices(leads, scores, features), frozen=3)


def _is_free(name: str) -> bool:
    """Say whether a column of leads is text that no pattern, no list of codes and no type holds to anything."""
    column = next((column for column in LEADS.columns if column.name == name), None)
    return column is not None and pa.types.is_string(column.type) and column.pattern is None and not column.allowed


def _lead_slices(leads: pa.Table, scores: pa.Table, features: list[str]) -> Iterator[list[Values]]:
    # To take some rows of a column in pieces, Arrow puts the pieces together first: once for all is enough.
    leads, ranked = leads.combine_chunks(), in_order(scores, ["rank"]).combine_chunks()
    places = pc.index_in(ranked["lead_id"], value_set=leads["lead_id"])
    for start in range(0, ranked.num_rows, SLICE):
        score = ranked.slice(start, SLICE)
        lead = leads.take(places.slice(start, SLICE))
        yield [
            score["rank"],
            score["score"],
            *(_readable(name, lead[name]) for name, _, _, _ in _columns_of(leads)),
            *(pc.divide(pc.cast(score[feature], pa.float64()), 100.0) for feature in features),
        ]


def _readable(name: str, column: Values) -> Values:
    """Turn codes, lists and booleans into words; all else stays as it is."""
    if pa.types.is_list(column.type):
        return pc.replace_substring(pc.binary_join(column, ", "), "_", " ")
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "yes", "no")
    if name == "province":
        return _relabel(column, wording.PROVINCES)
    if name.endswith("_kind"):
        return pc.replace_substring(column, "_", " ")
    return column


def _relabel(column: Values, labels: dict[str, str]) -> Values:
    codes = pa.array(list(labels), pa.string())
    return pa.array(list(labels.values()), pa.string()).take(pc.index_in(column, value_set=codes))


DELIVERED_AS: dict[str, str] = wording.HEADINGS | {"defect": "Defect", "defect_text": "Row as it stands in the file"}
"""Headings of what a row as delivered holds; any other column keeps the heading that it was delivered with."""


def rejected_sheet(rejected: pa.Table) -> Sheet:
    """Lay out the rejected rows: where, why in words, and the row under the headings it was delivered with."""
    ordered = in_order(rejected, ["source_row"])
    headings = _delivered_headings(ordered)
    columns = (
        SheetColumn("Row delivered", Kind.ROW, 10),
        SheetColumn("Why it was rejected", Kind.TEXT, 60),
        SheetColumn("Repeats row", Kind.ROW, 10),
        *(SheetColumn(heading, Kind.TEXT, 22, free=True) for heading in headings),
    )
    return Sheet("Rejected", columns, ordered.num_rows, _rejected_slices(ordered, headings), frozen=2)


def _rejected_slices(rejected: pa.Table, headings: list[str]) -> Iterator[list[Values]]:
    sentences = rule_sentences()
    for start in range(0, rejected.num_rows, SLICE):
        part = rejected.slice(start, SLICE)
        cells = [_delivered_cells(text) for text in part["row"].to_pylist()]
        reasons = (
            " ".join(sentences.get(code) or wording.words(code) for code in codes)
            for codes in part["reasons"].to_pylist()
        )
        yield [
            part["source_row"],
            pa.array(reasons, pa.string()),
            part["duplicate_of"],
            *(pa.array((row.get(heading) for row in cells), pa.string()) for heading in headings),
        ]


def _delivered_headings(rejected: pa.Table) -> list[str]:
    """List the recognised headings, and then all others that some rejected row has, in order of appearance."""
    found = dict.fromkeys(wording.HEADINGS.values())
    for start in range(0, rejected.num_rows, SLICE):
        for text in rejected["row"].slice(start, SLICE).to_pylist():
            found.update(dict.fromkeys(_delivered_cells(text)))
    return list(found)


def _delivered_cells(text: str) -> dict[str, str]:
    """Read a row as delivered from its JSON: the cells by heading, blank ones left out."""
    import orjson

    cells = {DELIVERED_AS.get(name, name): value for name, value in orjson.loads(text).items()}
    return {heading: str(value) for heading, value in cells.items() if value is not None}


def about_sheet(scores: pa.Table) -> Sheet:
    """Explain every column, reason and warning."""
    columns = (SheetColumn("Sheet", width=12), SheetColumn("Word", width=34), SheetColumn("What it means", width=110))
    rows = list(_about_rows(scores))
    values: list[Values] = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return Sheet("About", columns, len(rows), iter([values]))


def _about_rows(scores: pa.Table) -> Iterator[tuple[str, str, str]]:
    from leadscout_assets.scoring import FEATURES

    yield (
        "All",
        "Name origin",
        "No origin of any one person's name stands in this workbook; the Summary has aggregates.",
    )
    yield ("All", "Score", "0 to 100 points: how worthwhile a call is. Exactly the sum of the contributions.")
    if points := score_numbers(scores).origin_points:
        yield ("All", "Score", wording.origin_counts(points))
    meanings = {c.name: c.means for c in LEADS.columns}
    yield ("Leads", "Rank", next(c.means for c in lead_scores(()).columns if c.name == "rank"))
    for name, heading, _, _ in LEAD_COLUMNS:
        label = f"{heading} of {name.removesuffix('_kind').replace('_', ' ')}" if heading == "Kind" else heading
        yield ("Leads", label, _sentence(meanings[name]))
    yield (
        "Leads",
        CONTACT[1],
        "What the person said about being contacted, by channel; the column is there where something is recorded.",
    )
    sentences = {feature.name: feature.sentence for feature in FEATURES}
    for feature in feature_columns(scores):
        yield ("Leads", f"Points: {wording.words(feature).lower()}", sentences.get(feature, ""))
    yield (
        "Rejected",
        "Row delivered",
        _sentence(next(c.means for c in REJECTED_LEADS.columns if c.name == "source_row")),
    )
    yield ("Rejected", "Repeats row", "The earlier row with the same business and director.")
    yield (
        "Rejected",
        f"{wording.HEADINGS[FIELDS[0]]} and on",
        "The row as delivered. To send rows again: correct them here, save this sheet alone as a file, deliver it.",
    )
    for sheet, codes in (("Rejected", Reason), ("Leads", Warn)):
        for code in codes:
            yield (sheet, wording.words(code), rule_sentences().get(code, ""))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
