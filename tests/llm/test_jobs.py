"""Batch jobs over both vendors' protocols: booked whole, submitted once, found again, their answers stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.llm.booked import Denied
from leadscout_assets.llm.job_ledger import Intended, JobLedger
from leadscout_assets.llm.jobs import NEVER_ARRIVED, Jobs
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import Price
from leadscout_assets.llm.stub import batches
from leadscout_assets.llm.stub.model import answer
from tests.llm.conftest import CAPS, PRICE, names, offer
from tests.llm.test_stage import booked

HALF = Price(PRICE.input // 2, PRICE.output // 2)
VENDORS = ("openai", "anthropic")


class PowerCut(BaseException):
    """The process is gone at this point."""


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def make_jobs(make_stage, stub, vendor):
    def make(**changes):
        asked = offer(stub, vendor)
        return Jobs(make_stage(asked, **changes), asked, HALF)

    return make


def billed(stub):
    usage = stub.bill.usage()
    return HALF.cost(usage["batch_tokens_in"], usage["batch_tokens_out"])


def custom_ids(stub):
    return [custom for batch in stub.batches.submitted for custom, _ in batch["requests"]]


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
        patch.setattr(type(jobs._offer.make()), "submit", lambda *_: (_ for _ in ()).throw(PowerCut))
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
    assert Jobs(make_stage(gone), gone, HALF).submit(names(10)) == Denied("no_connection")
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
    assert [each.state for each in Jobs(make_stage(gone), gone, HALF).collect()] == ["submitted"]
