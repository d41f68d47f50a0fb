"""Classifying a column of names: a row out for every row in, in order, safe to open in a spreadsheet program."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscout_assets.classify_file import HEADINGS, classify_csv
from leadscout_assets.errors import BadInput
from leadscout_assets.terms import Method, Origin
from tests.scenario import LIMITS, scenario_xlsx

NAMES = ["Thandiwe Nkosi", "", "NAIDOO, Rajesh", "Pieter van der Merwe", "12345", "Qxzw Qxzwvv"]


def classify(source: Path, column: str = "name", *, reveal_religion: bool = False) -> list[dict[str, str]]:
    out = source.with_name("out.csv")
    count = classify_csv(source, column, out, LIMITS, reveal_religion=reveal_religion)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert count == len(rows)
    return rows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "names.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "town"])
        writer.writerows([number, name, "Durban, KZN"] for number, name in enumerate(NAMES))
    return path


def test_columns_are_those_documented(source):
    assert tuple(classify(source)[0]) == (
        "name", "origin", "confidence", "method", "origin_set", "language",
        "p_african", "p_european", "p_indian", "p_coloured", "p_cape_malay", "p_chinese",
    )  # fmt: skip
    assert tuple(classify(source)[0]) == HEADINGS


def test_every_row_has_its_answer_in_order_also_blank_and_unusable_ones(source):
    rows = classify(source)
    assert [row["name"] for row in rows] == NAMES
    assert [rows[0]["origin"], rows[2]["origin"]] == ["african", "indian"]
    for row in (rows[1], rows[4]):
        assert (row["origin"], row["confidence"], row["origin_set"], row["method"]) == ("", "", "", Method.ABSTAINED)


def test_answers_are_well_formed(source):
    for row in classify(source):
        origins = row["origin_set"].split("|") if row["origin_set"] else []
        assert set(origins) <= set(Origin)
        assert row["method"] in set(Method)
        assert row["origin"] in ("", *Origin)
        assert row["origin"] == "" or origins == [row["origin"]]
        assert (row["confidence"] == "") == (origins == [])
        shares = [float(row[f"p_{origin}"]) for origin in Origin if row[f"p_{origin}"]]
        assert shares == [] or sum(shares) == pytest.approx(1, abs=0.001)


def test_the_heading_is_found_without_regard_to_case_and_spaces(source):
    assert len(classify(source, " NAME ")) == len(NAMES)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_csv_may_come_as_spreadsheet_programs_save_it(tmp_path, delimiter, encoding):
    path = tmp_path / "names.csv"
    path.write_bytes(
        f"id{delimiter}Full Name\r\n1{delimiter}René Lötter\r\n2{delimiter}Thandi Nkosi\r\n".encode(encoding)
    )
    assert [row["name"] for row in classify(path, "full name")] == ["René Lötter", "Thandi Nkosi"]


def test_separators_that_only_some_programs_take_for_line_ends_do_not_split_a_row(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("id,name\n1,Thandi\u2028Nkosi\n2,Sipho\x0bDube\n3,Anna\x85Nel\n", encoding="utf-8")
    assert len(classify(path)) == 3


def test_names_over_several_lines_and_short_rows_are_one_row_each(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text('id,name\n1,"Thandi\nNkosi"\n2\n3,Sipho Dube\n')
    assert [row["name"] for row in classify(path)] == ["Thandi\nNkosi", "", "Sipho Dube"]


def test_a_blank_cell_in_a_csv_of_one_column_is_a_row_too(tmp_path):
    """Saved from a spreadsheet, its line is empty; left out, the answers would slip beside the names they belong to."""
    path = tmp_path / "names.csv"
    path.write_text("name\r\nThandi Nkosi\r\n\r\nSipho Dube\r\n")
    assert [row["name"] for row in classify(path)] == ["Thandi Nkosi", "", "Sipho Dube"]


@pytest.mark.parametrize("formula", ["=1+1", "+27850000001", "-1", "@SUM(A1)", "\t=1", "=HYPERLINK(1)"])
def test_a_name_that_a_spreadsheet_program_would_execute_is_written_as_text(tmp_path, formula):
    path = tmp_path / "names.csv"
    path.write_text(f'id,name\n1,"{formula}"\n')
    assert classify(path)[0]["name"] == f"'{formula}"


@pytest.mark.parametrize("content", ["", "   ", "\n\n"])
def test_a_file_without_headings_is_bad_input(tmp_path, content):
    path = tmp_path / "names.csv"
    path.write_text(content)
    with pytest.raises(BadInput):
        classify(path)


@pytest.mark.parametrize("column", ["surname", "", "na"])
def test_a_column_that_is_not_there_is_bad_input(source, column):
    with pytest.raises(BadInput, match="--column"):
        classify(source, column)


def test_two_columns_of_the_name_are_bad_input(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("name,Name\nThandi Nkosi,Sipho Dube\n")
    with pytest.raises(BadInput, match="exactly one"):
        classify(path)


def test_a_list_without_a_heading_does_not_show_its_first_person(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("1,Thandi Nkosi\n2,Sipho Dube\n")
    with pytest.raises(BadInput) as raised:
        classify(path)
    assert "Nkosi" not in str(raised.value)


def test_a_workbook_is_bad_input_and_called_so(tmp_path):
    # It was told that it is neither a workbook nor text, and to save it as .xlsx.
    with pytest.raises(BadInput, match="this is a workbook; save the sheet"):
        classify(scenario_xlsx(tmp_path / "leads.xlsx"), "DirectorName")


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no such"):
        classify(tmp_path / "missing.csv")


def test_a_cell_too_large_to_be_a_name_is_bad_input_and_not_shown(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("id,name\n1," + "Nkosi" * 40_000 + "\n")
    with pytest.raises(BadInput, match="line 1: look for a quote") as raised:
        classify(path)
    assert "Nkosi" not in str(raised.value)


def test_a_failure_leaves_neither_half_an_answer_nor_a_temporary_file(source, monkeypatch):
    def fail(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("leadscout_assets.classify_file._figure", fail)
    with pytest.raises(RuntimeError):
        classify(source)
    assert [path.name for path in source.parent.iterdir()] == ["names.csv"]


def test_an_out_that_cannot_be_written_is_bad_input(source, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match="--out"):
        classify_csv(source, "name", tmp_path / "folder.csv", LIMITS, reveal_religion=False)
    with pytest.raises(BadInput, match="--out"):
        classify_csv(source, "name", source / "out.csv", LIMITS, reveal_religion=False)


@pytest.mark.parametrize("how", ["itself", "another way there", "symlink", "hard link", "link to the folder"])
def test_the_list_itself_is_never_written_over_by_whatever_path(source, how):
    """It was, without a word, and every other column was gone."""
    out, before = source.with_name("out.csv"), source.read_bytes()
    match how:
        case "itself":
            out = source
        case "another way there":
            out = source.parent / ".." / source.parent.name / source.name
        case "symlink":
            out.symlink_to(source)
        case "hard link":
            out.hardlink_to(source)
        case _:
            out.symlink_to(source.parent)
            out = out / source.name
    with pytest.raises(BadInput, match="--out is the CSV with the names itself"):
        classify_csv(source, "name", out, LIMITS, reveal_religion=False)
    assert source.read_bytes() == before


def test_another_file_of_the_same_content_is_written_over(source):
    source.with_name("out.csv").write_bytes(source.read_bytes())
    assert [row["name"] for row in classify(source)] == NAMES


def test_origins_that_reveal_religion_are_answered_only_when_switched_on(source):
    hidden, shown = classify(source), classify(source, reveal_religion=True)
    assert {row["p_cape_malay"] for row in hidden} <= {"", "0.0"}
    assert any(row["p_cape_malay"] not in ("", "0.0") for row in shown)


@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1, max_size=8)
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_stands_in_the_cells_there_is_a_row_for_each(tmp_path, names):
    path = tmp_path / "names.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows(enumerate(names))
    rows = classify(path)
    assert len(rows) == len(names)
