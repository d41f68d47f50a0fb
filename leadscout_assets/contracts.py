"""One contract per table: every column with type, unit, range and origin.

From a contract come the Arrow schema that every write must fit, the rules of the contract check and the column schema
shown in Dagster. Adding a table is adding a contract. No data passes through here except to be put into its types.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pyarrow as pa

from leadscout_assets.errors import ContractBroken
from leadscout_assets.terms import Defect, Linked, Method, Origin, PhoneKind, Province, Reason, ReportKind, Warn

BATCH_ID = r"\d{4}-\d{2}-\d{2}_[a-z0-9-]+_[0-9a-f]{8}"
LEAD_ID = r"[0-9a-f]{16}"
E164 = r"\+[1-9]\d{6,14}"

STRING = pa.string()
STRINGS = pa.list_(pa.string())
ROW = pa.int32()
COUNT = pa.int64()
BOOLEAN = pa.bool_()
REAL = pa.float64()
MOMENT = pa.timestamp("us", tz="UTC")
POINTS = pa.int32()


@dataclass(frozen=True)
class Column:
    """One column: what it means, and what its values may be.

    `nullable` and `type` hold for every write; the rest is what the contract check judges: `pattern` must match the
    whole value, `minimum` and `maximum` are inclusive, `allowed` lists the only values. For a list column `pattern` and
    `allowed` hold for each element, none of which is null.
    """

    name: str
    type: pa.DataType
    means: str
    nullable: bool = False
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """A table's columns, and the key: the columns in which, taken together, no two rows may be equal.

    `order`: the columns by which rows come sorted out of the table, where they are not the key. `scattered`: its rows are
    looked through as a whole, so that batches share files instead of having some of their own.
    """

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    order: tuple[str, ...] = ()
    scattered: bool = False

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema: names, order, types and nullability."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    def empty(self) -> pa.Table:
        """Return a frame of this contract with no rows."""
        return self.schema.empty_table()

    def fit(self, frame: pa.Table) -> pa.Table:
        """Return `frame` in this contract's column order and types.

        Raises `ContractBroken` where a column is missing, surplus, of another type or null where it must not be.
        """
        wanted, given = [c.name for c in self.columns], frame.column_names
        if sorted(wanted) != sorted(given):
            missing, surplus = sorted(set(wanted) - set(given)), sorted((Counter(given) - Counter(wanted)).keys())
            raise ContractBroken(f"table {self.name}: missing columns {missing}, surplus columns {surplus}")
        return pa.Table.from_arrays(
            [self._fit_column(column, frame[column.name]) for column in self.columns], schema=self.schema
        )

    def _fit_column(self, column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray:
        if not column.nullable and values.null_count:
            raise ContractBroken(f"table {self.name}: column {column.name} is null where it must not be")
        try:
            return values.cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
            # Arrow's message quotes the value it choked on, which may be personal: keep only the place.
            raise ContractBroken(f"table {self.name}: column {column.name} is not {column.type}") from None


def _batch() -> Column:
    return Column("batch_id", STRING, "the batch, which is also the Dagster partition", pattern=BATCH_ID)


def _lead() -> Column:
    return Column("lead_id", STRING, "keyed 64-bit hash of business and director, in hex", pattern=LEAD_ID)


def _phone(name: str, means: str) -> tuple[Column, Column]:
    kinds = tuple(PhoneKind)
    return (
        Column(name, STRING, f"{means}, E.164", nullable=True, pattern=E164),
        Column(f"{name}_kind", STRING, f"kind of {name}, from its prefix", nullable=True, allowed=kinds),
    )


FIELDS: tuple[str, ...] = (
    "entity_name",
    "trading_as_name",
    "keyword",
    "contact_number",
    "cell_number",
    "email_address",
    "registered_address",
    "registered_address_city",
    "registered_address_province",
    "director_name",
    "director_cell",
)
"""The recognised fields of a lead list, in the order in which reports show them."""

REQUIRED_FIELDS: tuple[str, ...] = ("entity_name", "director_name")
"""A file without these two columns is refused."""

RAW_LEADS = Contract(
    name="raw_leads",
    means="Every delivered row as text, nothing cleaned, nothing dropped.",
    key=("batch_id", "source_row"),
    columns=(
        _batch(),
        Column(
            "source_row", ROW, "row number that a spreadsheet shows for the row; the header is usually 1", minimum=1
        ),
        Column(
            "source_line", ROW, "first physical line in a CSV, starts at 1; null for XLSX", nullable=True, minimum=1
        ),
        *(
            Column(field, STRING, f"{field} as delivered; null where the cell is blank", nullable=True)
            for field in FIELDS
        ),
        Column("extra", STRING, "JSON object of the non-blank cells of unrecognised columns, by header", nullable=True),
        Column("defect", STRING, "why the row is not split into columns", nullable=True, allowed=tuple(Defect)),
        Column("defect_text", STRING, "the row's text where it is not split", nullable=True),
    ),
)

LEADS = Contract(
    name="leads",
    means="One row per lead: cleaned, normalised, with its warnings.",
    key=("batch_id", "lead_id"),
    order=("batch_id", "source_row"),
    columns=(
        _batch(),
        _lead(),
        Column("source_row", ROW, "row of the delivered file that became this lead", minimum=1),
        Column("entity_name", STRING, "business name without its company type, spacing tidied"),
        Column("company_type", STRING, "company type split from the name, e.g. `(Pty) Ltd`", nullable=True),
        Column("trading_as_name", STRING, "trading name, spacing tidied", nullable=True),
        Column("keyword", STRING, "line of business as delivered, spacing tidied", nullable=True),
        *_phone("contact_number", "the business's number"),
        *_phone("cell_number", "the business's cell number"),
        *_phone("director_cell", "the director's cell number"),
        Column("other_numbers", STRINGS, "further numbers that stood in the three phone cells, E.164", pattern=E164),
        Column("email_address", STRING, "normalised e-mail address", nullable=True),
        Column("email_is_free", BOOLEAN, "whether the e-mail's domain is a free-mail provider", nullable=True),
        Column("address", STRING, "street address, spacing tidied", nullable=True),
        Column(
            "city", STRING, "city or town in title case; null where digits or a province stood there", nullable=True
        ),
        Column("province", STRING, "ISO 3166-2:ZA code without `ZA-`, or `unknown`", allowed=tuple(Province)),
        Column("postal_code", STRING, "four digits", nullable=True, pattern=r"\d{4}"),
        Column("director_title", STRING, "title such as `Mr` or `Dr`", nullable=True),
        Column("director_given_names", STRING, "given names and initials, in title case", nullable=True),
        Column("director_surname", STRING, "surname with its particles, in title case"),
        Column(
            "same_director_as",
            ROW,
            "source_row of the first lead with this director and cell",
            nullable=True,
            minimum=1,
        ),
        Column("warnings", STRINGS, "codes of the defects that the lead survives", allowed=tuple(Warn)),
    ),
)

REJECTED_LEADS = Contract(
    name="rejected_leads",
    means="One row per delivered row that did not become a lead, with every reason.",
    key=("batch_id", "source_row"),
    columns=(
        _batch(),
        Column("source_row", ROW, "row number that a spreadsheet shows for the row", minimum=1),
        Column("reasons", STRINGS, "codes of all reasons that apply, at least one", allowed=tuple(Reason)),
        Column(
            "duplicate_of", ROW, "source_row that this row repeats, where `duplicate` applies", nullable=True, minimum=1
        ),
        Column(
            "row",
            STRING,
            "the row as delivered, JSON object by header, so that it can be corrected and sent again; empty where suppressed",
        ),
    ),
)

CLASSIFICATIONS = Contract(
    name="classifications",
    means="One answer or abstention on the origin of each lead's director's name.",
    key=("batch_id", "lead_id"),
    columns=(
        _batch(),
        _lead(),
        Column(
            "origin",
            STRING,
            "the origin answered, null where narrowed or abstained",
            nullable=True,
            allowed=tuple(Origin),
        ),
        Column(
            "confidence",
            REAL,
            "probability of the origin, else of the set; null where abstained",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "origin_set",
            STRINGS,
            "the origins not excluded: one answered, two or three narrowed, none abstained",
            allowed=tuple(Origin),
        ),
        Column("language", STRING, "language group of the surname where known", nullable=True),
        Column("method", STRING, "the stage that decided, or why none did", allowed=tuple(Method)),
        *(
            Column(
                f"p_{origin}",
                REAL,
                f"probability of {origin}; null where nothing is known",
                nullable=True,
                minimum=0,
                maximum=1,
            )
            for origin in Origin
        ),
        Column("evidence", STRING, "what decided, by name part, stage and origin; never a name", nullable=True),
        Column("model_version", STRING, "version of lexicon, model and weights"),
    ),
)


def lead_scores(features: tuple[str, ...]) -> Contract:
    """Build the contract of lead_scores from the features that the score is made of."""
    return Contract(
        name="lead_scores",
        means="How worthwhile a call is, 0 to 100, as the sum of named contributions.",
        key=("batch_id", "lead_id"),
        order=("batch_id", "rank"),
        columns=(
            _batch(),
            _lead(),
            Column("score", REAL, "points; exactly the sum of the contributions / 100", minimum=0, maximum=100),
            Column("rank", ROW, "1 is best; ties are broken by source_row", minimum=1),
            *(
                Column(
                    feature,
                    POINTS,
                    f"contribution of {feature}, integer hundredths of a point",
                    minimum=0,
                    maximum=10_000,
                )
                for feature in features
            ),
        ),
    )


LEAD_REPORTS = Contract(
    name="lead_reports",
    means="The files of a batch's report.",
    key=("batch_id", "kind"),
    columns=(
        _batch(),
        Column("kind", STRING, "kind of file", allowed=tuple(ReportKind)),
        Column("path", STRING, "path below the reports folder"),
        Column("bytes", COUNT, "size, bytes", minimum=1),
        Column("sha256", STRING, "SHA-256 of the file, hex", pattern=r"[0-9a-f]{64}"),
    ),
)


def run_performance(record: tuple[Column, ...]) -> Contract:
    """Build the contract of run_performance from the columns that a run record has."""
    return Contract(
        name="run_performance",
        means="Every run record that was left in Dagster's event log, once per event.",
        key=("event_id",),
        columns=(
            Column("event_id", COUNT, "storage id of the event in Dagster's event log", minimum=1),
            Column("recorded_at", MOMENT, "when the event was made, UTC"),
            Column("batch_id", STRING, "the batch that was materialized; null where a step broke off", nullable=True),
            Column(
                "batch_rows", COUNT, "rows made of this batch; null where a step broke off", nullable=True, minimum=0
            ),
            *record,
        ),
    )


VALUE_GROUPS: dict[str, tuple[str, ...]] = {
    "business": ("entity_name", "company_type"),
    "trading_as_name": ("trading_as_name",),
    "keyword": ("keyword",),
    "contact_number": ("contact_number", "contact_number_kind"),
    "cell_number": ("cell_number", "cell_number_kind"),
    "director_cell": ("director_cell", "director_cell_kind"),
    "email_address": ("email_address", "email_is_free"),
    "place": ("address", "city", "postal_code", "province"),
    "director": ("director_title", "director_given_names", "director_surname"),
}
"""What a known lead knows, in groups of columns that only mean something together: a new town with the old postcode is no place."""


def _known() -> Column:
    return Column("known_lead_id", STRING, "lead id of the lead that was delivered first", pattern=LEAD_ID)


def _newest(name: str) -> Column:
    (column,) = (column for column in LEADS.columns if column.name == name)
    return replace(column, nullable=True, means=f"newest delivered: {column.means}")


KNOWN_LEADS = Contract(
    name="known_leads",
    means="One row per business and director, however often delivered: the newest value of each field, and where from.",
    key=("known_lead_id",),
    order=("batch_id", "known_lead_id"),
    columns=(
        Column("batch_id", STRING, "the batch that delivered it first", pattern=BATCH_ID),
        _known(),
        *(_newest(name) for names in VALUE_GROUPS.values() for name in names),
        *(
            Column(
                f"{group}_source",
                ROW,
                f"which of the sources {', '.join(names)} came from: 0 is the newest; null where no source has one",
                nullable=True,
                minimum=0,
            )
            for group, names in VALUE_GROUPS.items()
        ),
        Column("source_batches", STRINGS, "batches of all its leads, the newest delivered first", pattern=BATCH_ID),
        Column("source_leads", STRINGS, "lead ids of the same", pattern=LEAD_ID),
        Column("source_rows", pa.list_(ROW), "source_row of the same"),
        Column("source_times", pa.list_(MOMENT), "when the same were delivered, UTC"),
    ),
)

KNOWN_LEAD_LINKS = Contract(
    name="known_lead_links",
    means="Which known lead each lead of a batch is, and what tells.",
    key=("batch_id", "lead_id"),
    columns=(
        _batch(),
        _lead(),
        _known(),
        Column("known_batch_id", STRING, "the batch that delivered the known lead first", pattern=BATCH_ID),
        Column("how", STRING, "first of it, exactly the same names, or near", allowed=tuple(Linked)),
        Column(
            "score",
            REAL,
            "of a near one: probability that it is the same; null where only leads delivered later connect it",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("evidence", STRINGS, "of a near one: how each field compares, as codes; never a value"),
    ),
)

KNOWN_LEAD_INDEX = Contract(
    name="known_lead_index",
    means="By what leads find those of other batches that may be the same: hashes, no values.",
    key=("batch_id", "lead_id"),
    columns=(
        _batch(),
        _lead(),
        *(
            Column(name, pa.int64(), means, nullable=True)
            for name, means in {
                "by_director_start": "director's name in any order, and how the business's name begins",
                "by_director_end": "director's name in any order, and how the business's name ends",
                "by_business": "business's name, and the director's initials in any order",
                "by_trading": "trading name, and the director's initials in any order",
                "by_cell": "director's cell, and how the business's name begins",
                "by_email": "e-mail address, and how the business's name begins",
            }.items()
        ),
    ),
    scattered=True,
)
