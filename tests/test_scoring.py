from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.contracts import LEADS
from leadscout_assets.scoring import FEATURES, LEAD_SCORES, MOST_ORIGIN_POINTS, Origins, score
from leadscout_assets.terms import PhoneKind, Province, Warn

BATCHES = ("2024-03-01_list_0123abcd", "2024-03-02_list_0123abcd")
FULL: dict[str, object] = {
    "batch_id": BATCHES[0],
    "lead_id": "0123456789abcdef",
    "source_row": 2,
    "entity_name": "KUDU",
    "company_type": "(Pty) Ltd",
    "trading_as_name": "KUDU SHOP",
    "keyword": "PLUMBERS",
    "contact_number": "+27110123456",
    "contact_number_kind": "landline",
    "director_cell": "+27850000001",
    "director_cell_kind": "mobile",
    "other_numbers": [],
    "email_address": "info@example.co.za",
    "email_is_free": False,
    "address": "12 PROTEA STREET",
    "city": "Sandton",
    "province": "GP",
    "postal_code": "2196",
    "director_given_names": "Thandi",
    "director_surname": "Nkosi",
    "warnings": [],
}
EMPTY: dict[str, object] = {
    name: FULL[name] for name in ("batch_id", "lead_id", "source_row", "entity_name", "director_surname")
} | {"other_numbers": [], "province": "unknown", "warnings": []}

KINDS = st.sampled_from([None, *map(str, PhoneKind)])
LEAD_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "batch_id": st.sampled_from(BATCHES),
            "company_type": st.sampled_from([None, "(Pty) Ltd", "CC", "GmbH"]),
            "keyword": st.sampled_from([None, "PLUMBERS"]),
            "contact_number_kind": KINDS,
            "director_cell_kind": KINDS,
            "email_is_free": st.sampled_from([None, True, False]),
            "city": st.sampled_from([None, "Sandton"]),
            "postal_code": st.sampled_from([None, "2196"]),
            "province": st.sampled_from(list(map(str, Province))),
            "director_given_names": st.sampled_from([None, "Thandi"]),
            "warnings": st.lists(st.sampled_from(list(map(str, Warn))), unique=True),
        }
    ),
    max_size=20,
)


def _frame(rows: list[dict[str, object]]) -> pa.Table:
    full = []
    for number, row in enumerate(rows, 2):
        row = {**EMPTY, "source_row": number, "lead_id": f"{number:016x}", **row}
        row["email_address"] = row.get("email_address") or (
            None if row.get("email_is_free") is None else "a@example.com"
        )
        for field in ("contact_number", "director_cell"):
            row[field] = row.get(field) or (row.get(f"{field}_kind") and "+27850000001")
        full.append(row)
    return pa.Table.from_pylist(full, schema=LEADS.schema)


def _score(**changes: object) -> dict[str, float]:
    return dict(score(_frame([{**FULL, **changes}])).to_pylist()[0])


def test_the_weights_sum_to_a_hundred_and_origin_weighs_nothing() -> None:
    weights = {feature.name: feature.weight for feature in FEATURES}
    assert sum(weights.values()) == 100
    assert weights["name_origin"] == 0


@settings(max_examples=40)
@given(LEAD_ROWS)
def test_contributions_sum_to_the_score_exactly_and_stay_within_their_weights(rows: list[dict[str, object]]) -> None:
    scores = score(_frame(rows))
    for row in scores.to_pylist():
        assert row["score"] == sum(row[feature.name] for feature in FEATURES) / 100
        assert all(0 <= row[feature.name] <= feature.weight * 100 for feature in FEATURES)


@settings(max_examples=40)
@given(LEAD_ROWS)
def test_each_batch_is_ranked_by_score_and_then_by_source_row(rows: list[dict[str, object]]) -> None:
    leads = _frame(rows)
    numbers = leads["source_row"].to_pylist()
    scored = [{**row, "source_row": n} for row, n in zip(score(leads).to_pylist(), numbers, strict=True)]
    for batch in BATCHES:
        ranked = sorted((row for row in scored if row["batch_id"] == batch), key=lambda row: row["rank"])
        assert [row["rank"] for row in ranked] == list(range(1, len(ranked) + 1))
        assert ranked == sorted(ranked, key=lambda row: (-row["score"], row["source_row"]))


@settings(max_examples=30)
@given(LEAD_ROWS)
def test_batches_together_are_scored_as_they_are_alone(rows: list[dict[str, object]]) -> None:
    together = score(_frame(rows))
    alone = [score(_frame([{**row, "source_row": n, "lead_id": f"{n:016x}"}])) for n, row in enumerate(rows, 2)]
    assert together["score"].to_pylist() == [one["score"][0].as_py() for one in alone]


def test_scores_fit_their_contract_also_without_leads() -> None:
    assert LEAD_SCORES.fit(score(LEADS.empty())).num_rows == 0


def test_a_full_lead_scores_a_hundred() -> None:
    assert _score()["score"] == 100.0


def test_a_lead_with_names_alone_scores_for_being_free_of_doubt_and_little_more() -> None:
    (row,) = score(_frame([EMPTY])).to_pylist()
    assert {feature.name: row[feature.name] for feature in FEATURES if row[feature.name]} == {
        "data_quality": 1500,
        "business_type": 270,
    }


@pytest.mark.parametrize(
    ("changes", "feature", "points"),
    [
        ({"director_cell_kind": "landline"}, "director_cell", 1400),
        ({"contact_number_kind": "premium"}, "business_number", 600),
        ({"email_is_free": True}, "email", 600),
        ({"city": None}, "address", 533),
        ({"province": "unknown"}, "province", 0),
        ({"director_given_names": None}, "director_name", 0),
        ({"trading_as_name": None}, "trading_as_name", 0),
        ({"warnings": ["province_disagrees"]}, "data_quality", 1000),
        ({"warnings": ["no_address", "postal_code_repaired"]}, "data_quality", 1500),
        ({"warnings": [str(code) for code in Warn]}, "data_quality", 0),
        ({"company_type": "CC"}, "business_type", 720),
        ({"keyword": None}, "keyword", 0),
    ],
)
def test_each_feature_is_worth_what_its_sentence_says(changes: dict[str, object], feature: str, points: int) -> None:
    assert _score(**changes)[feature] == points


def _origins(known: list[bool], points: int) -> Origins:
    return Origins(np.array(known, dtype=bool), np.full(len(known), points))


@settings(max_examples=25)
@given(LEAD_ROWS, st.integers(0, MOST_ORIGIN_POINTS), st.randoms(use_true_random=False))
def test_a_known_origin_moves_no_lead_by_more_than_its_points_and_leaves_none_out(
    rows: list[dict[str, object]], points: int, random: Random
) -> None:
    leads = _frame(rows)
    known = [random.random() < 0.5 for _ in rows]
    plain, weighed = score(leads).to_pylist(), score(leads, _origins(known, points)).to_pylist()
    assert [row["lead_id"] for row in weighed] == [row["lead_id"] for row in plain]
    for row, before, has in zip(weighed, plain, known, strict=True):
        assert row["score"] == sum(row[feature.name] for feature in FEATURES) / 100
        assert row["name_origin"] == (points * 100 if has else 0)
        # Hundredths of each feature are rounded by themselves.
        assert abs(row["score"] - before["score"]) <= points + len(FEATURES) / 200
        assert (row["score"] > 0) == (before["score"] > 0 or row["name_origin"] > 0)


def test_a_full_lead_scores_a_hundred_at_any_weight_and_one_without_an_answer_so_many_points_less() -> None:
    leads = _frame([FULL, FULL])
    for points in range(MOST_ORIGIN_POINTS + 1):
        assert score(leads, _origins([True, False], points))["score"].to_pylist() == [100.0, 100.0 - points]


def test_with_no_points_the_scores_are_those_without_origins() -> None:
    leads = _frame([FULL, EMPTY, {**FULL, "city": None}])
    assert score(leads, _origins([True, False, True], 0)).equals(score(leads))


def test_no_weight_may_be_more_than_the_most() -> None:
    with pytest.raises(ValueError, match="0 to 5 points"):
        _origins([True], MOST_ORIGIN_POINTS + 1)
