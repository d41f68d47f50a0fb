"""The contract check: every rule can be broken, is noticed, is told of the batch it is broken in, and shows no value."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest

from leadscout_assets.contract_check import judge_contract
from leadscout_assets.contracts import (
    CLASSIFICATIONS,
    LEAD_REPORTS,
    LEADS,
    RAW_LEADS,
    REJECTED_LEADS,
    Column,
    Contract,
    lead_scores,
)
from tests.reports.samples import BATCH, FEATURES, small_batch

OTHER = "2026-03-03_list_89abcdef"
SCORES = lead_scores(FEATURES)
REPORTS = pa.Table.from_pylist(
    [
        {"batch_id": BATCH, "kind": kind, "path": f"{BATCH}/{BATCH}.{kind}", "bytes": 10, "sha256": "0123abcd" * 8}
        for kind in ("xlsx", "html", "pdf")
    ],
    LEAD_REPORTS.schema,
)
_batch = small_batch()
FRAMES = {
    RAW_LEADS: _batch.raw,
    LEADS: _batch.leads,
    REJECTED_LEADS: _batch.rejected,
    CLASSIFICATIONS: _batch.classifications,
    SCORES: _batch.scores,
    LEAD_REPORTS: REPORTS,
}
BY_NAME = {contract.name: contract for contract in FRAMES}


def broken_values(column: Column) -> list[Any]:
    """Values that break one rule of the column each."""
    wrong: list[Any] = []
    if column.pattern:
        broken = ["Mokoena", "", "0001\n", "+27821234567\n"]
        wrong += [[value] for value in broken] if pa.types.is_list(column.type) else broken
    if column.minimum is not None:
        wrong.append(column.minimum - 1)
    if column.maximum is not None:
        wrong.append(column.maximum + 1)
    if column.allowed:
        wrong.append(["Mokoena"] if pa.types.is_list(column.type) else "Mokoena")
    return wrong


def put(frame: pa.Table, column: str, value: object, row: int = -1) -> pa.Table:
    values = frame[column].to_pylist()
    values[row] = value
    place = frame.column_names.index(column)
    return frame.set_column(place, frame.schema.field(place), pa.array(values, frame.schema.field(place).type))


@pytest.mark.parametrize("contract", FRAMES, ids=lambda contract: contract.name)
def test_frames_that_fit_pass(contract):
    (verdict,) = judge_contract(contract, FRAMES[contract], [BATCH]).values()
    assert verdict.passed, verdict.sentence


@pytest.mark.parametrize("contract", FRAMES, ids=lambda contract: contract.name)
def test_batches_without_rows_pass(contract):
    assert all(verdict.passed for verdict in judge_contract(contract, contract.empty(), [BATCH, OTHER]).values())


def moved(frame: pa.Table, batch: str) -> pa.Table:
    return frame.set_column(0, frame.schema.field(0), pa.array([batch] * frame.num_rows, pa.string()))


@pytest.mark.parametrize("contract", FRAMES, ids=lambda contract: contract.name)
def test_each_rule_of_each_column_can_fail_and_shows_no_value(contract):
    """One batch for every three broken columns, as many as a verdict names, and one between them that is not broken."""
    cases = [[(c.name, value) for value in broken_values(c)] for c in contract.columns if c.name != "batch_id"]
    rounds = [[case for case in attempt if case] for attempt in itertools.zip_longest(*cases)]
    groups = [attempt[at : at + 3] for attempt in rounds for at in range(0, len(attempt), 3)]
    batches = {f"2026-03-02_list_{number:08x}": group for number, group in enumerate(groups)}
    frames = [moved(FRAMES[contract], OTHER)]
    for batch, group in batches.items():
        frame = moved(FRAMES[contract], batch)
        for column, value in group:
            frame = put(frame, column, value)
        frames.append(frame)
    verdicts = judge_contract(contract, pa.concat_tables(frames), [*batches, OTHER])
    assert verdicts[OTHER].passed
    for batch, group in batches.items():
        assert not verdicts[batch].passed
        assert [column for column, _ in group if column not in verdicts[batch].sentence] == [], group
        assert "Mokoena" not in str(verdicts[batch])
        assert verdicts[batch].figures["rows"] == FRAMES[contract].num_rows


@pytest.mark.parametrize("contract", FRAMES, ids=lambda contract: contract.name)
def test_two_rows_of_one_key_are_noticed(contract):
    frame = FRAMES[contract]
    verdict = judge_contract(contract, pa.concat_tables([frame, frame.slice(0, 1)]), [BATCH])[BATCH]
    assert not verdict.passed
    assert contract.key[-1] in verdict.sentence


def test_a_null_where_none_may_be_is_noticed():
    frame = put(_batch.leads.cast(pa.schema([f.with_nullable(True) for f in LEADS.schema])), "province", None)
    verdict = judge_contract(LEADS, frame, [BATCH])[BATCH]
    assert not verdict.passed
    assert "province" in verdict.sentence


def test_a_broken_batch_does_not_fail_its_neighbour():
    good = _batch.leads
    other = moved(put(good, "province", "Mokoena"), OTHER)
    verdicts = judge_contract(LEADS, pa.concat_tables([good, other]), [OTHER, BATCH])
    assert verdicts[BATCH].passed
    assert not verdicts[OTHER].passed
    assert "province" in verdicts[OTHER].sentence


def test_the_same_key_in_two_batches_is_no_repetition():
    verdicts = judge_contract(LEADS, pa.concat_tables([_batch.leads, moved(_batch.leads, OTHER)]), [BATCH, OTHER])
    assert all(verdict.passed for verdict in verdicts.values())


def test_many_broken_rules_are_counted_and_the_first_few_named():
    broken = _batch.leads
    for column in ("province", "postal_code", "director_cell", "contact_number", "lead_id"):
        broken = put(broken, column, "Mokoena")
    verdict = judge_contract(LEADS, broken, [BATCH])[BATCH]
    assert "and 2 more" in verdict.sentence
    assert verdict.figures["broken_rules"] == 5
    assert "Mokoena" not in str(verdict)


def test_codes_that_no_rule_has_are_noticed():
    for contract, column in ((LEADS, "warnings"), (REJECTED_LEADS, "reasons")):
        assert not judge_contract(contract, put(FRAMES[contract], column, ["made_up"]), [BATCH])[BATCH].passed


@pytest.mark.parametrize(
    ("numbers", "passes"),
    [
        ([], True),
        (["+27821234567"], True),
        (["+27821234567", "+442079460018"], True),
        (["+27821234567", "0821234567"], False),
        (["+27821234567; +442079460018"], False),
        (["+27821234567", None], False),
    ],
)
def test_each_further_number_is_held_to_e164(numbers, passes):
    verdict = judge_contract(LEADS, put(_batch.leads, "other_numbers", numbers), [BATCH])[BATCH]
    assert verdict.passed is passes
    assert ("other_numbers breaks elements_pattern in 1 rows" in verdict.sentence) is not passes
    assert "0821234567" not in str(verdict)


def test_contracts_are_plain_values_that_can_be_told_apart():
    assert isinstance(RAW_LEADS, Contract)
    assert len({RAW_LEADS, LEADS, RAW_LEADS}) == 2
