"""Pairs of leads: what makes them the same, what rules them out, and that weights and truth fit together."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadscout_assets.identity.blocking import blocks, equal_texts, meet
from leadscout_assets.identity.comparing import comparable
from leadscout_assets.identity.learning import leads_of as generated_leads
from leadscout_assets.identity.learning import learn, truth_of
from leadscout_assets.identity.resolving import near_pairs
from leadscout_assets.identity.weighing import FIELDS, NEVER, Pairs, shipped, weigh
from leadscout_assets.leads.synthetic import generate
from leadscout_assets.leads.synthetic_again import generate_again
from tests.identity.batches import PERSON, leads_of


def compared(**other: str | None) -> tuple[float, set[str]]:
    weighed = weigh(Pairs(comparable(leads_of(1, [PERSON])), comparable(leads_of(2, [PERSON | other]))))
    return float(weighed.probability[0]), set(weighed.evidence(pa.array([0]).to_numpy())[0].as_py())


@pytest.mark.parametrize(
    ("other", "evidence"),
    [
        ({"entity_name": "Baobab Plumbng"}, "business_close"),
        ({"entity_name": "Baobab Plumbing CC"}, "business_same"),
        ({"entity_name": "Umhlanga Works", "trading_as_name": "Baobab Plumbing"}, "business_same"),
        ({"director_name": "Nkosi Thandi"}, "director_reordered"),
        ({"director_name": "Thandi Nkos"}, "director_close"),
        ({"director_name": "T Nkosi"}, "director_shortened"),
        ({"director_name": "Thandi Grace Nkosi"}, "director_shortened"),
        ({"registered_address": "1 Aloe Road", "registered_address_city": "Paarl"}, "place_other"),
    ],
)
def test_the_same_lead_written_otherwise_is_found_and_the_evidence_says_how(other, evidence):
    probability, codes = compared(**other)
    assert probability >= shipped().least
    assert evidence in codes


@pytest.mark.parametrize(
    "other",
    [
        {"director_name": "Sipho Nkosi"},
        {"director_name": "Petrus Botha"},
        {"entity_name": "Kudu Transport"},
        {"entity_name": "Baobab Plumbing 2"},
        {"entity_name": "Baobab Plumbing 2", "trading_as_name": "Shop"},
    ],
)
def test_another_person_or_business_is_never_the_same_however_much_else_is(other):
    assert compared(**other)[0] < shipped().least


def test_every_level_has_its_weight_and_what_rules_out_is_a_level():
    assert {field.name: set(field.levels) for field in FIELDS} == {
        name: set(levels) for name, levels in shipped().bits.items()
    }
    assert {(field.name, level) for field in FIELDS for level in field.levels} >= set(NEVER)


def test_weights_are_counted_from_truth_and_likeness_speaks_for_the_same():
    weights = learn(seed=5, sizes=(2_000, 1_000))
    assert weights.bits["business"]["same"] > weights.bits["business"]["other"]
    assert weights.bits["cell"]["same"] > weights.bits["cell"]["other"]


def found_and_true(rows: int, new: int, seed: int) -> tuple[float, float]:
    before = generate(rows, seed)
    again, truth = generate_again(before, new, 0.5, seed + 1)
    left, repeats = generated_leads(before, "2026-01-01_list_00000001")
    right, _ = generated_leads(again, "2026-01-02_list_00000002")
    wanted = truth_of(left, repeats, right, truth)
    near = near_pairs(left, right, meet(blocks(left), blocks(right)))
    exact = equal_texts(left["lead_id"], right["lead_id"])
    rows_left = left["source_row"].to_numpy()
    pairs = [*zip(*exact, strict=True), *zip(near.left, near.right, strict=True)]
    right_ones = sum(rows_left[one] == wanted[other] for one, other in pairs)
    return right_ones / len(pairs), right_ones / int((wanted >= 0).sum())


def test_nearly_all_pairs_found_are_right_and_nearly_all_right_ones_are_found():
    precision, recall = found_and_true(3_000, 1_500, seed=21)
    assert precision >= 0.99
    assert recall >= 0.95


@pytest.mark.soak
def test_the_same_among_many():
    precision, recall = found_and_true(200_000, 20_000, seed=31)
    assert precision >= 0.99
    assert recall >= 0.95
