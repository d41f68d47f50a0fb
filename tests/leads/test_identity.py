import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.contracts import LEAD_ID
from leadscout_assets.leads.identity import lead_ids


def _ids(pairs: list[tuple[str, str]], key: bytes = b"key") -> list[str]:
    businesses, directors = (pa.array(list(side), pa.string()) for side in zip(*pairs, strict=True))
    return [str(value) for value in lead_ids(businesses, directors, key).to_pylist()]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.from_regex("[A-Z]+", fullmatch=True), st.from_regex("[a-z ]+", fullmatch=True)),
        min_size=1,
        unique=True,
    )
)
def test_different_pairs_have_different_ids_of_sixteen_hex_digits(pairs: list[tuple[str, str]]) -> None:
    ids = _ids(pairs)
    assert len(set(ids)) == len(pairs)
    assert all(re.fullmatch(LEAD_ID, value) for value in ids)


def test_an_id_is_the_same_in_every_run() -> None:
    assert _ids([("KUDU", "thandi nkosi")]) == ["21c04f18fc24f9e6"]


def test_an_id_depends_on_the_key() -> None:
    assert _ids([("KUDU", "thandi nkosi")], b"one") != _ids([("KUDU", "thandi nkosi")], b"two")


def test_text_does_not_move_from_one_part_to_the_other() -> None:
    assert _ids([("KUDU A", "b")]) != _ids([("KUDU", "A b")])


@pytest.mark.parametrize("key", [b"", b"x" * 65])
def test_an_empty_or_too_long_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 64 bytes"):
        _ids([("KUDU", "thandi nkosi")], key)
