"""Known leads from leads alone: the order of rows and batches does not matter, and what two have in common makes a block."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
from hypothesis import given, settings

from leadscout_assets.contracts import MOMENT
from leadscout_assets.identity.blocking import BLOCKS, MOST_IN_BLOCK, blocks, hashed, meet
from leadscout_assets.identity.resolving import DELIVERED_AT, leads_columns, resolve
from tests.identity.batches import OTHER, PERSON, batch_id, delivered, leads_of

VARIANTS = [
    PERSON,
    PERSON | {"entity_name": "Baobab Plumbng CC"},
    PERSON | {"director_name": "Nkosi Thandi", "registered_address_city": "Paarl"},
    PERSON | {"director_name": "Thandi Nkosy", "director_cell": None, "keyword": "Plumber"},
    OTHER,
    OTHER | {"entity_name": "Kudu Transport 7"},
]


def rows_of(number: int, rows) -> pa.Table:
    leads = leads_of(number, rows).select(leads_columns())
    moment = delivered(number)[batch_id(number)]
    return leads.append_column(DELIVERED_AT, pa.array([moment] * leads.num_rows, MOMENT))


@settings(max_examples=10)
@given(
    st.lists(st.lists(st.sampled_from(VARIANTS), min_size=1, max_size=3), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(batches, dice):
    rows = pa.concat_tables([rows_of(number, some) for number, some in enumerate(batches, 1)])
    order = list(range(rows.num_rows))
    dice.shuffle(order)
    one, other = resolve(rows), resolve(rows.take(pa.array(order)))
    assert sorted(one.known.to_pylist(), key=str) == sorted(other.known.to_pylist(), key=str)
    assert sorted(one.links.to_pylist(), key=str) == sorted(other.links.to_pylist(), key=str)
    sources = sum(len(row["source_leads"]) for row in one.known.to_pylist())
    assert sources == one.links.num_rows == rows.num_rows


def test_a_known_lead_is_named_after_the_lead_that_was_delivered_first():
    found = resolve(pa.concat_tables([rows_of(2, [PERSON]), rows_of(1, [VARIANTS[1]])]))
    (known,) = found.known.to_pylist()
    assert (known["batch_id"], known["source_batches"]) == (batch_id(1), [batch_id(2), batch_id(1)])
    assert {row["how"] for row in found.links.to_pylist()} == {"first", "near"}


def test_leads_of_one_batch_are_not_linked_however_alike():
    assert resolve(rows_of(1, VARIANTS[:2])).known.num_rows == 2


def test_words_in_another_order_hash_alike_and_others_do_not():
    one, swapped, other = blocks(leads_of(1, [PERSON, VARIANTS[2], OTHER])).select(["by_director_start"]).to_pylist()
    assert one == swapped != other


def test_hashes_of_a_slice_are_those_of_its_texts():
    texts = pa.array(["AB", "", "ABC", "BA"])
    assert hashed(texts.slice(1)).tolist() == hashed(texts).tolist()[1:]
    assert len(set(hashed(texts).tolist())) == 4


def test_a_block_that_hundreds_share_is_left_out():
    crowd = pa.table({name: pa.array([7] * (MOST_IN_BLOCK + 1), pa.int64()) for name in BLOCKS})
    assert len(meet(crowd.slice(0, 1), crowd)[0]) == 0
    assert np.array_equal(np.unique(meet(crowd.slice(0, 1), crowd.slice(1))[1]), np.arange(MOST_IN_BLOCK))
