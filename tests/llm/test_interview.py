"""The stage within the chain: which names are asked about, what an answer becomes, and who is told what it cost."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import SecretStr

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_overview import facts_of
from leadscout_assets.batch_purposes import Overdue, delete_inferred
from leadscout_assets.checks import CHECKS, limits_from
from leadscout_assets.database.audit import events
from leadscout_assets.errors import BadSetting, LeadScoutError
from leadscout_assets.home import Home
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.llm import setup
from leadscout_assets.llm.answered import Answered
from leadscout_assets.llm.calibration import load_calibration, measured
from leadscout_assets.llm.interview import Interview
from leadscout_assets.llm.schema import BANDS, Form, Item, form
from leadscout_assets.llm.stub import Faults
from leadscout_assets.names.asked import full_names, undecided_rows
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Origin

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
STRANGERS = 6
(CHECK,) = (check for check in CHECKS if check.name == "language_model")


@dataclass
class Chain:
    home: Home
    batch: str
    raw: pa.Table
    leads: pa.Table
    rejected: pa.Table

    @property
    def grants(self):
        """What the gate says of the batch under the purpose of the settings."""
        return pipeline.ask_purpose(self.home.deliveries([self.batch]), self.raw, self.home.settings, NOW)

    @property
    def undecided(self) -> int:
        """Strangers among the leads; a row that repeats another is none."""
        found = pipeline.classify(self.leads, self.home.settings, self.grants)
        return sum(method == "abstained" for method in found["method"].to_pylist())

    def classify(self) -> tuple[pa.Table, dict[str, Any]]:
        interview = self.home.interview()
        found = pipeline.classify(self.leads, self.home.settings, self.grants, interview=interview)
        return found, interview.record if interview else {}

    def verdict(self):
        (facts,) = facts_of(self.home, ["classifications"], [self.batch])
        return CHECK.judge(facts, limits_from(self.home.settings))


@pytest.fixture
def chain(home, stub, tmp_path) -> Chain:
    write_delivery(tmp_path / "list.csv", 120, 3, strangers=STRANGERS)
    settings = home.model_copy(
        update={
            "classification_purpose": "demonstration", "llm_providers": "stub/stub-small",
            "llm_stub_url": stub.openai_url, "llm_call_seconds": 5.0, "llm_run_seconds": 20.0,
        }
    )  # fmt: skip
    place = Home(settings)
    delivery = place.deliver(tmp_path / "list.csv", now=NOW).delivery
    raw = pipeline.read([delivery], place.store.path, settings).raw
    leads, rejected, _ = pipeline.validate(raw, place.lead_id_key)
    return Chain(place, delivery.batch_id, raw, leads, rejected)


def off(chain: Chain) -> Chain:
    return Chain(
        Home(chain.home.settings.model_copy(update={"llm_providers": ""})),
        chain.batch,
        chain.raw,
        chain.leads,
        chain.rejected,
    )


def test_only_names_without_any_answer_are_asked_about_and_only_their_rows_change(chain, stub):
    before, _ = off(chain).classify()
    after, record = chain.classify()
    undecided = {row["lead_id"] for row in before.to_pylist() if row["method"] == "abstained"}
    assert len(undecided) == record["names_asked"] > STRANGERS // 2
    assert record["network_calls"] == stub.bill.requests == 1
    changed = [(a, b) for a, b in zip(before.to_pylist(), after.to_pylist(), strict=True) if a != b]
    assert changed
    assert {a["lead_id"] for a, _ in changed} <= undecided
    for _, row in changed:
        assert row["method"] == "llm"
        assert "llm:" in row["evidence"]
        assert "model:stub-small" in row["evidence"]
        assert row["confidence"] <= 0.85 or len(row["origin_set"]) > 1
        assert (
            max(row[f"p_{origin}"] for origin in ("african", "european", "indian", "coloured", "chinese"))
            <= 0.85 + 1e-9
        )
        assert (row["origin"] is None) == (len(row["origin_set"]) > 1)
    assert len(changed) == record["names_decided"]


def test_the_same_batch_again_costs_nothing(chain, stub):
    first, _ = chain.classify()
    again, record = chain.classify()
    assert again.equals(first)
    assert (record["network_calls"], record["cost_usd"], record["cache_hits"]) == (0, 0.0, chain.undecided)
    assert stub.bill.requests == 1


def test_without_a_purpose_nothing_is_sent(chain, stub):
    chain.home = Home(chain.home.settings.model_copy(update={"classification_purpose": None}))
    found, record = chain.classify()
    assert set(found["method"].to_pylist()) == {"no_purpose"}
    assert (stub.bill.requests, record["names_asked"]) == (0, 0)


def test_under_a_purpose_without_leave_for_models_names_are_classified_and_not_sent(chain, stub):
    grants = {
        batch: replace(grant, entry=grant.entry.model_copy(update={"llm": False}))
        for batch, grant in chain.grants.items()
    }
    found = pipeline.classify(chain.leads, chain.home.settings, grants, interview=chain.home.interview())
    assert found.equals(off(chain).classify()[0])
    assert stub.bill.requests == 0


def test_a_batch_that_may_not_be_sent_is_not(chain, stub):
    interview = chain.home.interview()
    before, _ = off(chain).classify()
    found = interview.decide(before, chain.leads, load_classifier(), reveal_religion=False, allowed=())
    assert found.equals(before)
    assert stub.bill.requests == 0


def test_switched_off_there_is_no_stage_and_the_check_says_so(chain, stub):
    assert off(chain).home.interview() is None
    assert off(chain).verdict().passed
    assert "no language model is asked" in off(chain).verdict().sentence


def test_the_check_is_green_where_all_were_asked_and_says_what_could_not_be_told(chain):
    chain.classify()
    verdict = chain.verdict()
    assert verdict.passed, verdict.sentence
    assert f"of {chain.undecided} names" in verdict.sentence


def test_the_check_warns_how_many_stay_undecided_and_why_and_a_later_run_asks_for_those_alone(chain, stub):
    stub.faults = Faults(then="server_error")
    found, record = chain.classify()
    assert record["names_decided"] == 0
    verdict = chain.verdict()
    assert not verdict.passed
    assert CHECK.warns
    assert f"{chain.undecided} stayed undecided ({chain.undecided} the provider failed)" in verdict.sentence
    assert found.equals(off(chain).classify()[0])
    stub.faults = Faults()
    with chain.home.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM llm_providers")  # as if the minute were over
    chain.classify()
    assert chain.verdict().passed


def test_a_batch_in_doubt_is_asked_again_only_when_somebody_says_so(chain, stub):
    stub.faults = Faults(script=["reset"])
    chain.classify()
    assert "nobody knows whether it was answered" in chain.verdict().sentence
    assert chain.classify()[1]["network_calls"] == 0
    assert chain.home.let_ask_again([chain.batch]) == 1
    assert chain.classify()[1]["network_calls"] == 1
    assert chain.verdict().passed


OWN = {"llm_providers": "local/own", "llm_prices": "local/own=0.1:0.4"}


def with_own(chain: Chain, stub, **changes) -> Chain:
    """The same with a server of one's own, which has not passed the golden set."""
    update = {**OWN, "llm_local_url": stub.openai_url, **changes}
    chain.home = Home(chain.home.settings.model_copy(update=update))
    return chain


def test_a_model_that_has_not_passed_the_golden_set_is_not_asked_and_the_check_says_what_to_do(chain, stub):
    found, record = with_own(chain, stub).classify()
    assert found.equals(off(chain).classify()[0])
    assert (record["network_calls"], record["names_asked"], stub.bill.requests) == (0, chain.undecided, 0)
    verdict = chain.verdict()
    assert not verdict.passed
    assert "the model has not passed the golden set: leadscout llm evaluate --provider KIND/MODEL" in verdict.sentence


def test_the_next_provider_is_asked_where_the_first_has_not_passed_the_golden_set(chain, stub):
    _, record = with_own(chain, stub, llm_providers="local/own,stub/stub-small").classify()
    assert (record["network_calls"], chain.verdict().passed) == (1, True)
    assert {body["model"] for body in stub.received} == {"stub-small"}


def test_names_that_go_to_a_model_that_has_not_passed_because_the_operator_says_so_are_audited_once(chain, stub):
    with_own(chain, stub, llm_unmeasured=True)
    assert chain.classify()[1]["network_calls"] == 1
    (event,) = events(chain.home.database, action="model.unmeasured")
    assert (event.reason, event.detail) == ("local/own", {"names": chain.undecided, "batches": [chain.batch]})
    assert chain.classify()[1]["network_calls"] == 0
    assert len(events(chain.home.database, action="model.unmeasured")) == 1


@pytest.mark.parametrize(("measured_share", "taken"), [(0.40, 0.40), (0.95, 0.75)])
def test_what_the_golden_set_showed_lowers_the_cautious_figure_and_never_raises_it(chain, stub, measured_share, taken):
    stage = with_own(chain, stub).home.llm_stage()
    stage.offers = [replace(stage.offers[0], bands=dict.fromkeys(BANDS, measured_share))]
    given = Answered(Item(Origin.INDIAN, "high", None), "local", "own", cached=False)
    opinion = Interview(stage)._opinion(given)
    assert opinion is not None
    assert opinion.right == pytest.approx(taken)


def test_a_batch_whose_job_fails_is_complete_meanwhile_and_its_names_are_asked_about_after(chain, stub):
    stub.faults = Faults(script=["job:failed"])
    names = full_names(chain.leads, undecided_rows(off(chain).classify()[0]["method"], chain.leads))
    chain.home.llm_jobs().submit(dict.fromkeys(names, chain.batch))
    found, record = chain.classify()
    assert found.equals(off(chain).classify()[0])
    assert (record["network_calls"], chain.verdict().passed) == (0, False)
    assert f"{chain.undecided} are in a job whose answers are not back yet" in chain.verdict().sentence
    while chain.home.llm_jobs().collect():
        pass
    _, record = chain.classify()
    assert (record["network_calls"], chain.verdict().passed) == (1, True)


def test_the_report_says_what_a_decided_name_cost(chain, tmp_path):
    classified, _ = chain.classify()
    frames = pipeline.Frames(chain.raw, chain.leads, chain.rejected, classified, pipeline.score(chain.leads))
    files, refusals = pipeline.report(
        chain.home.deliveries([chain.batch]),
        frames,
        tmp_path / "out",
        chain.home.settings,
        chain.grants,
        asked=chain.home.asked([chain.batch]),
    )
    assert refusals == []
    page = (tmp_path / "out" / pc.filter(files["path"], pc.equal(files["kind"], "html"))[0].as_py()).read_text("utf-8")
    assert f"of {chain.undecided} names that nothing else decides were decided by a language model" in page
    assert "Cost per decided name: $0.000" in page
    assert re.search(
        r"1 call took [\d,]+ tokens in and [\d,]+ out, half of them within [\d.]+ s and 95 of 100 within", page
    )
    assert "0 of the names had an answer from an earlier call." in page


def test_the_run_record_carries_the_figures(chain):
    _, more = chain.classify()
    record = RunRecord("classifications", "run", 1, 1, 1, 1.0, 1.0, 1.0, **more)
    assert RunRecord.from_metadata(record.to_metadata()) == record
    assert record.tokens > record.tokens_out > 0
    assert record.cost_usd > 0
    assert record.call_p95_seconds >= record.call_p50_seconds > 0


def test_record_and_check_agree_on_what_the_calls_took(chain, stub):
    stub.faults = Faults(script=["rate_limited", "missing", "refusal"])
    _, record = chain.classify()
    figures = chain.verdict().figures
    assert (figures["calls"], figures["retries"], figures["refusals"]) == (3, 2, 1)
    told = {"calls": "network_calls", "tokens_out": "tokens_out", "retries": "call_retries", "refusals": "call_refusals",
            "p50_seconds": "call_p50_seconds", "p95_seconds": "call_p95_seconds", "cost_usd": "cost_usd"}  # fmt: skip
    assert {name: figures[name] for name in told} == {
        name: pytest.approx(record[field], abs=0.002) for name, field in told.items()
    }
    assert figures["tokens_in"] + figures["tokens_out"] == record["tokens"]
    # A later run asks again about the one that was declined; its answer is the one that is new.
    _, again = chain.classify()
    assert (again["network_calls"], again["cache_hits"]) == (1, chain.undecided - 1)
    figures = chain.verdict().figures
    assert (figures["calls"], figures["retries"], figures["cached"]) == (4, 3, chain.undecided - 1)


def test_a_step_that_is_cancelled_still_tells_what_it_spent(chain, stub):
    class Cancelled(BaseException):
        pass

    def cancel(_: float) -> None:
        if stub.bill.requests:
            raise Cancelled

    before, _ = off(chain).classify()
    record: dict[str, Any] = {}
    interview = chain.home.interview(record)
    with pytest.raises(Cancelled):
        interview.decide(before, chain.leads, load_classifier(), reveal_religion=False, tell=cancel)
    assert (record["network_calls"], record["names_decided"]) == (stub.bill.requests, 0) == (1, 0)
    assert record["cost_usd"] > 0


@pytest.mark.parametrize("since", ["llm", "verified"])
def test_what_is_deleted_after_its_retention_is_what_a_model_answered_too(chain, since):
    classified, _ = chain.classify()
    methods = pc.replace_substring(classified["method"], pattern="llm", replacement=since)
    classified = classified.set_column(classified.column_names.index("method"), "method", methods)
    home, batch = chain.home, chain.batch
    names = full_names(chain.leads, undecided_rows(off(chain).classify()[0]["method"], chain.leads))
    for contract, frame in ((contracts.LEADS, chain.leads), (contracts.CLASSIFICATIONS, classified)):
        home.tables.replace(contract, frame, [batch])
    assert len(home.answers_about(names)) == len(names)
    delete_inferred(home, [Overdue(batch, "demonstration", NOW.date(), len(names))], actor="tests", now=NOW)
    assert home.answers_about(names) == []


def test_a_prompt_that_was_not_admitted_is_not_used():
    load_calibration().admit(form(reveal_religion=False))
    with pytest.raises(LeadScoutError, match="the prompt has changed"):
        load_calibration().admit(Form("Guess.", {}))


def test_few_labelled_answers_are_drawn_to_the_cautious_figure():
    cautious = load_calibration().unmeasured
    assert measured({}, cautious) == dict(cautious)
    assert cautious["high"] < measured({"high": (20, 20)}, cautious)["high"] < 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"llm_providers": "mystery/one"}, "kinds are"), ({"llm_providers": "openai"}, "KIND/MODEL"),
        ({"llm_providers": "openai/gpt-4.1-nano"}, "LEADSCOUT_LLM_OPENAI_KEY"), ({"llm_providers": "local/q"}, "LEADSCOUT_LLM_LOCAL_URL"),
        ({"llm_providers": "stub/a,stub/b"}, "name each kind once"),
        ({"llm_prices": "half a cent"}, "LEADSCOUT_LLM_PRICES"),
        ({"llm_stub_url": "127.0.0.1:8080"}, "LEADSCOUT_LLM_STUB_URL"), ({"llm_stub_url": "http://[::1"}, "LEADSCOUT_LLM_STUB_URL"),
        ({"llm_providers": "openai/gpt-4.1-nano", "llm_openai_key": SecretStr("sk of\nnobody")}, "LEADSCOUT_LLM_OPENAI_KEY"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_named(chain, changes, told):
    settings = chain.home.settings.model_copy(update=changes)
    with pytest.raises(BadSetting, match=told):
        setup.offers_of(settings)


def test_a_provider_whose_key_is_gone_is_passed_over_and_the_check_says_so_where_it_was_the_last(chain, stub):
    gone = {"llm_openai_key": None, "llm_providers": "openai/gpt-4.1-nano"}
    before, _ = off(chain).classify()
    first = Home(
        chain.home.settings.model_copy(update={**gone, "llm_providers": "openai/gpt-4.1-nano,stub/stub-small"})
    )
    only, chain.home = Home(chain.home.settings.model_copy(update=gone)), first
    found, record = chain.classify()
    assert (record["network_calls"], stub.bill.requests, chain.verdict().passed) == (1, 1, True)
    chain.home = only
    found, record = chain.classify()
    assert found.equals(before)
    assert (record["network_calls"], record["names_asked"]) == (0, chain.undecided)
    assert not chain.verdict().passed
    assert "have no provider that is set up right" in chain.verdict().sentence
    with pytest.raises(BadSetting, match="LEADSCOUT_LLM_OPENAI_KEY"):
        setup.check_models(only.settings)


def test_a_key_may_lie_in_a_file(home, tmp_path):
    (tmp_path / "anthropic_key").write_text("sk-of-nobody\n")
    settings = home.model_copy(update={"llm_providers": "anthropic/claude-haiku-4-5", "llm_secrets_dir": tmp_path})
    (found,) = setup.offers_of(settings)
    assert found.price is not None
    found.make().close()


def test_what_was_answered_about_a_name_can_be_taken_out(chain, stub):
    chain.classify()
    (name, *_) = full_names(chain.leads, undecided_rows(off(chain).classify()[0]["method"], chain.leads))
    assert chain.home.forget_answers([name]) == 2
    assert chain.home.forget_answers([name]) == 0
    _, record = chain.classify()
    assert (record["network_calls"], record["cache_hits"]) == (1, chain.undecided - 1)
