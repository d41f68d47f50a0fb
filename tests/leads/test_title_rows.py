"""A title above the header: the list is read, nothing above it is lost, and the second count still agrees."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.erased import MARKER, marked_rows
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.rewriting import BATCH, rewrite
from leadscout_assets.leads.title_rows import MOST_ABOVE, header_among
from leadscout_assets.leads.validation import validate
from leadscout_assets.terms import Defect, Reason
from tests.scenario import LIMITS

Rows = Sequence[Sequence[str]]
KINDS = pytest.mark.parametrize("kind", ["csv", "xlsx"])

HEADER = ("EntityName", "Tel", "Director's Name")
LIST = (HEADER, ("KUDU TRADING", "0120000001", "THANDI NKOSI"), ("SABLE FUEL", "", "JOHN SMITH"))
TITLED = (("My list", "", ""), ("", "", ""), ("", "2024-03-01", ""), *LIST)
KEY = b"a key of the tests"


def written(folder: Path, kind: str, rows: Rows) -> Path:
    path = folder / f"leads.{kind}"
    if kind == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell or None for cell in row])
    book.save(path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    raw = read_lead_list(path, batch_id=BATCH, limits=LIMITS)
    assert raw.num_rows == count_rows(path, limits=LIMITS)
    return [dict(row) for row in raw.to_pylist()]


@KINDS
def test_a_list_below_a_title_is_read_and_the_title_kept(tmp_path: Path, kind: str) -> None:
    """The file was refused for want of columns, although its header stood three rows further down."""
    rows = read(written(tmp_path, kind, TITLED))
    assert [(row["source_row"], row["entity_name"], row["director_name"], row["defect"]) for row in rows] == [
        (1, None, None, Defect.ABOVE_HEADER),
        (3, None, None, Defect.ABOVE_HEADER),
        (5, "KUDU TRADING", "THANDI NKOSI", None),
        (6, "SABLE FUEL", "JOHN SMITH", None),
    ]
    assert [row["defect_text"] for row in rows[:2]] == (
        ["My list,,", ",2024-03-01,"] if kind == "csv" else ["My list", "2024-03-01"]
    )


@KINDS
def test_what_stands_above_is_rejected_for_that_alone(tmp_path: Path, kind: str) -> None:
    raw = read_lead_list(written(tmp_path, kind, TITLED), batch_id=BATCH, limits=LIMITS)
    leads, rejected = validate(raw, KEY)
    assert leads["entity_name"].to_pylist() == ["KUDU TRADING", "SABLE FUEL"]
    assert rejected["source_row"].to_pylist() == [1, 3]
    assert rejected["reasons"].to_pylist() == [[Reason.ABOVE_HEADER]] * 2
    assert "My list" in rejected["row"][0].as_py()


@KINDS
def test_at_most_ten_rows_stand_above_a_header(tmp_path: Path, kind: str) -> None:
    title = [(f"line {number}", "", "") for number in range(MOST_ABOVE)]
    assert len(read(written(tmp_path, kind, [*title, *LIST]))) == MOST_ABOVE + 2
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, kind, [("one more", "", ""), *title, *LIST]))
    assert caught.value.code == "missing_column"


@KINDS
@pytest.mark.parametrize(
    "rows",
    [
        [("Company", "Notes", ""), *LIST],
        [("", "", "Director"), *LIST],
        [("My list", "", ""), ("Company", "Tel", "Notes"), ("KUDU", "", "x")],
        [("My list", "", ""), HEADER],
        [("KUDU TRADING", "0120000001", "THANDI NKOSI"), ("SABLE", "", "JOHN SMITH")],
    ],
)
def test_where_the_first_row_names_a_column_or_no_row_names_both_the_list_is_refused(
    tmp_path: Path, kind: str, rows: Rows
) -> None:
    path = written(tmp_path, kind, rows)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.code in ("missing_column", "no_rows")


@KINDS
def test_a_header_in_the_first_row_is_never_passed_over_for_one_below(tmp_path: Path, kind: str) -> None:
    rows = read(written(tmp_path, kind, [("Company", "Tel", "Owner"), *LIST]))
    assert [(row["source_row"], row["defect"]) for row in rows] == [(2, None), (3, None), (4, None)]


def test_the_delimiter_is_the_headers_not_the_titles(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("Leads, March, all of them\nprinted by;me\nCompany;Director\nKUDU;THANDI NKOSI\n")
    rows = read(path)
    assert (rows[-1]["entity_name"], rows[-1]["director_name"]) == ("KUDU", "THANDI NKOSI")
    assert [row["defect_text"] for row in rows] == ["Leads, March, all of them", "printed by;me", None]


@pytest.mark.parametrize("body", ["KUDU,THANDI NKOSI\n", "KUDU,THANDI NKOSI\n\nSABLE,JOHN\nFERN,ANIL,MORE\n"])
@pytest.mark.parametrize("first", ["", "sep=,\n"])
def test_titles_of_several_lines_and_separator_lines_do_not_shift_the_numbers(
    tmp_path: Path, body: str, first: str
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(f'{first}"My\nlist",\n\nCompany,Director\n{body}')
    rows, shift = read(path), 1 if first else 0
    assert (rows[0]["source_row"], rows[0]["source_line"], rows[0]["defect_text"]) == (1, 1 + shift, '"My\nlist",')
    assert (rows[1]["source_row"], rows[1]["source_line"]) == (4, 5 + shift)
    assert [row["defect"] for row in rows[1:]] == [None, None, Defect.TOO_MANY_CELLS][: len(rows) - 1]


@pytest.mark.parametrize("title", ['"open', 'My list,"open', 'My list,\n"open'])
def test_a_title_whose_quote_stays_open_is_not_guessed_beyond(tmp_path: Path, title: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(f"{title},\nCompany,Director\nKUDU,THANDI NKOSI\n")
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.code == "missing_column"


@KINDS
@pytest.mark.parametrize("erased", [[1], [3], [1, 3], [5], [3, 6]])
def test_a_row_above_the_header_can_be_erased_as_any_other(tmp_path: Path, kind: str, erased: list[int]) -> None:
    source, target, again = written(tmp_path, kind, TITLED), tmp_path / "without", tmp_path / "again"
    rewrite(source, target, erased, LIMITS, None)
    after = read_lead_list(target, batch_id=BATCH, limits=LIMITS)
    assert after.filter(marked_rows(after))["source_row"].to_pylist() == erased
    assert after.num_rows == count_rows(target, limits=LIMITS) == count_rows(source, limits=LIMITS)
    rewrite(target, again, [1, 3], LIMITS, None)
    once_more = read_lead_list(again, batch_id=BATCH, limits=LIMITS)
    assert once_more.filter(marked_rows(once_more))["source_row"].to_pylist() == sorted({1, 3, *erased})


def test_only_the_marker_alone_is_read_as_one_above_the_header(tmp_path: Path) -> None:
    rows = read(written(tmp_path, "csv", [(MARKER, "", "THANDI NKOSI"), *LIST]))
    assert (rows[0]["entity_name"], rows[0]["defect"]) == (None, Defect.ABOVE_HEADER)


def test_no_more_rows_are_looked_at_than_needed() -> None:
    taken: list[int] = []

    def rows(*given: Sequence[str]):
        for number, row in enumerate(given):
            taken.append(number)
            yield row

    assert header_among(rows(HEADER, HEADER, HEADER)) == 0
    assert taken == [0]
    assert header_among(rows(("x",), ("Company",), HEADER, HEADER)) == 2
    assert header_among([]) == 0


TITLE = st.lists(
    st.text(st.sampled_from('ab ,;"\n\t1'), max_size=8) | st.sampled_from(["", MARKER, "Company,Director\n"]),
    max_size=5,
).map("\n".join)


@given(title=TITLE)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_above_no_row_is_lost_or_counted_twice(tmp_path: Path, title: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(f"{title}\nCompany,Director\nKUDU,THANDI NKOSI\n", newline="")
    try:
        raw = read_lead_list(path, batch_id=BATCH, limits=LIMITS)
    except UnreadableFile:
        return  # an open quote takes the header in, or the title names one of the columns
    assert raw.num_rows == count_rows(path, limits=LIMITS)
    numbers = raw["source_row"].to_pylist()
    assert numbers == sorted(set(numbers))
