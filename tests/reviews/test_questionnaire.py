"""The workbook: names as text, drop-downs, nothing of what the model thinks; and back, however a program saved it."""

from __future__ import annotations

import zipfile

import openpyxl
import pytest

from leadscout_assets.errors import BadInput
from leadscout_assets.reviews.checking import FilledRow, options
from leadscout_assets.reviews.questionnaire import read_questionnaire, write_questionnaire
from leadscout_assets.reviews.questions import Asked
from tests.reviews.samples import question
from tests.scenario import LIMITS

ASKED = Asked(
    (question(1, "a", "european", sampled=True), question(2, "b", "coloured", "european"), question(3, "c")),
    ("Ann Nel", "=HYPERLINK(1)", "<r>Ben</r> Zulu"),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deep" / "review.xlsx"
    write_questionnaire(path, ASKED, options(["isizulu", "urdu"], reveal_religion=False))
    return path


def filled(path, **cells):
    book = openpyxl.load_workbook(path)
    for cell, value in cells.items():
        book["Review"][cell] = value
    book.save(path)
    return read_questionnaire(path, LIMITS)


def test_names_are_text_whatever_they_begin_with_and_stand_beside_their_question(path):
    page = openpyxl.load_workbook(path)["Review"]
    rows = list(page.iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == [one.question_id for one in ASKED.questions]
    assert [row[1].strip() for row in rows] == list(ASKED.names)
    assert not [cell for row in page.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]


def test_every_answer_cell_offers_its_choices(path):
    book = openpyxl.load_workbook(path)
    lists = {str(v.sqref): v.formula1 for v in book["Review"].data_validations.dataValidation}
    assert lists == {"C2:C4": "Choices!$A$1:$A$6", "D2:D4": "Choices!$B$1:$B$1", "E2:E4": "Choices!$C$1:$C$4"}
    choices = [[cell.value for cell in column if cell.value] for column in book["Choices"].iter_cols()]
    assert choices[0] == ["african", "european", "indian", "coloured", "chinese", "cannot tell"]
    assert choices[1] == ["isizulu"]


def test_only_answer_cells_can_be_typed_into(path):
    page = openpyxl.load_workbook(path)["Review"]
    assert page.protection.sheet
    assert [cell.protection.locked for cell in page[2]] == [True, True, False, False, False]


def test_nothing_of_the_model_s_answer_is_anywhere_in_the_file(path):
    """The three questions were answered, narrowed and abstained: but for question and name, their rows are alike."""
    with zipfile.ZipFile(path) as archive:
        sheets = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")}
    cells = "".join(text for name, text in sheets.items() if "sharedStrings" in name or "docProps" in name)
    assert "sampled" not in cells
    book = openpyxl.load_workbook(path)
    looks = {tuple((cell.value, cell.style_id) for cell in row[2:]) for row in book["Review"].iter_rows(min_row=2)}
    assert len(looks) == 1
    assert book.sheetnames == ["Instructions", "Review", "Choices"]


def test_the_file_is_for_this_user_alone(path):
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert [one.name for one in path.parent.iterdir()] == ["review.xlsx"]


def test_what_was_chosen_comes_back_with_the_row_that_a_spreadsheet_shows(path):
    rows = filled(path, C2="european", D2=" isizulu ", E4="no person")
    assert rows[0] == FilledRow(2, "0123456789-1", "Ann Nel", "european", "isizulu", None)
    assert [(row.row, row.origin, row.note) for row in rows[1:]] == [(3, None, None), (4, None, "no person")]


def test_rows_and_columns_may_be_moved_and_rows_left_out(path):
    book = openpyxl.load_workbook(path)
    page = book["Review"]
    page.delete_rows(2)
    page.insert_cols(1)
    page["D3"] = "african"
    book.save(path)
    assert [(row.row, row.question_id, row.origin) for row in read_questionnaire(path, LIMITS)] == [
        (2, "0123456789-2", None),
        (3, "0123456789-3", "african"),
    ]


def test_a_heading_that_is_gone_is_named(path):
    with pytest.raises(BadInput, match="Origin") as caught:
        filled(path, C1="Herkoms")
    assert "Herkoms" not in str(caught.value)


def test_a_workbook_without_the_sheet_is_refused_by_the_sheet_s_name(path):
    book = openpyxl.load_workbook(path)
    book["Review"].title = "Resensie"
    book.save(path)
    with pytest.raises(BadInput, match="no sheet Review"):
        read_questionnaire(path, LIMITS)


@pytest.mark.parametrize("content", [b"Question,Name\n1,Ann\n", b"PK\x03\x04 cut", b"%PDF-1.7"])
def test_what_is_no_workbook_is_refused(tmp_path, content):
    path = tmp_path / "review.xlsx"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        read_questionnaire(path, LIMITS)


def test_a_missing_file_and_a_place_that_cannot_be_written_to_are_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_questionnaire(tmp_path / "review.xlsx", LIMITS)
    with pytest.raises(BadInput, match="--out"):
        write_questionnaire(tmp_path, ASKED, options([], reveal_religion=False))
    assert list(tmp_path.iterdir()) == []
