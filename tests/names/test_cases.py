import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from leadscout_assets.names.cases import CALIBRATE, FIRST_CASES, TEST, find_cases, part_of, read_cases, surname_key

CASES = Path(__file__).parent / "cases.csv"


@pytest.fixture(scope="module")
def cases():
    return read_cases(CASES)


def test_the_test_half_has_at_least_250_cases_of_every_origin(cases):
    assert len(cases) >= 3_000
    counts = Counter((case.origin, case.part) for case in cases)
    origins = {"african", "european", "indian", "coloured", "cape_malay", "chinese"}
    assert set(counts) == {(origin, part) for origin in origins for part in (CALIBRATE, TEST)}
    assert all(counts[origin, TEST] >= 250 for origin in origins)


def test_no_name_stands_twice(cases):
    assert len({case.name.casefold() for case in cases}) == len(cases)


def test_a_surname_of_an_origin_stands_in_one_half(cases):
    first = {(case.origin, surname_key(case.name)) for case in cases[:FIRST_CASES]}
    halves = defaultdict(set)
    for case in cases[FIRST_CASES:]:
        halves[case.origin, surname_key(case.name)].add(case.part)
    # The first cases were dealt without regard to surnames; later ones of theirs follow them where they are of one mind.
    assert all(len(parts) == 1 for parts in halves.values())
    known = [case for case in cases[:FIRST_CASES] if surname_key(case.name) in {"dlamini", "naidoo"}]
    for origin, key in (("african", "dlamini"), ("indian", "naidoo")):
        parts = {case.part for case in known if case.origin == origin and surname_key(case.name) == key}
        assert len(parts | halves.get((origin, key), set())) >= 1
    assert len(first) > 500


def test_a_new_case_goes_where_its_surname_is(cases):
    for case in cases[FIRST_CASES::499]:
        assert part_of(case.name, case.origin, cases) == case.part
    assert part_of("Somebody Unheardofsurname", "african", cases) in (CALIBRATE, TEST)


def test_cases_lie_beside_the_package_in_a_checkout():
    assert find_cases() == CASES


def test_cases_are_plain_csv_below_their_comments():
    with CASES.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    assert rows[0] == ["name", "origin", "group", "part"]
    assert {len(row) for row in rows} == {4}
