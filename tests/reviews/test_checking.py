"""What comes back is held against what was asked; a fault names the row and the fix, and shows no cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadscout_assets.reviews.checking import Checked, FilledRow, check, options
from tests.reviews.samples import NAME_HASH, question

LANGUAGES = ["isizulu", "afrikaans", "urdu", "", "afrikaans"]
QUESTIONS = {q.question_id: q for q in (question(1), question(2, "ann nel"), replace(question(1), question_id="b-1"))}
ROW = FilledRow(2, "0123456789-1", "Sipho Dlamini", "african", None, None)


def checked(*rows: FilledRow, reveal: bool = False) -> Checked:
    return check(rows, QUESTIONS, options(LANGUAGES, reveal_religion=reveal), NAME_HASH)


def test_what_may_be_chosen_reveals_religion_only_when_switched_on():
    hidden, shown = (options(LANGUAGES, reveal_religion=reveal) for reveal in (False, True))
    assert hidden.origins == ("african", "european", "indian", "coloured", "chinese", "cannot_tell")
    assert hidden.languages == ("afrikaans", "isizulu")
    assert set(shown.origins) - set(hidden.origins) == {"cape_malay"}
    assert set(shown.languages) - set(hidden.languages) == {"urdu"}


def test_a_usable_row_becomes_an_answer_in_codes():
    found = checked(replace(ROW, origin="African", language="isiZulu", note="knows the person"))
    (given,) = found.answers
    assert (given.origin, given.language, given.note) == ("african", "isizulu", "knows_the_person")
    assert given.question == QUESTIONS["0123456789-1"]
    assert found.faults == ()


def test_a_row_without_an_answer_is_open_and_no_fault():
    assert checked(replace(ROW, origin=None)) == Checked((), (), 1)


@pytest.mark.parametrize("name", ["DLAMINI, Sipho", "sipho  dlamini", "Mr Sipho Dlamini"])
def test_a_name_that_was_only_written_otherwise_is_the_same(name):
    assert len(checked(replace(ROW, name=name)).answers) == 1


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"question_id": None}, "its first cell, Question, is blank"),
        ({"question_id": "0123456789-9"}, "export the batch again"),
        ({"name": "Thandi Nkosi"}, "the name is not the one that was asked about"),
        ({"name": None}, "the name is not the one that was asked about"),
        ({"origin": "zulu"}, "Origin holds none of the choices"),
        ({"origin": "cape malay"}, "Origin holds none of the choices"),
        ({"language": "klingon"}, "Language holds none of the choices"),
        ({"language": "urdu"}, "Language holds none of the choices"),
        ({"note": "he told me so"}, "Note holds none of the choices"),
        ({"origin": None, "note": "no person"}, "no origin: choose one"),
        ({"origin": "cannot tell", "language": "isizulu"}, "leave the language out"),
    ],
)
def test_a_row_at_fault_is_named_with_its_fix_and_without_its_content(change, fix):
    found = checked(replace(ROW, row=7, **change))
    (fault,) = found.faults
    assert fault.row == 7
    assert fix in fault.sentence
    assert not {"zulu", "klingon", "Nkosi", "Dlamini", "told"} & set(fault.sentence.replace(",", "").split())
    assert found.answers == ()


def test_religion_may_be_said_where_it_is_switched_on():
    assert checked(replace(ROW, origin="Cape Malay"), reveal=True).answers[0].origin == "cape_malay"


@pytest.mark.parametrize("again", ["0123456789-1", "b-1"])
def test_a_lead_answered_twice_is_one_answer_where_both_agree_and_none_where_not(again):
    same = checked(ROW, replace(ROW, row=9, question_id=again))
    assert (len(same.answers), same.faults) == (1, ())
    other = FilledRow(3, "0123456789-2", "Ann Nel", "european", None, None)
    split = checked(ROW, other, replace(ROW, row=9, question_id=again, origin="indian"))
    assert [given.origin for given in split.answers] == ["european"]
    assert [(fault.row, "row 2" in fault.sentence) for fault in split.faults] == [(9, True)]
