"""CSV lists: rows, their numbers, defects, and the two ways of reading that must agree."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.columns import understand
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.csv_layout import MAX_LINES_IN_ROW, find_layout
from leadscout_assets.leads.csv_text import exact_rows, whole_line_rows
from leadscout_assets.leads.grid import Grid
from leadscout_assets.leads.reading import read_lead_list
from tests.scenario import BATCH_ID, LIMITS, delivered_rows, scenario_csv

HEADER = "EntityName,DirectorName,DirectorCell,Notes"


def read(path: Path, text: str, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Return the rows of a CSV with this text, and hold the second count equal to the first."""
    path.write_bytes(text.encode(encoding))
    rows: list[dict[str, Any]] = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).to_pylist()
    assert count_rows(path, limits=LIMITS) == len(rows)
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


def numbers(rows: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(row["source_row"], row["source_line"]) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings_make_no_difference(tmp_path: Path, delimiter: str, encoding: str) -> None:
    plain = read_lead_list(scenario_csv(tmp_path / "plain"), batch_id=BATCH_ID, limits=LIMITS)
    path = scenario_csv(tmp_path / "other", encoding=encoding, delimiter=delimiter)
    assert read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS).equals(plain)


def test_windows_1252_keeps_its_letters(path: Path) -> None:
    (row,) = read(path, f"{HEADER}\nCAFÉ ’N BIETJIE,RENÉ LÖTTER,,\n", "cp1252")
    assert (row["entity_name"], row["director_name"]) == ("CAFÉ ’N BIETJIE", "RENÉ LÖTTER")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_row_and_nothing_else_does(path: Path, end: str) -> None:
    rows = read(path, end.join([HEADER, "A\x0bB,C\u2028D,,\x85x", "E,F,,"]))
    assert [row["entity_name"] for row in rows] == ["A\x0bB", "E"]
    assert numbers(rows) == [(2, 2), (3, 3)]


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a", "\r\n\x1a\x1a\r\n"])
def test_the_mark_of_old_programs_at_the_end_of_the_file_is_no_row(path: Path, end: str) -> None:
    rows = read(path, f"{HEADER}\r\nA\x1aB,C,,\r\nE,F,,G{end}")
    assert [(row["entity_name"], row["extra"], row["defect"]) for row in rows] == [
        ("A\x1aB", None, None),
        ("E", '{"Notes": "G"}', None),
    ]


def test_that_mark_within_the_file_is_a_row(path: Path) -> None:
    rows = read(path, f"{HEADER}\nA,B,,\n\x1a\nE,F,,\n")
    assert [row["defect"] for row in rows] == [None, "too_few_cells", None]


def test_leading_zeros_and_long_numbers_stay_text(path: Path) -> None:
    (row,) = read(path, f"{HEADER}\n0012,T NKOSI,0821234567,8004055009087123\n")
    assert (row["entity_name"], row["director_cell"]) == ("0012", "0821234567")
    assert row["extra"] == '{"Notes": "8004055009087123"}'


def test_blank_and_multi_line_rows_do_not_shift_the_numbers(path: Path) -> None:
    rows = read(path, f'\n{HEADER}\n"A\nB",C,,\n\n,,,\n" ",\u00a0,,\nD,E,,"x\r\ny\r\nz"\nF,G,,\n')
    assert numbers(rows) == [(3, 3), (7, 8), (8, 11)]
    assert rows[0]["entity_name"] == "A\nB"


def test_a_ragged_row_is_kept_as_a_defect_with_its_text(path: Path) -> None:
    rows = read(path, f'{HEADER}\nA,B\nC,D,,,"E,\nF"\nG,H,,\n')
    assert [row["defect"] for row in rows] == ["too_few_cells", "too_many_cells", None]
    assert [row["defect_text"] for row in rows] == ["A,B", 'C,D,,,"E,\nF"', None]
    assert [row["entity_name"] for row in rows] == [None, None, "G"]
    assert numbers(rows) == [(2, 2), (3, 3), (4, 5)]


def test_blank_cells_beyond_the_header_are_not_ragged(path: Path) -> None:
    (row,) = read(path, f"{HEADER}\nA,B,,x, ,,\n")
    assert (row["defect"], row["entity_name"]) == (None, "A")


def test_missing_work_columns_at_the_end_are_not_ragged(path: Path) -> None:
    # Excel leaves out trailing delimiters where a whole block of rows is blank in the last columns.
    (row,) = read(path, f"{HEADER},Agent,Status\nA,B,0850000001\n")
    assert (row["defect"], row["director_cell"], row["extra"]) == (None, "0850000001", None)


def test_a_stray_quote_costs_its_own_line_only(path: Path) -> None:
    lines = [f"A{number},B,," for number in range(MAX_LINES_IN_ROW + 5)]
    lines[1] = '"STRAY,B,,'
    rows = read(path, "\n".join([HEADER, *lines]))
    assert [row["source_row"] for row in rows] == list(range(2, len(lines) + 2))
    assert [row["source_row"] for row in rows if row["defect"] == "unreadable_row"] == [3]
    assert rows[1]["defect_text"] == '"STRAY,B,,'


def test_a_quote_that_is_open_at_the_end_costs_its_own_line_only(path: Path) -> None:
    rows = read(path, f'{HEADER}\nA,B,,\n"C,D,,\nE,F,,\n')
    assert [row["defect"] for row in rows] == [None, "unreadable_row", None]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_an_open_quote_in_the_very_last_cell_is_noticed(path: Path, end: str) -> None:
    # pyarrow takes the end of the text for the end of the cell, and so read this row as if nothing were wrong.
    rows = read(path, f'{HEADER}\nA,B,,\nC,D,,"E{end}')
    assert [row["defect"] for row in rows] == [None, "unreadable_row"]


def test_a_cell_may_span_as_many_lines_as_are_allowed(path: Path) -> None:
    rows = read(path, f'{HEADER}\n"{"A" + chr(10) * (MAX_LINES_IN_ROW - 1)}",B,,\nC,D,,\n')
    assert [row["defect"] for row in rows] == [None, None]
    assert numbers(rows) == [(2, 2), (3, 2 + MAX_LINES_IN_ROW)]


@pytest.mark.parametrize("length", [140_000, 5_000_000])
def test_a_cell_longer_than_any_spreadsheet_allows_becomes_a_defect(path: Path, length: int) -> None:
    rows = read(path, f"{HEADER}\n{'A' * length},B,,\n\nC,D,,\n")
    assert [row["defect"] for row in rows] == ["unreadable_row", None]


def test_a_last_line_with_such_a_cell_is_a_defect_too(path: Path) -> None:
    rows = read(path, f"{HEADER}\nC,D,,\n{'A' * 140_000},B,,\n")
    assert [row["defect"] for row in rows] == [None, "unreadable_row"]


def test_a_list_with_blank_rows_is_read_whole_however_long(path: Path) -> None:
    rows = read(path, f"{HEADER}\n\n" + "A,B,,\n" * 50_001)
    assert len(rows) == 50_001
    assert numbers(rows[-1:]) == [(50_003, 50_003)]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_the_apostrophe_that_protects_a_formula_is_taken_off(path: Path, sign: str) -> None:
    (row,) = read(path, f"{HEADER}\n\"'{sign}A\",O'BRIEN,,\n")
    assert (row["entity_name"], row["director_name"]) == (f"{sign}A", "O'BRIEN")


@pytest.mark.parametrize("name", ["'n Besigheid", "''=A", "O'=A"])
def test_other_apostrophes_stay(path: Path, name: str) -> None:
    (row,) = read(path, f"{HEADER}\n{name},B,,\n")
    assert row["entity_name"] == name


def test_the_separator_line_of_a_spreadsheet_is_no_row(path: Path) -> None:
    rows = read(path, "sep=;\r\nEntityName;DirectorName\r\nA, B;C\r\n")
    assert (rows[0]["entity_name"], numbers(rows)) == ("A, B", [(2, 3)])


def test_the_delimiter_is_the_one_under_which_the_header_is_understood(path: Path) -> None:
    (row,) = read(path, "Company;Director;Notes, remarks, more\nA;B;1,2\n")
    assert row["extra"] == '{"Notes, remarks, more": "1,2"}'


def test_a_header_may_span_lines_and_stand_below_blank_rows(path: Path) -> None:
    rows = read(path, '\n,,\n"Business\nName",Contact\tPerson,Cell\nA,B,C\n')
    assert (rows[0]["cell_number"], numbers(rows)) == ("C", [(4, 5)])


def test_extra_columns_are_kept_with_whatever_they_hold(path: Path) -> None:
    rows = read(path, f'{HEADER},,Notes\nA,B,,"say ""hi"" \\ é",x,y\nC,D,,,,\n')
    assert rows[0]["extra"] == '{"Notes": "say \\"hi\\" \\\\ é", "E": "x", "Notes (2)": "y"}'
    assert rows[1]["extra"] is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{HEADER}\n", "no_rows"),
        (f"{HEADER}\n,,,\n\n", "no_rows"),
        ("a,b\nc,d\n", "missing_column"),
        ("A" * 140_000 + ",b\n", "missing_column"),
        (",,\n", "empty"),
    ],
)
def test_a_list_without_rows_or_columns_is_refused(path: Path, text: str, code: str) -> None:
    path.write_text(text)
    with pytest.raises(UnreadableFile) as caught:
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert caught.value.code == code


def test_the_whole_scenario_is_read_and_counted(tmp_path: Path) -> None:
    path = scenario_csv(tmp_path / "list", ragged=True)
    raw = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert raw.num_rows == count_rows(path, limits=LIMITS) == delivered_rows(ragged=True)


CELLS = st.one_of(
    st.sampled_from(["", " ", "a", "'=", '"', '""', "a,b", "a\nb", "\r\n", "é\u00a0"]), st.text(max_size=5)
)
CLEAN = st.text(alphabet='ab ,é"', max_size=4)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",\r\n') else cell


def _both(body: str) -> tuple[Grid | None, Grid]:
    text = f"{HEADER}\n{body}".encode()
    layout = find_layout(text, LIMITS)
    header = understand(layout.headers)
    return whole_line_rows(text, layout, header), exact_rows(text, layout, header)


def _as_table(grid: Grid) -> pa.Table:
    names = [str(index) for index in range(len(grid.cells) + 2)]
    return pa.Table.from_arrays([*grid.cells, grid.source_row, grid.source_line], names=names)


@given(st.lists(st.tuples(CLEAN, CLEAN, CLEAN, CLEAN), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_both_ways_of_reading_agree_where_each_line_is_a_row(rows: list[tuple[str, ...]], end: str) -> None:
    fast, exact = _both(end.join(",".join(map(_quoted, row)) for row in rows))
    assert fast is not None
    assert _as_table(fast).equals(_as_table(exact))


@given(st.text(alphabet="a\", \n\r'=", max_size=60))
def test_both_ways_of_reading_agree_on_any_text_that_the_fast_one_accepts(body: str) -> None:
    fast, exact = _both(body)
    assert exact.defect is not None
    if fast is not None:
        assert exact.defect.null_count == len(exact.defect)
        assert _as_table(fast).equals(_as_table(exact))


@given(body=st.text(alphabet="a\", \n\r'=\u00a0", max_size=80))
def test_no_row_is_lost_or_counted_twice(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(f"{HEADER}\n{body}".encode())
    counted = count_rows(path, limits=LIMITS)
    if not counted:
        return
    raw = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert raw.num_rows == counted
    rows = raw["source_row"].to_pylist()
    assert rows == sorted(set(rows))
    assert rows[0] >= 2


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    rows = [tuple(cell.replace("\0", "") for cell in row) for row in rows]
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes("\n".join([HEADER, *(",".join(map(_quoted, row)) for row in rows)]).encode("utf-8", "replace"))
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    if not kept:
        return
    raw = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)

    def delivered(cell: str) -> str | None:
        cell = cell.encode("utf-8", "replace").decode()
        unprotected = cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell
        return unprotected if unprotected.strip() else None

    assert raw["entity_name"].to_pylist() == [delivered(row[0]) for row in kept]
    assert raw["director_name"].to_pylist() == [delivered(row[1]) for row in kept]
