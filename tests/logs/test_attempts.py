"""What is told of classification: stages in figures, attempts by lead id, and nothing of what was inferred."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest

from leadscout_assets import pipeline
from leadscout_assets.contracts import LEADS
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.logs import attempts
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.single_run import describe
from tests.defs.ground import MORNING
from tests.logs.lines import in_files, log_to_files
from tests.purposes import granted


@pytest.fixture(scope="module")
def leads(tmp_path_factory) -> pa.Table:
    source = tmp_path_factory.mktemp("list") / "leads.csv"
    write_delivery(source, 400, seed=5)
    settings = read_settings()
    raw = pipeline.read([describe(source, settings, MORNING)], lambda _: source, settings).raw
    return pipeline.validate(raw, b"a key")[0]


def granted_to(leads: pa.Table) -> dict:
    return dict.fromkeys(leads["batch_id"].unique().to_pylist(), granted())


def classified(leads: pa.Table, home, *, debug: bool = True, purpose: str | None = "test") -> dict:
    logs = log_to_files(home, log_debug=debug)
    pipeline.classify(leads, Settings(), granted_to(leads) if purpose else {})
    return in_files(logs)


def test_every_lead_is_in_exactly_one_line_of_attempts_and_its_outcome_is_that_of_its_classification(leads, tmp_path):
    told = classified(leads, tmp_path / "home")["debug/classification"]
    ids = [one for line in told for one in line["leads"]]
    assert sorted(ids) == sorted(leads["lead_id"].to_pylist())
    answers = pipeline.classify(leads, Settings(), granted_to(leads)).to_pylist()
    outcomes = {one: line["outcome"] for line in told for one in line["leads"]}
    for answer in answers:
        kind = "answered" if answer["origin"] else "narrowed" if answer["origin_set"] else "abstained"
        assert outcomes[answer["lead_id"]] == kind
    assert {line["batch_id"] for line in told} == set(leads["batch_id"].to_pylist())
    assert len(told) < 60, "lines are per way that names go, not per lead"


def test_attempts_say_which_stages_were_tried_in_their_order(leads, tmp_path):
    told = classified(leads, tmp_path / "home")["debug/classification"]
    ways = {tuple(line["attempts"]) for line in told}
    assert ("surname lexicon: known", "given lexicon: known") in ways
    unknown = [way for way in ways if way[:1] == ("surname lexicon: not known",)]
    assert unknown
    assert {way[1] for way in unknown} <= {"surname phonetic: known", "surname phonetic: not known"}
    assert all(way[2].startswith("surname statistical: ") for way in unknown if way[1].endswith("not known"))


def test_stages_are_told_with_their_reason_and_what_each_passes_on(leads, tmp_path):
    told = classified(leads, tmp_path / "home", debug=False)
    stages = [line for line in told["production/metrics"] if line["event"] == "stage.attempted"]
    assert [line["stage"] for line in stages] == ["lexicon", "phonetic", "statistical"]
    assert stages[0]["attempted"] == leads.num_rows
    for line, after in pairwise(stages):
        assert line["known"] + line["passed_on"] == line["attempted"]
        assert after["attempted"] == line["passed_on"]
    assert stages[1]["reason"] == "surnames that lexicon and the stages before it do not know"
    assert "debug/classification" not in told


def test_without_a_purpose_it_is_said_that_no_name_was_looked_at(leads, tmp_path):
    told = classified(leads, tmp_path / "home", purpose=None)
    (stage,) = told["production/metrics"]
    assert (stage["attempted"], stage["known"]) == (0, 0)
    assert "no purpose is recorded" in str(stage["reason"])
    assert {(line["outcome"], tuple(line["attempts"])) for line in told["debug/classification"]} == {("no_purpose", ())}


def test_neither_names_nor_origins_are_told(leads, tmp_path):
    said = str(classified(leads, tmp_path / "home")).casefold()
    names = {name.casefold() for column in ("director_surname", "entity_name") for name in leads[column].to_pylist()}
    assert [name for name in names if name in said] == []
    assert [origin for origin in ORIGINS if str(origin) in said] == []


def test_evidence_of_an_unknown_shape_gives_no_attempts_and_is_not_repeated(tmp_path):
    logs = log_to_files(tmp_path / "home", log_debug=True)
    rows = {"batch_id": ["b"], "lead_id": ["0" * 16], "evidence": ["surname:zulu=0.9; african"], "method": ["x"]}
    attempts.tell_attempts(pa.table(rows | {"origin": pa.array([None], pa.string())}), ("lexicon",))
    told = in_files(logs)
    assert told["debug/classification"][0]["attempts"] == []
    assert "zulu" not in str(told)
    assert "african" not in str(told)


def test_many_leads_of_one_way_are_cut_into_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(attempts, "LEADS_PER_LINE", 3)
    ids = [f"{n:016x}" for n in range(8)]
    rows = {
        "batch_id": ["b"] * 8,
        "lead_id": ids,
        "evidence": ["surname:lexicon:x=1.00"] * 8,
        "method": ["lexicon"] * 8,
    }
    logs = log_to_files(tmp_path / "home", log_debug=True)
    attempts.tell_attempts(pa.table(rows | {"origin": ["x"] * 8}), ("lexicon",))
    assert [len(line["leads"]) for line in in_files(logs)["debug/classification"]] == [3, 3, 2]


def test_no_leads_are_told_of_by_nothing(tmp_path):
    logs = log_to_files(tmp_path / "home", log_debug=True)
    pipeline.classify(LEADS.empty(), Settings(), {})
    assert in_files(logs) == {}
