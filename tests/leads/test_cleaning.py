import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.leads.cleaning import (
    PLACEHOLDERS,
    data_lines,
    keep_letters_and_digits,
    letters_and_digits,
    over_distinct,
    plain,
    rest_of,
    said,
    table_over_distinct,
    tidy,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.lists(st.none() | TEXT, max_size=12)


def _strings(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        ("  KUDU \t TRADING\n", "KUDU TRADING"),
        ("KUDU\u00a0\u00a0TRADING", "KUDU TRADING"),
        ("KUDU\u000bTRADING\u000b", "KUDU TRADING"),
        ("KU\u200bDU\ufeff", "KUDU"),
        ("CAF\u00c9  X", "CAF\u00c9 X"),
        ("KUDU", "KUDU"),
        (" \u00a0\u3000", None),
        ("", None),
        (None, None),
    ],
)
def test_tidy_leaves_single_spaces_between_words_and_none_at_the_ends(
    delivered: str | None, expected: str | None
) -> None:
    assert tidy(_strings(delivered)).to_pylist() == [expected]


@given(TEXTS)
def test_tidying_twice_changes_nothing_more(values: list[str | None]) -> None:
    once = tidy(_strings(*values))
    assert tidy(once).equals(once)


@pytest.mark.parametrize(
    "placeholder",
    [*PLACEHOLDERS, "n / a", " - ", "...", "\u2013", "\u2022 \u2026", "_", "Not Applicable", "\u00a0n/a\u00a0"],
)
def test_what_stands_for_nothing_is_nothing(placeholder: str) -> None:
    assert said(_strings(placeholder)).to_pylist() == [None]


@pytest.mark.parametrize("text", ["NADIA", "NONE SUCH TRADING", "X1", "0821234567", "TESTING STATION (PTY) LTD"])
def test_what_only_begins_like_a_placeholder_stays(text: str) -> None:
    assert said(_strings(text)).to_pylist() == [text]


def test_plain_text_has_no_accents_and_no_typographic_signs() -> None:
    delivered = _strings("Ko\u00f6perasie", "O\u2019Brien", "O`Brien", "a\u2013b", "\u00d8st", "stra\u00dfe", None)
    assert plain(delivered).to_pylist() == ["KOOPERASIE", "O'BRIEN", "O'BRIEN", "A-B", "OST", "STRASSE", None]


def test_letters_and_digits_compare_without_spacing_and_punctuation() -> None:
    assert letters_and_digits(_strings("Br\u00fbn & S\u00f6ns, 2")).to_pylist() == ["BRUNSONS2"]


@given(TEXTS, st.integers(0, 3))
def test_only_capitals_and_digits_are_kept_of_any_slice(values: list[str | None], start: int) -> None:
    kept = keep_letters_and_digits(_strings(*values).slice(start))
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    assert kept.to_pylist() == ["".join(c for c in value or "" if c in allowed) for value in values[start:]]


@given(st.lists(st.none() | st.tuples(TEXT, TEXT), max_size=12), st.integers(0, 3))
def test_the_rest_is_what_stands_behind_the_prefix(pairs: list[tuple[str, str] | None], start: int) -> None:
    whole = _strings(*(pair and "".join(pair) for pair in pairs)).slice(start)
    prefixes = _strings(*(pair and pair[0] for pair in pairs)).slice(start)
    assert rest_of(whole, prefixes).to_pylist() == [pair and pair[1] for pair in pairs][start:]


@given(TEXTS)
def test_work_over_distinct_values_equals_work_over_all(values: list[str | None]) -> None:
    column = _strings(*values)
    assert over_distinct(column, tidy).equals(tidy(column))
    rows = table_over_distinct(column, lambda some: pa.table({"value": some}))
    assert rows["value"].to_pylist() == values


def test_data_files_are_read_without_their_comments() -> None:
    lines = list(data_lines("free_mail_domains.txt"))
    assert "gmail.com" in lines
    assert not any(line.startswith("#") for line in lines)
