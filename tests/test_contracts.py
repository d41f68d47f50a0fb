"""Contracts: a frame fits exactly or is refused, and a refusal names places, never values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadscout_assets.contracts import (
    CLASSIFICATIONS,
    FIELDS,
    LEAD_REPORTS,
    LEADS,
    RAW_LEADS,
    REJECTED_LEADS,
    REQUIRED_FIELDS,
    lead_scores,
)
from leadscout_assets.errors import ContractBroken
from leadscout_assets.terms import Origin
from tests.reports.samples import small_batch

CONTRACTS = (RAW_LEADS, LEADS, REJECTED_LEADS, CLASSIFICATIONS, lead_scores(("one", "two")), LEAD_REPORTS)
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)


@each_contract
def test_every_column_says_what_it_means_and_no_two_have_one_name(contract):
    names = [column.name for column in contract.columns]
    assert len(set(names)) == len(names)
    assert all(column.means for column in contract.columns)
    assert contract.means


@each_contract
def test_every_key_begins_with_the_batch_and_is_never_null(contract):
    assert contract.key[0] == "batch_id"
    assert [contract.schema.field(name).nullable for name in contract.key] == [False] * len(contract.key)


@each_contract
def test_a_frame_without_rows_fits(contract):
    assert contract.fit(contract.empty()).equals(contract.empty())


def test_classifications_hold_one_probability_per_origin():
    assert [c.name for c in CLASSIFICATIONS.columns if c.name.startswith("p_")] == [f"p_{origin}" for origin in Origin]


def test_required_fields_are_fields():
    assert set(REQUIRED_FIELDS) < set(FIELDS)


def test_scores_hold_one_column_per_feature_in_their_order():
    assert [c.name for c in lead_scores(("b", "a")).columns[-2:]] == ["b", "a"]


def test_fitting_puts_columns_in_order_and_types_right_without_changing_the_frame():
    rejected = small_batch().rejected
    shuffled = rejected.select(rejected.column_names[::-1])
    shuffled = shuffled.set_column(
        shuffled.column_names.index("source_row"), "source_row", shuffled["source_row"].cast(pa.int64())
    )
    before = shuffled.schema
    assert REJECTED_LEADS.fit(shuffled).equals(rejected)
    assert shuffled.schema == before


def test_missing_and_surplus_columns_are_named():
    frame = small_batch().rejected.rename_columns(["batch_id", "source_row", "reasons", "duplicate_of", "rows"])
    with pytest.raises(ContractBroken, match=r"rejected_leads: missing columns \['row'\], surplus columns \['rows'\]"):
        REJECTED_LEADS.fit(frame)


def test_a_column_twice_is_refused():
    frame = small_batch().rejected
    with pytest.raises(ContractBroken):
        REJECTED_LEADS.fit(frame.append_column("row", frame["row"]))


@pytest.mark.parametrize("column", ["batch_id", "source_row", "reasons", "row"])
def test_a_null_where_none_may_be_is_named(column):
    frame = small_batch().rejected
    place = frame.column_names.index(column)
    broken = frame.set_column(place, column, pa.nulls(frame.num_rows, frame.schema.field(column).type))
    with pytest.raises(ContractBroken, match=f"rejected_leads: .*{column}"):
        REJECTED_LEADS.fit(broken)


@pytest.mark.parametrize("value", ["Mokoena", "2147483648"])
def test_a_value_of_another_type_is_refused_and_not_quoted(value):
    frame = small_batch().rejected
    broken = frame.set_column(1, "source_row", pa.array([value] * frame.num_rows, pa.string()))
    with pytest.raises(ContractBroken, match="rejected_leads") as raised:
        REJECTED_LEADS.fit(broken)
    assert value not in str(raised.value)
    assert raised.value.__suppress_context__
