"""Frames of one batch for the tests of the reports: a small one, counted by hand, and one of any size.

All names are made up; nothing is read or written.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from leadscout_assets.contracts import CLASSIFICATIONS, FIELDS, LEADS, RAW_LEADS, REJECTED_LEADS, Contract, lead_scores
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.terms import Origin

BATCH = "2026-03-02_leads_0123abcd"
PURPOSE = "demonstration. To show the platform at work."
FEATURES = ("contactability", "completeness")

Row = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """The frames of one batch and its delivery."""

    delivery: Delivery
    raw: pa.Table
    leads: pa.Table
    rejected: pa.Table
    classifications: pa.Table
    scores: pa.Table

    def frames(self) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table, pa.Table]:
        return self.raw, self.leads, self.rejected, self.classifications, self.scores


def delivery(rows: int | None, file_name: str = "leads.xlsx") -> Delivery:
    return Delivery(
        batch_id=BATCH,
        sha256="0123abcd" * 8,
        file_name=file_name,
        size_bytes=48_213,
        delivered_at=datetime(2026, 3, 2, 6, 30, tzinfo=UTC),
        rows_counted=rows,
    )


def frame(contract: Contract, rows: Sequence[Row]) -> pa.Table:
    """Build a frame from rows that name only what matters: the rest is null, or empty for lists."""
    blank: Row = {c.name: [] if pa.types.is_list(c.type) else None for c in contract.columns}
    full = [blank | {"batch_id": BATCH} | row for row in rows]
    return contract.fit(pa.Table.from_pylist(full, contract.schema))


def lead_id(number: int) -> str:
    return f"{number:016x}"


def raw_row(source_row: int, **fields: str) -> Row:
    return {"source_row": source_row, "source_line": source_row, **fields}


def lead_row(source_row: int, **values: Any) -> Row:
    defaults = {"entity_name": "KAROO BOLTS", "director_surname": "Botha", "province": "GP"}
    return {"lead_id": lead_id(source_row), "source_row": source_row} | defaults | values


def score_row(source_row: int, rank: int, *contributions: int) -> Row:
    score = sum(contributions) / 100
    return {"lead_id": lead_id(source_row), "score": score, "rank": rank} | dict(
        zip(FEATURES, contributions, strict=True)
    )


def answer_row(source_row: int, *origins: Origin) -> Row:
    """Build an answer: one origin answers, several narrow, none abstains."""
    row: Row = {"lead_id": lead_id(source_row), "method": "lexicon" if origins else "abstained", "model_version": "1"}
    if len(origins) == 1:
        row["origin"] = str(origins[0])
    return row | {"origin_set": [str(o) for o in origins], "confidence": 0.9 if origins else None}


def small_batch() -> Batch:
    """Six rows: four leads and two rejected rows, every figure of which a reader can count."""
    raw = [
        raw_row(2, entity_name="KAROO BOLTS", director_name="B BOTHA", director_cell="0821234567", keyword="STEEL"),
        raw_row(3, entity_name="VLEI FOODS", director_name="N NKOSI", email_address="a@vlei.example"),
        raw_row(4, entity_name="=cmd|' /C calc'!A0", director_name="<b>Zulu</b>", contact_number="0111234567"),
        raw_row(5, entity_name="KOP & SONS", director_name="P NAIDOO", registered_address_province="GAUTENG"),
        raw_row(6, entity_name="KAROO BOLTS", director_name="B BOTHA", director_cell="0821234567"),
        raw_row(7, director_name="4"),
    ]
    mobile: Row = {"director_cell": "+27821234567", "director_cell_kind": "mobile"}
    landline: Row = {"contact_number": "+27111234567", "contact_number_kind": "landline"}
    leads = [
        lead_row(2, **mobile, keyword="STEEL", warnings=["no_address"]),
        lead_row(3, email_address="a@vlei.example", email_is_free=False, warnings=["no_address", "no_phone"]),
        lead_row(4, entity_name="=cmd|' /C calc'!A0", director_surname="<b>Zulu</b>", province="KZN", **landline),
        lead_row(5, entity_name="KOP & SONS", province="unknown", warnings=["no_phone", "province_unknown"]),
    ]
    rejected = [
        {
            "source_row": 6,
            "reasons": ["duplicate"],
            "duplicate_of": 2,
            "row": json.dumps(
                {"entity_name": "KAROO BOLTS", "director_name": "B BOTHA", "director_cell": "0821234567"}
            ),
        },
        {
            "source_row": 7,
            "reasons": ["missing_business_name", "unusable_director_name"],
            "row": json.dumps({"director_name": "4", "Work column": "=1+1"}),
        },
    ]
    answers = [
        answer_row(2, Origin.EUROPEAN),
        answer_row(3, Origin.AFRICAN),
        answer_row(4, Origin.COLOURED, Origin.EUROPEAN),
        answer_row(5),
    ]
    scores = [
        score_row(2, 1, 6000, 3000),
        score_row(3, 3, 2000, 1050),
        score_row(4, 2, 4000, 3000),
        score_row(5, 4, 0, 1000),
    ]
    return Batch(
        delivery(len(raw)),
        frame(RAW_LEADS, raw),
        frame(LEADS, leads),
        frame(REJECTED_LEADS, rejected),
        frame(CLASSIFICATIONS, answers),
        frame(lead_scores(FEATURES), scores),
    )


def empty_batch(rows: int | None = 0) -> Batch:
    """A batch without a row, as one that was refused has it; `rows` is what the second reader counted."""
    tables = (RAW_LEADS, LEADS, REJECTED_LEADS, CLASSIFICATIONS, lead_scores(FEATURES))
    return Batch(delivery(rows), *(table.empty() for table in tables))


def large_batch(leads: int, rejected: int, seed: int = 1, file_name: str = "leads.xlsx") -> Batch:
    """A batch of any size, full of every kind of value, the same for the same seed."""
    pick = random.Random(seed)  # test data, no secret
    kinds: tuple[tuple[Origin, ...], ...] = (
        *((Origin.AFRICAN,) for _ in range(12)),
        *((Origin.EUROPEAN,) for _ in range(5)),
        (Origin.INDIAN,),
        (Origin.COLOURED,),
        (Origin.COLOURED, Origin.EUROPEAN),
        (),
    )
    provinces = ("GP", "GP", "GP", "WC", "KZN", "EC", "LP", "MP", "NW", "FS", "NC", "unknown")
    keywords = ("CONSTRUCTION", "Transport", "CATERING", "SECURITY SERVICES", "CLEANING", "I.T. CONSULTING", None)
    warnings = ("no_phone", "no_address", "city_unusable", "director_single_name", "postal_code_repaired")
    raws, kept, answers, marks = [], [], [], []
    for row in range(2, leads + 2):
        cell = f"08{pick.randrange(10**8):08d}" if pick.random() < 0.9 else None
        province, keyword = pick.choice(provinces), pick.choice(keywords)
        raws.append(raw_row(row, **{field: "x" for field in FIELDS if pick.random() < 0.6}))
        kept.append(
            lead_row(
                row,
                entity_name=f"KAROO BOLTS AND SUNDRIES NUMBER {row}",
                company_type="(Pty) Ltd",
                keyword=keyword,
                province=province,
                director_cell=f"+27{cell[1:]}" if cell else None,
                director_cell_kind="mobile" if cell else None,
                director_given_names="Thandi Ann",
                address=f"{row} Long Street",
                city="Springs",
                postal_code="1559",
                warnings=[w for w in warnings if pick.random() < 0.1],
            )
        )
        answers.append(answer_row(row, *pick.choice(kinds)))
        marks.append((row, pick.randrange(1000, 6000), pick.randrange(0, 4000)))
    marks.sort(key=lambda m: (-m[1] - m[2], m[0]))
    again = {"entity_name": "KAROO BOLTS", "director_name": "B BOTHA", "Work column": "1"}
    repeats = [
        {"source_row": row, "reasons": ["duplicate"], "duplicate_of": 2, "row": json.dumps(again)}
        for row in range(leads + 2, leads + rejected + 2)
    ]
    raws += [
        raw_row(row, entity_name="KAROO BOLTS", director_name="B BOTHA")
        for row in range(leads + 2, leads + rejected + 2)
    ]
    return Batch(
        replace(delivery(leads + rejected), file_name=file_name),
        frame(RAW_LEADS, raws),
        frame(LEADS, kept),
        frame(REJECTED_LEADS, repeats),
        frame(CLASSIFICATIONS, answers),
        frame(lead_scores(FEATURES), [score_row(row, rank, a, b) for rank, (row, a, b) in enumerate(marks, 1)]),
    )
