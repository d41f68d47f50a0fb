"""What befalls batch jobs on their way, over real sockets and both vendors' clients: submitted once, booked, asked for again alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from leadscout_assets.database.models import llm_calls, llm_providers
from leadscout_assets.llm.answered import Pace
from leadscout_assets.llm.booked import Denied
from leadscout_assets.llm.job_ledger import Intended
from leadscout_assets.llm.jobs import KEPT_FOR, NEVER_ARRIVED, Jobs
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.providers import anthropic_messages, openai_chat
from leadscout_assets.llm.stub import Faults
from leadscout_assets.llm.stub.model import answer
from tests.llm.conftest import CAPS, PRICE, names, offer
from tests.llm.test_jobs import HALF, VENDORS, billed, custom_ids, half
from tests.llm.test_stage import booked

FEW = Pace(names=5)
"""Five names to a request, so that a job of twenty has four."""

ASKED = 20


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


def in_turn(*faults):
    """Parametrize over faults with one vendor each: what they have in common need not be shown twice."""
    return pytest.mark.parametrize(
        ("vendor", "fault"), [(VENDORS[at % 2], fault) for at, fault in enumerate(faults)], indirect=["vendor"]
    )


@pytest.fixture
def stage(make_stage, stub, vendor):
    return make_stage(offer(stub, vendor), pace=FEW)


@pytest.fixture
def jobs(stage):
    return Jobs(stage, half)


@pytest.fixture
def impatient(monkeypatch):
    for module in (openai_chat, anthropic_messages):
        monkeypatch.setattr(module, "BATCH_SECONDS", 0.4)


def collected(jobs, at=None):
    """Collect until no job is open; return what became of each, and why it was not heard of meanwhile."""
    over, why = [], []
    for _ in range(40):
        found = jobs.collect(at)
        if not found:
            return over, why
        over += [each for each in found if each.state in ("done", "failed")]
        why += [each.why for each in found if each.why]
    raise AssertionError("a job is never over")


def later():
    return datetime.now(UTC) + NEVER_ARRIVED * 2


def sound(stub, ledger):
    """Return what is booked above the bill, which is never less than nothing; no request was submitted twice."""
    ids = custom_ids(stub)
    assert len(ids) == len(set(ids))
    calls = [entry for entry in stub.bill.entries if not entry["batch"]]
    whole = billed(stub) + sum(PRICE.cost(entry["tokens_in"], entry["tokens_out"]) for entry in calls)
    assert booked(ledger) >= whole
    return booked(ledger) - whole


def asked_for(stub):
    """Return the names that were sent in calls."""
    told = [body["messages"][-1]["content"] for body in stub.received]
    return [entry["name"] for data in told for entry in json.loads(data)["names"]]


def right(found, count=ASKED):
    assert found.undecided == {}
    assert {n: each.item.origin or "cannot_tell" for n, each in found.answers.items()} == {
        n: answer(0, n, 0)["origin"] for n in names(count)
    }


@in_turn("rate_limited", "overloaded")
def test_a_job_that_is_declined_for_the_moment_is_submitted_again_and_is_there_once(stage, jobs, stub, ledger, fault):
    stub.faults = Faults(script=[f"submit:{fault}"] * 2)
    found = jobs.submit(names(ASKED))
    assert isinstance(found, Intended)
    assert found.confirmed
    assert len(stub.batches.submitted) == 1
    ((done,), _) = collected(jobs)
    assert (done.state, done.answers, done.left, sound(stub, ledger)) == ("done", ASKED, {}, 0)
    assert stub.batches.files == {}


@in_turn("overloaded", "rate_limited")
def test_a_job_that_is_always_declined_costs_nothing_and_its_names_can_be_asked_about(stage, jobs, stub, ledger, fault):
    stub.faults = Faults(then=f"submit:{fault}")
    assert jobs.submit(names(ASKED)) == Denied("rate_limited" if fault == "rate_limited" else "vendor_failed")
    assert (booked(ledger), stub.batches.submitted, stub.batches.files) == (0, [], {})
    right(stage.ask(names(ASKED)))


@in_turn("late_error", "late_error", "reset", "reset", "gateway", "timeout", "slow", "not_json", "not_json")
def test_a_job_whose_submission_got_no_answer_is_found_by_its_custom_id_and_not_submitted_twice(
    jobs, stub, ledger, fault, impatient
):
    stub.faults = Faults(script=[f"submit:{fault}"])
    found = jobs.submit(names(ASKED))
    assert isinstance(found, Intended)
    assert not found.confirmed
    assert jobs.submit(names(ASKED)) == Denied("nothing_to_ask")
    ((done,), _) = collected(jobs, later())
    assert (done.state, done.answers) == ("done", ASKED)
    assert len(stub.batches.submitted) == 1
    assert (sound(stub, ledger), stub.batches.files) == (0, {})


@pytest.mark.parametrize("fault", ["server_error", "dropped"])
def test_a_job_that_never_arrived_is_given_up_when_that_is_sure_and_only_then_asked_about(
    stage, jobs, stub, ledger, fault
):
    stub.faults = Faults(script=[f"submit:{fault}"])
    assert not jobs.submit(names(ASKED)).confirmed
    assert set(stage.ask(names(ASKED)).undecided.values()) == {"in_job"}
    assert [each.state for each in jobs.collect()] == ["intended"]
    (lost,) = jobs.collect(later())
    assert (lost.state, lost.left) == ("failed", {"never_arrived": ASKED})
    # Nor does the file stay that was uploaded for it.
    assert (booked(ledger), stub.batches.submitted, stub.batches.files) == (0, [], {})
    right(stage.ask(names(ASKED)))
    assert sound(stub, ledger) == 0


@pytest.mark.parametrize(
    "faults",
    [("rate_limited", "dropped"), ("server_error", "late_error"), ("timeout", "reset"), ("not_json",)],
)
def test_an_upload_that_fails_is_made_again_and_no_file_with_names_stays_behind(
    make_stage, stub, ledger, faults, impatient
):
    stub.faults = Faults(script=[f"upload:{fault}" for fault in faults])
    jobs = Jobs(make_stage(offer(stub, "openai"), pace=FEW), half)
    assert jobs.submit(names(ASKED)).confirmed
    ((done,), _) = collected(jobs)
    assert (done.answers, len(stub.batches.submitted), stub.batches.files) == (ASKED, 1, {})
    assert sound(stub, ledger) == 0


def test_looks_that_fail_change_nothing_and_the_next_one_goes_on(jobs, stub, ledger, impatient):
    ways = ["rate_limited", "server_error", "overloaded", "dropped", "gateway", "timeout", "reset", "slow", "not_json"]
    jobs.submit(names(ASKED))
    stub.faults = Faults(script=[f"{step}:{way}" for step in ("poll", "results") for way in ways])
    ((done,), why) = collected(jobs)
    # A page in place of the results is read again at once.
    assert (len(why), stub.faults.left) == (2 * len(ways) - 1, 0)
    assert (done.answers, done.left, sound(stub, ledger)) == (ASKED, {}, 0)


@in_turn("rate_limited", "server_error", "reset", "reset")
def test_a_search_that_fails_is_no_proof_that_a_job_never_arrived(jobs, stub, ledger, fault):
    stub.faults = Faults(script=["submit:reset", f"list:{fault}"])
    jobs.submit(names(ASKED))
    (looked,) = jobs.collect(later())
    assert (looked.state, looked.why is None) == ("intended", False)
    ((done,), _) = collected(jobs, later())
    assert (done.answers, len(stub.batches.submitted), sound(stub, ledger)) == (ASKED, 1, 0)


def test_a_search_among_results_that_cannot_all_be_read_is_no_proof_either(make_stage, stub, ledger):
    jobs = Jobs(make_stage(offer(stub, "anthropic")), half)
    stub.faults = Faults(script=["submit:reset", "results:missing"])
    jobs.submit(names(ASKED))
    # At the second look it is over, and the only line that names it is missing.
    for _ in range(2):
        (looked,) = jobs.collect(later())
        assert (looked.state, looked.why) == ("intended", None)
    ((done,), _) = collected(jobs, later())
    assert (done.answers, len(stub.batches.submitted), sound(stub, ledger)) == (ASKED, 1, 0)


@in_turn("truncated", "malformed", "duplicated", "missing", "surplus", "reordered")
def test_results_that_come_spoilt_once_are_read_again(jobs, stub, ledger, fault):
    jobs.submit(names(ASKED))
    stub.faults = Faults(script=[f"results:{fault}"])
    ((done,), why) = collected(jobs)
    assert (done.state, done.answers, done.left, why, sound(stub, ledger)) == ("done", ASKED, {}, [], 0)


@in_turn("missing", "truncated", "malformed", "duplicated")
def test_what_can_never_be_read_stays_booked_and_a_later_run_asks_for_that_alone(
    stage, jobs, stub, ledger, vendor, fault
):
    jobs.submit(names(ASKED))
    stub.faults = Faults(then=f"results:{fault}")
    ((done,), _) = collected(jobs)
    assert (done.state, done.answers, done.left) == ("done", ASKED - 5, {"unreadable": 5})
    assert sound(stub, ledger) > 0
    stub.faults = Faults()
    right(stage.ask(names(ASKED)))
    sent = asked_for(stub)
    assert (len(sent), len(set(sent)), len(stub.received)) == (5, 5, 1)
    # The bill says what it was.
    usage = [entry for entry in stub.bill.entries if entry["batch"]]
    half_price = sum(HALF.cost(entry["tokens_in"], entry["tokens_out"]) for entry in usage)
    calls = [entry for entry in stub.bill.entries if not entry["batch"]]
    whole = half_price + sum(PRICE.cost(entry["tokens_in"], entry["tokens_out"]) for entry in calls)
    ledger.reconcile(vendor, whole, before=datetime.now(UTC))
    assert sound(stub, ledger) == 0


@pytest.mark.parametrize(("fate", "answers"), [("failed", 0), ("expired", 10), ("cancelled", 10)])
def test_a_job_that_was_cut_short_keeps_its_answers_and_the_rest_costs_nothing(
    stage, jobs, stub, ledger, fate, answers
):
    stub.faults = Faults(script=[f"job:{fate}"])
    jobs.submit(names(ASKED))
    ((done,), _) = collected(jobs)
    assert (done.state, done.answers) == ("done" if answers else "failed", answers)
    assert done.left == {"not_answered": ASKED - answers}
    assert (sound(stub, ledger), stub.batches.files) == (0, {})
    right(stage.ask(names(ASKED)))
    assert len(asked_for(stub)) == ASKED - answers
    assert sound(stub, ledger) == 0


@pytest.mark.parametrize(
    ("vendor", "fault", "answers", "why"),
    [
        ("openai", "errored", 15, "not_answered"), ("anthropic", "errored", 15, "not_answered"),
        ("openai", "refusal", 15, "refused"), ("anthropic", "refusal", 15, "refused"),
        ("openai", "truncated", 15, "no_answer"), ("anthropic", "malformed", 15, "no_answer"),
        ("openai", "missing", 19, "no_answer"), ("anthropic", "duplicated", 19, "no_answer"),
        ("openai", "wrong_schema", 15, "no_answer"), ("anthropic", "surplus", 20, None), ("openai", "reordered", 20, None),
    ],
    indirect=["vendor"],
)  # fmt: skip
def test_one_request_that_goes_wrong_takes_none_of_the_others_with_it(stage, jobs, stub, ledger, fault, answers, why):
    stub.faults = Faults(script=["request:ok", f"request:{fault}"])
    jobs.submit(names(ASKED))
    ((done,), _) = collected(jobs)
    assert (done.answers, done.left) == (answers, {why: ASKED - answers} if why else {})
    assert sound(stub, ledger) == 0
    right(stage.ask(names(ASKED)))
    assert len(asked_for(stub)) == ASKED - answers


@in_turn("rate_limited", "server_error", "reset", "timeout")
def test_what_the_vendor_does_not_delete_takes_nothing_from_the_answers_and_it_is_told_again(
    stage, jobs, stub, ledger, fault, impatient
):
    stub.faults = Faults(then=f"delete:{fault}")
    jobs.submit(names(ASKED))
    ((done,), _) = collected(jobs)
    assert (done.answers, sound(stub, ledger)) == (ASKED, 0)
    right(stage.ask(names(ASKED)))
    stub.faults = Faults()
    assert jobs.collect() == []
    assert stub.batches.files == {}
    # And then never again.
    stub.faults = Faults(script=["poll:ok", "delete:ok"])
    assert (jobs.collect(), stub.faults.left) == ([], 2)


@pytest.mark.parametrize("how", ["declines", "down", "dear", "left_alone"])
def test_a_job_goes_to_the_next_provider_where_the_first_does_not_take_it(make_stage, stub, ledger, how):
    url = {"down": "http://127.0.0.1:9/v1"}.get(how, stub.openai_url)
    first, second = offer(stub, "openai", url=url), offer(stub, "anthropic")
    if how == "declines":
        stub.faults = Faults(script=["submit:rate_limited"] * 3)
    if how == "left_alone":
        for _ in range(3):
            Jobs(make_stage(offer(stub, "openai", url="http://127.0.0.1:9/v1")), half).submit(names(1))
    dear = {"openai": replace(HALF, output=HALF.output * 1_000_000)} if how == "dear" else {}
    jobs = Jobs(make_stage(first, second, pace=FEW), lambda kind, _: dear.get(kind, HALF))
    found = jobs.submit(names(ASKED))
    assert isinstance(found, Intended)
    code = {
        "declines": "rate_limited",
        "down": "no_connection",
        "dear": "over_cap_per_call",
        "left_alone": "provider_down",
    }
    assert (found.provider, found.refused) == ("anthropic", {"openai": code[how]})
    assert [batch["vendor"] for batch in stub.batches.submitted] == ["anthropic"]
    ((done,), _) = collected(jobs)
    assert (done.provider, done.answers, sound(stub, ledger)) == ("anthropic", ASKED, 0)


def test_a_provider_that_is_left_alone_is_tried_with_a_job_once_a_minute(make_stage, stub, ledger):
    jobs, now = Jobs(make_stage(offer(stub, "anthropic"), pace=FEW), half), datetime.now(UTC)
    tried = []
    for seconds in (0, 0, 0, 1, 70, 71, 140):
        stub.faults = Faults(script=["submit:overloaded"] * 9)
        jobs.submit(names(ASKED), now + timedelta(seconds=seconds))
        tried.append(9 - stub.faults.left)
    # Each submission counts as one failure; after three it is left alone.
    assert tried == [3, 3, 3, 0, 1, 0, 1]
    assert booked(ledger) == 0


def test_a_job_that_may_have_arrived_is_not_sent_to_the_next_provider(make_stage, stub, ledger):
    stub.faults = Faults(script=["submit:reset"])
    found = Jobs(make_stage(offer(stub, "openai"), offer(stub, "anthropic"), pace=FEW), half).submit(names(ASKED))
    assert (found.provider, found.confirmed, len(stub.batches.submitted)) == ("openai", False, 1)


def test_a_provider_without_a_batch_api_is_passed_over(make_stage, stub):
    own, vendor = offer(stub, "local", name="own"), offer(stub, "anthropic")
    jobs = Jobs(make_stage(own, vendor), lambda kind, _: None if kind == "own" else HALF)
    assert jobs.submit(names(ASKED)).provider == "anthropic"


def test_where_no_provider_takes_a_job_each_reason_is_told(make_stage, stub, ledger):
    gone = offer(stub, "openai", url="http://127.0.0.1:9/v1")
    stub.faults = Faults(then="submit:overloaded")
    found = Jobs(make_stage(gone, offer(stub, "anthropic"), pace=FEW), half).submit(names(ASKED))
    assert found == Denied("vendor_failed")
    assert found.refused == {"openai": "no_connection", "anthropic": "vendor_failed"}
    assert booked(ledger) == 0


def test_of_two_that_submit_the_same_names_at_once_one_does(make_stage, stub, ledger, monkeypatch):
    stage, asked = make_stage(pace=FEW), names(ASKED)
    # Both have looked whether the names are free before either has booked them.
    monkeypatch.setattr(stage, "to_ask", lambda _: (list(asked), 0))
    assert isinstance(Jobs(stage, half).submit(asked), Intended)
    assert Jobs(stage, half).submit(asked) == Denied("in_job")
    assert len(stub.batches.submitted) == 1


def test_results_that_are_none_keep_a_job_open_until_its_vendor_keeps_none(stage, jobs, stub, ledger):
    jobs.submit(names(ASKED))
    stub.faults = Faults(then="results:not_json")
    for _ in range(3):
        (looked,) = jobs.collect()
    assert (looked.state, looked.why) == ("submitted", "unreadable")
    assert set(stage.ask(names(ASKED)).undecided.values()) == {"in_job"}
    (gone,) = jobs.collect(datetime.now(UTC) + KEPT_FOR)
    assert (gone.state, gone.left) == ("failed", {"unreadable": ASKED})
    assert sound(stub, ledger) > 0
    right(stage.ask(names(ASKED)))


def test_a_search_that_is_slower_than_a_submission_does_not_open_a_job_anew(make_stage, stub, ledger):
    jobs = Jobs(make_stage(), half)
    intended = jobs.submit(names(ASKED))
    collected(jobs)
    jobs._jobs.submitted(intended.id, "batch_0")
    assert jobs.collect() == []


def rested(ledger):
    """Let a minute pass for providers that are left alone."""
    with ledger.database.begin() as connection:
        connection.execute(llm_providers.delete())


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 22))])
def test_whatever_befalls_jobs_by_chance_no_name_is_lost_and_none_is_paid_for_unseen(
    make_stage, stub, ledger, vendor, seed
):
    kinds = [kind for kind in Faults().kinds if ":" in kind]
    stub.faults = Faults(share=0.35, seed=seed, kinds=kinds)
    roomy = Ledger(ledger.database, replace(CAPS, call=CAPS.day))
    both = (offer(stub, vendor), *(offer(stub, each) for each in VENDORS if each != vendor))
    jobs = Jobs(make_stage(*both, pace=FEW, ledger=roomy), half)
    for turn in range(4):
        rested(ledger)
        jobs.submit(names(40 + 10 * turn))
        for _ in range(6):
            jobs.collect(later())
        assert sound(stub, ledger) >= 0
    stub.faults = Faults()
    rested(ledger)
    collected(jobs, later())
    found = make_stage(*both, ledger=roomy).ask(names(70))
    right(found, 70)
    assert len(asked_for(stub)) == 70 - found.figures.cached
    sound(stub, ledger)
    with ledger.database.read() as connection:
        assert not connection.execute(sa.select(llm_calls.c.id).where(llm_calls.c.state == "reserved")).first()
