"""`leadscout llm evaluate` with the golden set: what a model must have passed before it is asked about anybody's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from leadscout_assets.database.audit import events
from leadscout_assets.database.models import llm_evaluations
from leadscout_assets.home import Home
from leadscout_assets.llm.golden import Golden
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stub import Faults, StubServer
from leadscout_assets.llm.stub.model import answer
from leadscout_assets.settings import read_settings

BATCH = "2026-03-02_list_00000001"
STRANGERS = {"Quzor Vextalum": BATCH, "Qizor Vextolum": BATCH, "Qozor Vextilum": BATCH}
EVALUATE = ("llm", "evaluate", "--provider", "local/own")

Label = Callable[[str], str]


def as_answered(name: str) -> str:
    """What the stand-in answers, whatever it means."""
    return str(answer(0, name, 0)["origin"])


def golden(label: Label) -> Golden:
    names = [f"Q{two}zor V{one}xtalum" for one in "bdfghjklmn" for two in "aeiou"]
    return Golden({name: frozenset({label(name)}) for name in names}, "000000000000")


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


@pytest.fixture
def own(home, stub, monkeypatch) -> Callable[[], Home]:
    """A server of one's own, which nobody has measured yet; returns the home as a run would open it now."""
    told = {
        "LLM_PROVIDERS": "local/own", "LLM_LOCAL_URL": stub.openai_url, "LLM_PRICES": "local/own=0.1:0.4",
        "CLASSIFICATION_PURPOSE": "demonstration",
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(f"LEADSCOUT_{name}", value)
    return lambda: Home(read_settings())


@pytest.fixture
def labelled(monkeypatch) -> Callable[[Label], None]:
    """Sets what is right."""

    def label(by: Label) -> None:
        monkeypatch.setattr("leadscout_assets.llm.golden.golden_set", lambda: golden(by))

    label(as_answered)
    return label


def ask(home: Home) -> Mapping[str, str]:
    """Ask about strangers as a run does; return the reasons of those without an answer."""
    return home.llm_stage(strict=False).ask(STRANGERS).undecided


def wrong(name: str) -> str:
    return "chinese" if as_answered(name) != "chinese" else "indian"


def test_a_model_that_was_never_measured_is_passed_over_and_one_that_passed_is_asked(leadscout, own, stub, labelled):
    assert set(ask(own()).values()) == {"not_measured"}
    assert stub.bill.requests == 0
    found = leadscout(*EVALUATE)
    assert found.code == 0, found.err
    assert "local/own passed the golden set" in found.out
    assert stub.bill.requests == 1
    assert ask(own()) == {}
    assert stub.bill.requests == 2


def test_what_was_measured_is_recorded_and_audited(leadscout, own, labelled):
    told = leadscout(*EVALUATE, "--json").json
    assert (told["passes"], told["recorded"], told["accuracy"]) == (True, True, 1.0)
    home, wanted = own(), form(reveal_religion=False)
    with home.database.read() as connection:
        (row,) = connection.execute(sa.select(llm_evaluations)).all()
    assert (row.provider, row.model, row.passed, row.names) == ("local", "own", True, 50)
    assert (row.prompt_hash, row.schema_hash, row.golden_hash) == (wanted.prompt_hash, wanted.schema_hash, "0" * 12)
    assert row.answered == row.correct == told["answered"] == 50 - row.could_not_tell
    assert (row.calls, row.cost_usd) == (1, told["cost_usd"])
    assert row.cost_usd > 0
    assert row.p95_seconds >= row.p50_seconds > 0
    assert row.bands == told["bands"]
    assert abs((datetime.now(UTC) - row.at).total_seconds()) < 600
    (event,) = events(home.database, action="model.measured")
    assert (event.actor, event.reason, event.detail["passed"]) == (row.actor, "local/own", True)


def test_the_newest_measurement_holds_and_what_a_model_answered_that_fails_now_is_not_used(
    leadscout, own, stub, labelled
):
    leadscout(*EVALUATE)
    assert ask(own()) == {}
    labelled(wrong)
    failed = leadscout(*EVALUATE)
    assert failed.code == 1
    assert "local/own did not pass the golden set" in failed.out
    assert set(ask(own()).values()) == {"not_measured"}
    labelled(as_answered)
    assert leadscout(*EVALUATE).code == 0
    before = stub.bill.requests
    assert ask(own()) == {}
    assert stub.bill.requests == before


def test_a_model_that_could_not_be_asked_was_not_measured_and_what_was_known_of_it_holds(
    leadscout, own, stub, labelled, monkeypatch
):
    monkeypatch.setattr("leadscout_assets.llm.asking.FIRST_PAUSE", 0.001)
    leadscout(*EVALUATE)
    stub.faults = Faults(then="server_error")
    down = leadscout(*EVALUATE)
    assert down.code == 1
    assert "nothing is recorded, what was known of it still holds" in down.out
    assert own().llm_stage().offers[0].why_not is None
    assert len(events(own().database, action="model.measured")) == 1


def test_a_measurement_stays_within_its_cap(leadscout, own, stub, labelled):
    found = leadscout(*EVALUATE, "--cap", "0.0001", "--json")
    assert (found.code, found.json["undecided"], found.json["recorded"]) == (1, {"over_cap_per_batch": 50}, False)
    assert stub.bill.requests == 0


def test_a_call_in_doubt_says_how_its_names_can_be_sent_again(leadscout, own, stub, labelled):
    stub.faults = Faults(script=["reset"])
    found = leadscout(*EVALUATE)
    assert found.code == 1
    assert "leadscout spend reconcile --provider local" in found.err
    assert leadscout("spend", "reconcile", "--provider", "local", "--billed", "0").code == 0
    assert leadscout(*EVALUATE).code == 0


def test_another_model_another_schema_and_labelled_names_of_ones_own_have_to_be_measured_too(
    leadscout, own, labelled, tmp_path, monkeypatch
):
    cases = tmp_path / "cases.csv"
    rows = [f"{name},{','.join(right)},made_up,calibrate" for name, right in golden(as_answered).cases.items()]
    cases.write_text("\n".join(["name,origin,group,part", *rows]))
    found = leadscout(*EVALUATE, "--cases", cases)
    assert found.code == 0, found.err
    assert "nothing is recorded" in found.out
    assert own().llm_stage().offers[0].why_not == "not_measured"
    assert leadscout(*EVALUATE).code == 0
    assert own().llm_stage().offers[0].why_not is None
    for name, value in (("LLM_PROVIDERS", "local/another"), ("REVEAL_RELIGION", "true")):
        with monkeypatch.context() as patch:
            patch.setenv(f"LEADSCOUT_{name}", value)
            patch.setenv("LEADSCOUT_LLM_PRICES", "local/own=0:0,local/another=0:0")
            assert own().llm_stage().offers[0].why_not == "not_measured"


def test_an_operator_may_have_a_model_asked_that_did_not_pass_and_that_is_audited_when_it_is(
    leadscout, own, stub, labelled, monkeypatch
):
    monkeypatch.setenv("LEADSCOUT_LLM_UNMEASURED", "true")
    assert own().llm_stage().ask(STRANGERS).undecided == {}
    assert stub.bill.requests == 1
    own().llm_stage().ask(STRANGERS)
    assert stub.bill.requests == 1
    monkeypatch.delenv("LEADSCOUT_LLM_UNMEASURED")
    assert set(ask(own()).values()) == {"not_measured"}


def test_the_stand_in_needs_no_measurement_and_loses_nothing_by_one(leadscout, own, stub, labelled, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "stub/stub-small")
    monkeypatch.setenv("LEADSCOUT_LLM_STUB_URL", stub.openai_url)
    assert ask(own()) == {}
    labelled(wrong)
    assert leadscout("llm", "evaluate", "--provider", "stub/stub-small").code == 1
    assert own().llm_stage().offers[0].why_not is None
    assert own().llm_stage().offers[0].bands is None


def test_a_model_that_hardly_ever_tells_does_not_pass_however_right_it_is(leadscout, own, labelled, monkeypatch):
    def seldom(index: int, name: str, seed: int) -> dict[str, object]:
        given = answer(index, name, seed)
        return given if given["origin"] == "african" else {**given, "origin": "cannot_tell"}

    labelled(lambda name: as_answered(name).replace("cannot_tell", "indian"))
    monkeypatch.setattr("leadscout_assets.llm.stub.model.answer", seldom)
    told = leadscout(*EVALUATE, "--json").json
    assert (told["accuracy"], told["passes"], told["recorded"]) == (1.0, False, True)
    assert told["told"] < 0.5
