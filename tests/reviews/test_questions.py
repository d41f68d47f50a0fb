"""Who is asked about: all undecided and a random sample of the decided, mixed, the same each time, without a name in clear."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from leadscout_assets.reviews.questions import Asked, ask, name_hashes
from tests.reviews.samples import BATCH, NAME_HASH, answers, lead_id, people

EUROPEAN, BOTH = ("european",), ("european", "coloured")


def asked(*sets: tuple[str, ...], sample: int = 100, seed: int = 0, known=frozenset(), methods=None) -> Asked:
    names = people(*((f"Ann{'abcdefghij'[n % 10]}", "Nel") for n in range(len(sets))))
    return ask(names, answers(*sets, methods=methods), known=known, sample=sample, seed=seed, name_hash=NAME_HASH)


def leads(found: Asked) -> set[str]:
    return {question.lead_id for question in found.questions}


def test_every_undecided_name_is_asked_about_and_as_many_decided_ones_as_wanted():
    sets = [*[EUROPEAN] * 50, *[BOTH] * 7, *[()] * 3]
    found = asked(*sets, sample=20)
    assert {lead_id(n) for n in range(50, 60)} <= leads(found)
    assert (len(found.questions), found.sampled) == (30, 20)
    assert all(question.sampled == (len(question.origin_set) == 1) for question in found.questions)


def test_the_model_s_answer_is_kept_as_it_was_when_asked():
    (question,) = asked(BOTH).questions
    assert (question.origin_set, question.model_version, question.batch_id) == (BOTH, "1", BATCH)


def test_names_that_a_person_decided_or_that_were_reviewed_are_not_asked_about():
    sets = [EUROPEAN] * 5
    methods = {0: "verified", 1: "memory", 2: "no_purpose"}
    assert leads(asked(*sets, methods=methods, known={lead_id(3)})) == {lead_id(4)}


def test_the_same_question_paper_comes_out_each_time_and_another_for_another_seed():
    sets = [*[EUROPEAN] * 40, *[BOTH] * 5]
    assert asked(*sets, sample=10) == asked(*sets, sample=10)
    assert leads(asked(*sets, sample=10)) != leads(asked(*sets, sample=10, seed=1))
    ids = {q.question_id for seed in (0, 1) for q in asked(*sets, sample=10, seed=seed).questions}
    assert len(ids) == 30


def test_the_place_in_the_file_does_not_tell_what_the_model_thought():
    found = asked(*[EUROPEAN] * 100, *[BOTH] * 100, sample=100)
    first = sum(question.sampled for question in found.questions[:100])
    assert 30 <= first <= 70


def test_every_decided_name_is_as_likely_to_be_drawn():
    drawn = Counter(lead for seed in range(100) for lead in leads(asked(*[EUROPEAN] * 10, sample=3, seed=seed)))
    assert sum(drawn.values()) == 300
    spread = math.sqrt(100 * 0.3 * 0.7)
    assert all(abs(drawn[lead_id(n)] - 30) < 4 * spread for n in range(10))


def test_no_name_is_in_a_question_and_equal_names_have_equal_hashes():
    names = people(("Sipho", "Dlamini"), ("SIPHO", "Dlamini"), ("S", "Dlamini"))
    found = ask(names, answers((), (), ()), known=(), sample=0, seed=0, name_hash=NAME_HASH)
    by_lead = {question.lead_id: question for question in found.questions}
    assert "lamini" not in repr(found.questions)
    assert sorted(found.names) == ["S Dlamini", "SIPHO Dlamini", "Sipho Dlamini"]
    assert by_lead[lead_id(0)].name_hash == by_lead[lead_id(1)].name_hash == NAME_HASH("sipho dlamini")
    assert [by_lead[lead_id(n)].full_name for n in range(3)] == [True, True, False]


def test_without_the_key_a_hash_is_another():
    assert NAME_HASH("sipho dlamini") != name_hashes(b"x" * 32)("sipho dlamini")
    assert len(NAME_HASH("a")) == 32


@pytest.mark.parametrize("sets", [(), (EUROPEAN,)])
def test_a_batch_with_nothing_to_ask_gives_no_question(sets):
    found = asked(*sets, sample=0)
    assert found == Asked((), ())
    assert replace(found).sampled == 0
