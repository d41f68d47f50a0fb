"""Looking up what people said: by lead, else by full name, each name once."""

import pyarrow as pa
import pytest

from leadscout_assets.names.remembered import Answer, Remembered, full_name_key
from leadscout_assets.terms import Method, Origin

ANSWER, OTHER = Answer(Origin.AFRICAN, 0.95), Answer(Origin.INDIAN, 0.9)


@pytest.mark.parametrize(
    ("given", "surname", "key"),
    [
        ("Sipho", "Dlamini", "sipho dlamini"),
        ("J Petrus", "Van der Merwe", "j petrus vandermerwe"),
        ("JP", "Botha", None),
        ("J P", "Botha", None),
        (None, "Madonsela", None),
        ("", "Madonsela", None),
        ("Sipho", None, None),
    ],
)
def test_only_a_name_with_a_given_name_written_out_is_a_full_name(given, surname, key):
    assert full_name_key(given, surname) == key


def test_a_lead_goes_before_its_name_and_each_name_is_digested_once():
    digested = []

    def digest(key: str) -> str:
        digested.append(key)
        return key.upper()

    remembered = Remembered({"b": ANSWER}, {"ANN NEL": OTHER}, digest)
    given = pa.chunked_array([["Ann", "Ann"], ["Ann", None]])
    surname = pa.chunked_array([["Nel"], ["Nel", "Nel", "Nel"]])
    found = remembered.answers(pa.chunked_array([["a", "b"], ["c", "d"]]), given, surname)
    assert found == {0: (Method.MEMORY, OTHER), 1: (Method.VERIFIED, ANSWER), 2: (Method.MEMORY, OTHER)}
    assert digested == ["ann nel"]


def test_the_fingerprint_tells_other_answers_and_no_other_order():
    one = Remembered({"a": ANSWER, "b": OTHER})
    assert one.fingerprint() == Remembered({"b": OTHER, "a": ANSWER}).fingerprint()
    assert len({each.fingerprint() for each in (one, Remembered(memory={"a": ANSWER}), Remembered({"a": OTHER}))}) == 3
