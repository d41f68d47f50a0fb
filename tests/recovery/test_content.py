"""The digest of rows: the same for the same rows however they lie, another for any other rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.recovery.content import Content, content_of

CELLS = st.one_of(st.none(), st.text(max_size=4), st.sampled_from(["", "-", "1:a", ":"]))
ROWS = st.lists(
    st.tuples(CELLS, st.one_of(st.none(), st.integers(-5, 5)), st.one_of(st.none(), st.lists(CELLS, max_size=3))),
    max_size=8,
)
SCHEMA = pa.schema([("a", pa.string()), ("b", pa.int32()), ("c", pa.list_(pa.string()))])


def batch(rows) -> pa.RecordBatch:
    columns = [[row[i] for row in rows] for i in range(3)]
    return pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


@given(ROWS, st.randoms(), st.integers(0, 8))
def test_order_of_rows_and_columns_and_the_split_into_files_do_not_matter(rows, random, cut):
    shuffled = random.sample(rows, len(rows))
    parts = [batch(shuffled[:cut]), batch(shuffled[cut:])]
    assert content_of(parts) == content_of([batch(rows).select(["c", "a", "b"])])
    assert content_of(parts[:1]) + content_of(parts[1:]) == content_of(parts)


@given(ROWS, ROWS)
def test_other_rows_have_another_digest(one, other):
    def key(row):
        return repr(row)

    assert (content_of([batch(one)]) == content_of([batch(other)])) == (sorted(one, key=key) == sorted(other, key=key))


def test_a_slice_of_a_batch_is_read_as_the_slice_it_is():
    rows = [("a", 1, ["x"]), ("b", None, None), ("c", 3, ["y", None, "z"]), ("d", 4, [])]
    assert content_of([batch(rows).slice(1, 2)]) == content_of([batch(rows[1:3])])


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (0.1, 0.1 + 2**-54, pa.float64()),
        (0.5, None, pa.float32()),
        (True, False, pa.bool_()),
        (date(2026, 1, 1), date(2026, 1, 2), pa.date32()),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("a", "b", pa.large_string()),
        ("a", "b", pa.string_view()),
        ("a", "b", pa.dictionary(pa.int8(), pa.string())),
        (b"a", b"b", pa.binary()),
        (Decimal("1.0"), Decimal("1.1"), pa.decimal128(5, 1)),
        ({"x": 1}, {"x": 2}, pa.struct([("x", pa.int8())])),
    ],
    ids=str,
)
def test_every_kind_of_column_is_read(one, other, kind):
    def of(value):
        return content_of([pa.record_batch([pa.array([value], kind)], names=["a"])])

    assert of(one) == of(one)
    assert (of(one) == of(other)) == (one == other)


def test_a_content_is_written_and_read_back():
    found = content_of([batch([("a", 1, None)])])
    assert len(found.digest) == 32
    assert Content.read(found.rows, found.digest) == found
