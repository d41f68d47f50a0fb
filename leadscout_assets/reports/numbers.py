"""Every figure of a batch's report, computed once from its frames; the renderers only set them in type.

No words for people beyond the rules' own sentences, no file formats, and no row-level value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import LEADS
from leadscout_assets.reports.origins import OriginNumbers, origin_numbers
from leadscout_assets.reports.quality import ColumnQuality, column_quality, rate
from leadscout_assets.reports.scores import ScoreNumbers, score_numbers
from leadscout_assets.terms import PhoneKind, Reason

if TYPE_CHECKING:
    from leadscout_assets.leads.delivery import Delivery
    from leadscout_assets.names.outcome import ModelOutcome

TOP_KEYWORDS = 10
MIN_KEYWORD = 5
"""A keyword is free text and may hold anything: it is named only where this many leads share it."""

PHONE_COLUMNS = ("contact_number", "cell_number", "director_cell")


@dataclass(frozen=True)
class Totals:
    """Counts of rows. `delivered` is what the second, independent reader counted, or else the rows read."""

    delivered: int
    leads: int
    rejected: int
    duplicates: int
    answered: int
    narrowed: int
    abstained: int


@dataclass(frozen=True)
class Line:
    """One equation that must hold for the batch: its sides, in words and in rows (null where nobody could count)."""

    left: str
    left_rows: int | None
    right: str
    right_rows: int
    holds: bool


@dataclass(frozen=True)
class CodeCount:
    """How many rows carry a reason or a warning; `share` is 0..1 of the rows delivered, or of the leads."""

    code: str
    sentence: str
    count: int
    share: float


@dataclass(frozen=True)
class Tally:
    """How many leads have a value; `share` is 0..1 of the leads."""

    value: str
    count: int
    share: float


@dataclass(frozen=True)
class Reach:
    """Leads that can be reached, by way; `kinds` counts the numbers in the three phone columns by kind."""

    mobile: int
    any_phone: int
    email: int
    neither: int
    kinds: tuple[Tally, ...]


@dataclass(frozen=True)
class BatchNumbers:
    """All figures of one batch's report, as plain values."""

    batch_id: str
    file_name: str
    size_bytes: int
    sha256: str
    delivered_at: str
    totals: Totals
    reconciliation: tuple[Line, ...]
    reasons: tuple[CodeCount, ...]
    warnings: tuple[CodeCount, ...]
    columns: tuple[ColumnQuality, ...]
    scores: ScoreNumbers
    reach: Reach
    provinces: tuple[Tally, ...]
    keywords: tuple[Tally, ...]
    origins: OriginNumbers
    asked: ModelOutcome | None = None

    @property
    def reconciled(self) -> bool:
        """Whether every equation holds."""
        return all(line.holds for line in self.reconciliation)

    def to_json(self) -> str:
        """Write all figures as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def batch_numbers(
    delivery: Delivery,
    raw: pa.Table,
    leads: pa.Table,
    rejected: pa.Table,
    classifications: pa.Table,
    scores: pa.Table,
    *,
    purpose: str | None,
    why_not: str | None = None,
    asked: ModelOutcome | None = None,
) -> BatchNumbers:
    """Compute the figures of one batch from its frames (each fits its contract and holds this batch alone).

    `purpose` is the recorded purpose of classifying names, or nothing; `why_not` says why it was refused, where it was;
    `asked` what became of names that a language model was asked about, where one may be.
    """
    sentences = rule_sentences()
    totals = _totals(delivery, raw, leads, rejected, classifications)
    return BatchNumbers(
        batch_id=delivery.batch_id,
        file_name=delivery.file_name,
        size_bytes=delivery.size_bytes,
        sha256=delivery.sha256,
        delivered_at=delivery.delivered_at.isoformat(),
        totals=totals,
        reconciliation=_reconcile(delivery.rows_counted, totals, raw, classifications, scores),
        reasons=_code_counts(rejected["reasons"], sentences, totals.delivered),
        warnings=_code_counts(leads["warnings"], sentences, totals.leads),
        columns=column_quality(raw, leads),
        scores=score_numbers(scores),
        reach=_reach(leads),
        provinces=_tallies(leads["province"], leads.num_rows),
        keywords=_keywords(leads),
        origins=origin_numbers(classifications, purpose=purpose, why_not=why_not),
        asked=asked,
    )


def rule_sentences() -> dict[str, str]:
    """Map each reason and warning to the sentence that explains it."""
    from leadscout_assets.leads.validation import RULES

    return {str(rule.code): rule.sentence for rule in RULES}


def _totals(
    delivery: Delivery, raw: pa.Table, leads: pa.Table, rejected: pa.Table, classifications: pa.Table
) -> Totals:
    answered = classifications.num_rows - classifications["origin"].null_count
    undecided = classifications.filter(pc.is_null(classifications["origin"]))
    narrowed = pc.sum(pc.greater(pc.list_value_length(undecided["origin_set"]), 0), min_count=0).as_py()
    return Totals(
        delivered=raw.num_rows if delivery.rows_counted is None else delivery.rows_counted,
        leads=leads.num_rows,
        rejected=rejected.num_rows,
        duplicates=dict(_count_values(pc.list_flatten(rejected["reasons"]))).get(Reason.DUPLICATE, 0),
        answered=answered,
        narrowed=narrowed,
        abstained=undecided.num_rows - narrowed,
    )


def _reconcile(
    counted: int | None, totals: Totals, raw: pa.Table, classifications: pa.Table, scores: pa.Table
) -> tuple[Line, ...]:
    def line(left: str, left_rows: int | None, right: str, right_rows: int) -> Line:
        return Line(left, left_rows, right, right_rows, left_rows == right_rows)

    sorted_rows = totals.leads + totals.rejected
    told_apart = totals.answered + totals.narrowed + totals.abstained
    return (
        line("rows delivered, counted independently", counted, "rows read", raw.num_rows),
        line("rows delivered", totals.delivered, "leads + rejected rows", sorted_rows),
        line("leads", totals.leads, "classifications", classifications.num_rows),
        line("leads", totals.leads, "answered + narrowed + abstained", told_apart),
        line("leads", totals.leads, "scores, which are the rows of the Leads sheet", scores.num_rows),
    )


def _count_values(column: pa.Array | pa.ChunkedArray) -> list[tuple[str, int]]:
    """Count the distinct non-null strings of a column, most frequent first, then by value."""
    counted = pc.value_counts(column.drop_null()).to_pylist()
    return sorted(((v["values"], v["counts"]) for v in counted), key=lambda item: (-item[1], item[0]))


def _code_counts(column: pa.ChunkedArray, sentences: dict[str, str], whole: int) -> tuple[CodeCount, ...]:
    """Count the codes of a list column; a row counts once under each of its codes."""
    return tuple(
        CodeCount(code, sentences.get(code, ""), number, rate(number, whole) or 0.0)
        for code, number in _count_values(pc.list_flatten(column))
    )


def _tallies(column: pa.ChunkedArray, whole: int) -> tuple[Tally, ...]:
    return tuple(Tally(value, number, number / whole) for value, number in _count_values(column))


def _keywords(leads: pa.Table) -> tuple[Tally, ...]:
    """Tally the commonest keywords without regard to case, each written as it is most often delivered."""
    spellings = _count_values(leads["keyword"])
    merged: dict[str, tuple[str, int]] = {}
    for spelling, number in spellings:
        first, so_far = merged.get(spelling.casefold(), (spelling, 0))
        merged[spelling.casefold()] = (first, so_far + number)
    shared = sorted((item for item in merged.values() if item[1] >= MIN_KEYWORD), key=lambda item: (-item[1], item[0]))
    return tuple(Tally(value, number, number / leads.num_rows) for value, number in shared[:TOP_KEYWORDS])


def _reach(leads: pa.Table) -> Reach:
    def total(mask: pa.ChunkedArray) -> int:
        return int(pc.sum(mask, min_count=0).as_py())

    def any_of(masks: Iterable[pa.ChunkedArray]) -> pa.ChunkedArray:
        first, *rest = masks
        for mask in rest:
            first = pc.or_(first, mask)
        return first

    kinds = [leads[f"{column}_kind"] for column in PHONE_COLUMNS]
    is_mobile = any_of(pc.fill_null(pc.equal(kind, str(PhoneKind.MOBILE)), False) for kind in kinds)
    has_phone = any_of(pc.is_valid(leads[column]) for column in PHONE_COLUMNS)
    has_email = pc.is_valid(leads["email_address"])
    numbers = pa.chunked_array(
        [chunk for kind in kinds for chunk in kind.chunks], LEADS.schema.field("cell_number_kind").type
    )
    return Reach(
        mobile=total(is_mobile),
        any_phone=total(has_phone),
        email=total(has_email),
        neither=total(pc.invert(pc.or_(has_phone, has_email))),
        kinds=_tallies(numbers, len(numbers) - numbers.null_count),
    )
