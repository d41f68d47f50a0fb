import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.names.cascade import classify_leads, classify_names, load_classifier
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.normalising import split_names
from leadscout_assets.names.remembered import Answer, Remembered
from leadscout_assets.terms import Origin

BATCH, PURPOSE = "2026-01-05_list_0123abcd", "demonstration"


def classify(*names, reveal=False):
    parts = split_names(pa.array(names, pa.string()))
    return classify_names(parts["given_names"], parts["surname"], load_classifier(), reveal_religion=reveal).to_pylist()


def leads(*names):
    parts = split_names(pa.array(names, pa.string()))
    count = len(names)
    return pa.table(
        {
            "batch_id": [BATCH] * count,
            "lead_id": [f"{at:016x}" for at in range(count)],
            "director_given_names": parts["given_names"],
            "director_surname": parts["surname"],
        }
    )


@pytest.mark.parametrize(
    "name", ["Brian Nkosi", "Nkosi Brian", "NKOSI, B", "Elizabeth Mokoena", "Kevin Baloyi", "David Netshitungulu"]
)
def test_an_african_surname_with_an_english_given_name_is_african(name):
    assert classify(name)[0]["origin"] == "african"


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("Johannes van der Merwe", "european"),
        ("Johan Vandermerwe", "european"),
        ("Sean O`Neill", "european"),
        ("Maria dos Santos", "european"),
        ("Devan Naidoo", "indian"),
        ("Devan Naidu", "indian"),
        ("Wei Zhang", "chinese"),
        ("Zhang Wei", "chinese"),
        ("Denzil Jantjies", "coloured"),
        ("Zanele Khumalo-Dube", "african"),
    ],
)
def test_typical_names_are_answered(name, origin):
    assert classify(name)[0]["origin"] == origin


def test_a_surname_and_a_given_name_that_point_to_different_origins_are_narrowed_to_both():
    row = classify("Thandiwe van der Merwe")[0]
    assert row["origin"] is None
    assert set(row["origin_set"]) == {"african", "european"}


def test_surnames_that_two_communities_share_are_not_answered_as_if_they_were_one_s():
    rows = classify("John Williams", "Johan Botha", "Peter Francis", "Henry Peters", "Mary Johnson", "David Johnson")
    assert all(row["p_coloured"] + row["p_european"] > 0.9 for row in rows)
    assert all(max(row["p_coloured"], row["p_european"]) < 0.95 for row in rows)
    narrowed = [set(row["origin_set"]) for row in rows if row["origin"] is None]
    assert narrowed
    assert all(members == {"coloured", "european"} for members in narrowed)


def test_a_name_read_the_other_way_round_says_so():
    assert classify("Nkosi Brian")[0]["evidence"].startswith("order:reversed; surname:lexicon:african=")


def test_the_method_is_the_stage_that_knew_the_surname():
    rows = classify("Sipho Dlamini", "Sipho Dlamni", "Sipho Mkhabathwayo", "Sipho Xq")
    assert [row["method"] for row in rows] == ["lexicon", "phonetic", "statistical", "abstained"]


def test_an_abstention_has_no_origin_confidence_or_probabilities():
    for row in classify(None, "n/a", "王小明"):
        assert row["origin_set"] == []
        assert row["method"] == "abstained"
        assert [row["origin"], row["confidence"], *(row[f"p_{o}"] for o in ORIGINS)] == [None] * 8


def test_origins_and_languages_that_reveal_religion_are_folded_unless_switched_on():
    names = ["Moegamat Salie", "Ayesha Vawda", "Yusuf Mohamed", "Ilana Rabinowitz", "Rashid Cassim"]
    folded, revealed = classify(*names), classify(*names, reveal=True)
    assert {row["language"] for row in revealed} >= {"hebrew", "urdu", "arabic"}
    assert revealed[0]["origin"] == "cape_malay"
    for row in folded:
        assert row["p_cape_malay"] == 0
        assert "cape_malay" not in [row["origin"], *row["origin_set"]]
        assert "cape_malay" not in row["evidence"]
        assert row["language"] in (None, "other_european", "other_indian")


def test_a_muslim_name_of_either_community_may_be_of_both():
    for row in classify("Rashid Cassim", "Yusuf Mohamed", "Ismail Ebrahim", reveal=True):
        assert row["p_cape_malay"] + row["p_indian"] > 0.9
        assert min(row["p_cape_malay"], row["p_indian"]) > 0.02


@pytest.mark.parametrize("purpose", [None, "", "  "])
def test_without_a_purpose_every_lead_abstains_and_no_name_is_looked_at(purpose):
    frame = classify_leads(
        leads("Sipho Dlamini", "Johan Botha"), load_classifier(), purpose=purpose, reveal_religion=True
    )
    assert frame["method"].to_pylist() == ["no_purpose"] * 2
    assert frame["evidence"].to_pylist() == ["no purpose recorded"] * 2
    assert frame["origin_set"].to_pylist() == [[], []]
    assert frame["p_african"].null_count == 2


@pytest.mark.parametrize("names", [[], ["Sipho Dlamini"], ["Sipho Dlamini", "J Botha", "Sipho Dlamini", "Xq"]])
def test_leads_get_one_row_each_that_fits_the_contract(names):
    given_leads = leads(*names)
    frame = classify_leads(given_leads, load_classifier(), purpose=PURPOSE, reveal_religion=False)
    assert frame.schema.equals(CLASSIFICATIONS.schema)
    assert frame["lead_id"].to_pylist() == given_leads["lead_id"].to_pylist()
    assert all(re.fullmatch("[0-9a-f]{12}", version) for version in frame["model_version"].to_pylist())


def test_an_answer_does_not_depend_on_the_other_names_of_the_frame():
    names = ["Brian Nkosi", "Nkosi Brian", "Zhang Wei", "Johan Botha", "Sipho Dlamni", "Fatima Adams"]
    assert classify(*names) == [classify(name)[0] for name in names]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=12) | st.none(), st.text(max_size=12) | st.none()), max_size=8), st.booleans()
)
def test_probabilities_and_sets_agree_whatever_the_names(pairs, reveal):
    given_names = pa.array([name for name, _ in pairs], pa.string())
    surnames = pa.array([name for _, name in pairs], pa.string())
    for row in classify_names(given_names, surnames, load_classifier(), reveal_religion=reveal).to_pylist():
        shares = {origin: row[f"p_{origin}"] for origin in ORIGINS}
        if row["method"] == "abstained":
            assert row["origin_set"] == []
            continue
        assert sum(shares.values()) == pytest.approx(1)
        assert sum(shares[origin] for origin in row["origin_set"]) == pytest.approx(row["confidence"])
        assert len(row["origin_set"]) == 1 if row["origin"] else 2 <= len(row["origin_set"]) <= 3


@pytest.mark.parametrize("reveal", [False, True])
def test_what_people_confirmed_wins_over_every_estimate(reveal):
    given_leads = leads("Sipho Dlamini", "Johan Botha", "Johan Botha", "Thandi Nkosi")
    remembered = Remembered(
        verified={f"{1:016x}": Answer(Origin.COLOURED, 0.95, "afrikaans")},
        memory={
            "#johan botha": Answer(Origin.EUROPEAN, 0.9),
            "#thandi nkosi": Answer(Origin.CAPE_MALAY, 0.9, "cape_malay"),
        },
        digest="#{}".format,
    )
    frame = classify_leads(
        given_leads, load_classifier(), purpose=PURPOSE, reveal_religion=reveal, remembered=remembered
    )
    rows = frame.to_pylist()
    assert [row["method"] for row in rows] == ["lexicon", "verified", "memory", "memory"]
    last = "cape_malay" if reveal else "coloured"
    assert [row["origin"] for row in rows] == ["african", "coloured", "european", last]
    assert [row["confidence"] for row in rows[1:]] == [0.95, 0.9, 0.9]
    assert all(sum(row[f"p_{origin}"] for origin in ORIGINS) == pytest.approx(1) for row in rows)
    assert all(row[f"p_{row['origin']}"] == row["confidence"] for row in rows)
    assert [rows[1]["language"], rows[3]["language"]] == ["afrikaans", "cape_malay" if reveal else None]
    assert reveal or all(row["p_cape_malay"] == 0 for row in rows)


def test_the_estimates_language_stays_only_where_people_confirmed_its_origin():
    given_leads = leads("Sipho Dlamini", "Sipho Dlamini")
    verified = {f"{at:016x}": Answer(origin, 0.95) for at, origin in enumerate((Origin.AFRICAN, Origin.INDIAN))}
    rows = classify_leads(
        given_leads, load_classifier(), purpose=PURPOSE, reveal_religion=False, remembered=Remembered(verified)
    )
    assert rows["language"].to_pylist() == ["nguni", None]


def test_a_person_who_does_not_wish_to_say_gets_no_origin_whatever_the_name():
    remembered = Remembered(
        verified={f"{0:016x}": Answer(None, 0.0)}, memory={"sipho dlamini": Answer(Origin.AFRICAN, 0.9)}
    )
    (row,) = classify_leads(
        leads("Sipho Dlamini"), load_classifier(), purpose=PURPOSE, reveal_religion=False, remembered=remembered
    ).to_pylist()
    assert (row["method"], row["origin_set"], row["evidence"]) == ("verified", [], "this person does not wish to say")
    assert [row["origin"], row["confidence"], row["language"], *(row[f"p_{o}"] for o in ORIGINS)] == [None] * 9


def test_names_alone_are_looked_up_in_memory_too():
    parts = split_names(pa.array(["DLAMINI, Sipho", None, "S Dlamini"], pa.string()))
    remembered = Remembered(memory={"sipho dlamini": Answer(Origin.INDIAN, 0.9)})
    frame = classify_names(parts["given_names"], parts["surname"], load_classifier(), remembered=remembered)
    assert frame["method"].to_pylist() == ["memory", "abstained", "lexicon"]


def test_without_a_purpose_not_even_confirmed_answers_are_looked_at():
    remembered = Remembered(verified={f"{0:016x}": Answer(Origin.AFRICAN, 0.95)})
    frame = classify_leads(
        leads("Sipho Dlamini"), load_classifier(), purpose=None, reveal_religion=False, remembered=remembered
    )
    assert frame["method"].to_pylist() == ["no_purpose"]


def test_evidence_never_holds_a_name():
    for row in classify("Thandiwe Vilakazi", "Qwertzu Vilakasi"):
        assert not re.search("thandiwe|vilaka|qwertzu", row["evidence"], re.IGNORECASE)
        assert re.fullmatch(r"surname:[a-z]+:[a-z_]+=\d\.\d\d; given:[a-z_=:.\d]+", row["evidence"])
