"""Plain names by the column come out as one by one, and what is not plain is left alone."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.names.normalising import NameParts, split_name, split_names
from leadscout_assets.names.plain import plain_names

WORDS = (
    "sipho", "NKOSI", "Botha", "van", "der", "Merwe", "JP", "x", "Mcdonald", "mr", "Trust", "PTY", "jan-piet", "O'Neill",
    "aaa", "bcd", "estate", "P", "g", "a", "and", "Thandiwe", "MOKOENA", "naidoo", "É", "o", "-", "Ntombi",
)  # fmt: skip
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).flatmap(
    lambda words: st.sampled_from([" ".join(words), ", ".join(words), "  ".join(words), ",".join(words)])
)


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("SIPHO NKOSI", ("Sipho", "Nkosi", "sipho nkosi")),
        ("sipho brian nkosi", ("Sipho Brian", "Nkosi", "sipho brian nkosi")),
        ("NKOSI, SIPHO", ("Sipho", "Nkosi", "sipho nkosi")),
        ("Nkosi,Sipho Brian", ("Sipho Brian", "Nkosi", "sipho brian nkosi")),
        ("P G STRAUSS", ("P G", "Strauss", "pg strauss")),
        ("j nkosi", ("J", "Nkosi", "j nkosi")),
        ("  SIPHO \u00a0 NKOSI ", ("Sipho", "Nkosi", "sipho nkosi")),
    ],
)
def test_plain_names_are_taken_apart(written, parts):
    found = plain_names(pa.array([written]))
    assert found.is_plain.to_pylist() == [True]
    assert tuple(column[0].as_py() for column in found[1:]) == parts


@pytest.mark.parametrize(
    "written",
    ["", "Sipho", "J Nkosi", "P.G. STRAUSS", "J VAN WYK", "SIPHO J NKOSI", "JAN VAN WYK", "MR SIPHO NKOSI", "NKOSI Sipho", "xxxx xxx", "Piet Mcdonald", "ESMÉ NEL",
     "Botha, JP", "ABC TRUST", "JAN BDF"],
)  # fmt: skip
def test_what_needs_a_second_look_is_not_plain(written):
    assert plain_names(pa.array([written])).is_plain.to_pylist() == [False]


@given(st.lists(st.none() | NAMES | st.text(max_size=20), max_size=8))
def test_a_column_gives_what_its_names_give_one_by_one(names):
    found = split_names(pa.array(names, pa.string()))
    one_by_one = [split_name(name) if name is not None else NameParts(problem="missing") for name in names]
    assert found.to_pylist() == [parts._asdict() for parts in one_by_one]
