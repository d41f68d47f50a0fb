"""Batch jobs over both vendors' protocols: booked whole, submitted once, found again, their answers stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.errors import BadSetting
from leadscout_assets.llm.booked import Denied
from leadscout_assets.llm.job_ledger import Intended, JobLedger
from leadscout_assets.llm.jobs import NEVER_ARRIVED, Jobs
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import Price
from leadscout_assets.llm.stub import batches
from leadscout_assets.llm.stub.model import answer
from tests.llm.conftest import CAPS, PRICE, name_of, names, offer
from tests.llm.test_stage import booked

HALF = Price(PRICE.input // 2, PRICE.output // 2)
VENDORS = ("openai", "anthropic")


def half(kind, model):
    return HALF


class PowerCut(BaseException):
    """The process is gone at this point."""


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def make_jobs(make_stage, stub, vendor):
    def make(**changes):
        return Jobs(make_stage(offer(stub, vendor), **changes), half)

    return make


def billed(stub):
    usage = stub.bill.usage()
    return HALF.cost(usage["batch_tokens_in"], usage["batch_tokens_out"])


def custom_ids(stub):
    return [custom for batch in stub.batches.submitted for custom, _ in batch["requests"]]


def test_a_job_to_a_model_that_has_not_passed_the_golden_set_is_audited(make_stage, stub, ledger, vendor):
    jobs = Jobs(make_stage(replace(offer(stub, vendor), unmeasured=True)), half)
    assert isinstance(jobs.submit(names(7)), Intended)
    (event,) = events(ledger.database, action="model.unmeasured")
    assert (event.reason, event.detail) == (f"{vendor}/small", {"names": 7, "batches": sorted(set(names(7).values()))})
    assert jobs.submit(names(7)) == Denied("nothing_to_ask")
    assert len(events(ledger.database, action="model.unmeasured")) == 1


def test_a_job_is_booked_submitted_and_its_answers_serve_the_next_run(make_jobs, make_stage, stub, ledger, vendor):
    jobs = make_jobs()
    found = jobs.submit(names(120))
    assert isinstance(found, Intended)
    assert sorted(custom_ids(stub)) == sorted(found.calls)
    assert len(found.calls) == 3
    reserved = booked(ledger)
    # Nobody asks about these names meanwhile, by a call or by another job.
    assert make_jobs().submit(names(120)) == Denied("nothing_to_ask")
    assert make_stage(offer(stub, vendor)).ask(names(120)).figures.calls == 0
    assert [each.state for each in jobs.collect()] == ["submitted"]
    (collected,) = make_jobs().collect()
    assert (collected.state, collected.answers) == ("done", 120)
    assert booked(ledger) == billed(stub) < reserved
    asked = make_stage(offer(stub, vendor)).ask(names(120))
    assert (asked.figures.calls, asked.figures.cached) == (0, 120)
    assert {n: each.item.origin or "cannot_tell" for n, each in asked.answers.items()} == {
        n: answer(0, n, 0)["origin"] for n in names(120)
    }
    assert jobs.collect() == []
    # The vendor keeps neither the names nor the replies once these are stored.
    assert stub.batches.files == {}


def test_a_job_whose_confirmation_was_lost_is_found_and_not_submitted_again(make_jobs, stub, ledger, monkeypatch):
    jobs = make_jobs()
    with monkeypatch.context() as patch:
        patch.setattr(JobLedger, "submitted", lambda *_: (_ for _ in ()).throw(PowerCut))
        with pytest.raises(PowerCut):
            jobs.submit(names(60))
    states = [each.state for _ in range(4) for each in make_jobs().collect()]
    assert states[-1] == "done"
    assert "failed" not in states
    assert len(stub.batches.submitted) == 1
    assert booked(ledger) == billed(stub)


def test_a_job_that_was_never_submitted_is_given_up_once_it_can_be_known(make_jobs, stub, ledger, monkeypatch):
    now = datetime.now(UTC)
    jobs = make_jobs()
    with monkeypatch.context() as patch:
        patch.setattr(type(jobs._stage.offers[0].make()), "submit", lambda *_: (_ for _ in ()).throw(PowerCut))
        with pytest.raises(PowerCut):
            jobs.submit(names(10), now)
    assert [each.state for each in make_jobs().collect(now + timedelta(minutes=1))] == ["intended"]
    assert booked(ledger) > 0
    assert [each.state for each in make_jobs().collect(now + NEVER_ARRIVED * 2)] == ["failed"]
    assert booked(ledger) == 0
    assert isinstance(make_jobs().submit(names(10)), Intended)


def test_a_job_beyond_a_cap_is_not_booked_at_all(make_jobs, stub, ledger):
    found = make_jobs(ledger=Ledger(ledger.database, replace(CAPS, day=1_500_000))).submit(names(120))
    assert found == Denied("over_cap_per_day")
    assert (booked(ledger), stub.batches.submitted) == (0, [])


def test_a_job_that_the_vendor_does_not_take_costs_nothing(make_stage, stub, ledger, vendor):
    gone = offer(stub, vendor, url="http://127.0.0.1:9/v1")
    assert Jobs(make_stage(gone), half).submit(names(10)) == Denied("no_connection")
    assert booked(ledger) == 0


def test_a_vendor_that_will_not_delete_a_job_takes_nothing_from_its_answers(make_jobs, stub, vendor, monkeypatch):
    routes = [route for route in batches._ROUTES if route[1] != "DELETE"]
    monkeypatch.setattr(batches, "_ROUTES", routes)
    make_jobs().submit(names(10))
    states = [(each.state, each.answers) for _ in range(2) for each in make_jobs().collect()]
    assert states[-1] == ("done", 10)
    assert make_jobs().collect() == []
    assert stub.batches.files


def test_a_vendor_that_does_not_answer_leaves_the_job_as_it_is(make_jobs, make_stage, stub, vendor):
    make_jobs().submit(names(10))
    gone = offer(stub, vendor, url="http://127.0.0.1:9/v1")
    assert [(each.state, each.why) for each in Jobs(make_stage(gone), half).collect()] == [
        ("submitted", "no_connection")
    ]


def test_jobs_are_collected_where_they_were_submitted_whichever_provider_is_named_first_now(make_stage, stub, ledger):
    openai, anthropic = (offer(stub, vendor) for vendor in VENDORS)
    asked = names(20)
    for first, some in ((openai, list(asked)[:10]), (anthropic, list(asked)[10:])):
        Jobs(make_stage(first), half).submit({name: asked[name] for name in some})
    left = Jobs(make_stage(anthropic), half)
    left.collect()
    seen = {each.provider: (each.state, each.why) for each in left.collect()}
    assert seen == {"anthropic": ("done", None), "openai": ("submitted", "not_named")}
    both = make_stage(anthropic, openai)
    Jobs(both, half).collect()
    assert [(each.provider, each.state, each.answers) for each in Jobs(both, half).collect()] == [
        ("openai", "done", 10)
    ]
    found = both.ask(asked)
    assert (found.figures.calls, len(found.answers)) == (0, 20)
    assert booked(ledger) == billed(stub)


def test_a_provider_that_does_not_answer_keeps_no_job_of_another_from_being_collected(make_stage, stub, ledger):
    for vendor, some in zip(
        VENDORS, (names(10), {name_of(n): "2026-03-02_list_00000001" for n in range(10, 20)}), strict=True
    ):
        Jobs(make_stage(offer(stub, vendor)), half).submit(some)
    both = make_stage(offer(stub, "openai", url="http://127.0.0.1:9/v1"), offer(stub, "anthropic"))
    states = [{each.provider: each.state for each in Jobs(both, half).collect()} for _ in range(2)]
    assert states[-1] == {"openai": "submitted", "anthropic": "done"}


@pytest.mark.parametrize("known", [True, False])
def test_a_job_is_booked_by_the_price_of_the_model_it_was_submitted_for(make_stage, stub, ledger, vendor, known):
    dear = Price(HALF.input * 3, HALF.output * 3)
    prices = {"small": dear if known else None, "cheaper": HALF}
    Jobs(make_stage(offer(stub, vendor)), lambda *_: dear).submit(names(10))
    most = booked(ledger)
    now = make_stage(offer(stub, vendor, model="cheaper"))
    states = [each.state for _ in range(2) for each in Jobs(now, lambda _, model: prices[model]).collect()]
    assert states[-1] == "done"
    # Where nobody knows it any more, what it may cost at most stays booked.
    assert booked(ledger) == (3 * billed(stub) if known else most)


def test_names_that_another_provider_has_answered_are_in_no_job(make_stage, stub):
    first, second = offer(stub, "openai"), offer(stub, "local", name="second")
    make_stage(second).ask(names(10))
    assert Jobs(make_stage(first, second), half).submit(names(10)) == Denied("nothing_to_ask")


def test_without_a_provider_that_has_a_batch_api_there_is_no_job(make_stage, stub, ledger):
    with pytest.raises(BadSetting, match="LEADSCOUT_LLM_PROVIDERS: jobs need a provider with a batch API"):
        Jobs(make_stage(), lambda *_: None).submit(names(10))
    assert booked(ledger) == 0
