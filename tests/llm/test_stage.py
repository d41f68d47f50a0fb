"""Asking, over real sockets and the vendors' own clients: whatever befalls a call, names are answered or undecided, and it is booked."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from leadscout_assets.database.models import llm_calls
from leadscout_assets.errors import Stopped
from leadscout_assets.llm.answered import Pace
from leadscout_assets.llm.jobs import Jobs
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import Price, nano
from leadscout_assets.llm.stub import Faults
from leadscout_assets.llm.stub.model import answer
from tests.llm.conftest import CAPS, FAST, PRICE, names, offer
from tests.waiting import until

VENDORS = ("openai", "anthropic", "local")
BRIEF = Pace(call_seconds=0.6, total_seconds=20.0)


def booked(ledger):
    with ledger.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.sum(llm_calls.c.booked_nano))).scalar() or 0)


def billed(stub):
    usage = stub.bill.usage()
    return PRICE.cost(usage["tokens_in"], usage["tokens_out"])


def states(ledger):
    with ledger.database.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(sa.select(llm_calls.c.state, llm_calls.c.outcome).order_by(llm_calls.c.at))
        ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_names_are_answered_fifty_at_a_time_and_never_paid_for_twice(make_stage, stub, ledger, vendor):
    stage, asked = make_stage(offer(stub, vendor)), names(120)
    first = stage.ask(asked)
    assert (len(first.answers), first.undecided, first.figures.calls) == (120, {}, 3)
    for name, found in first.answers.items():
        told = answer(0, name, 0)
        assert (found.item.origin or "cannot_tell", found.item.band) == (told["origin"], told["confidence"])
    assert booked(ledger) == billed(stub) == first.figures.booked_nano
    again = stage.ask(asked)
    assert (again.figures.calls, again.figures.cached, again.answers.keys()) == (0, 120, first.answers.keys())


# What befalls the first call; whether the names are answered in the end, and how many calls that takes.
HEALED = {
    "rate_limited": 2, "server_error": 2, "overloaded": 2, "malformed": 2, "duplicated": 2, "missing": 2, "wrong_schema": 2,
    "obeys": 2, "reordered": 1, "surplus": 1, "truncated": 3,
}  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS[:2])
@pytest.mark.parametrize("fault", HEALED)
def test_what_can_be_healed_is_and_costs_what_the_vendor_bills(make_stage, stub, ledger, vendor, fault):
    stub.faults = Faults(script=[fault])
    found = make_stage(offer(stub, vendor)).ask(names(4))
    assert (len(found.answers), found.undecided) == (4, {})
    assert found.figures.calls == HEALED[fault]
    assert {n: each.item.origin or "cannot_tell" for n, each in found.answers.items()} == {
        n: answer(0, n, 0)["origin"] for n in names(4)
    }
    assert booked(ledger) == billed(stub)


@pytest.mark.parametrize("vendor", VENDORS[:2])
@pytest.mark.parametrize("fault", ["timeout", "reset", "gateway", "not_json", "slow"])
def test_a_call_that_may_have_been_answered_stays_booked_and_is_not_sent_again(make_stage, stub, ledger, vendor, fault):
    stub.faults = Faults(script=[fault])
    found = make_stage(offer(stub, vendor), pace=BRIEF if fault in ("timeout", "slow") else FAST).ask(names(4))
    assert set(found.undecided.values()) == {"in_doubt"}
    until(lambda: stub.bill.entries)
    assert booked(ledger) > billed(stub) > 0
    stage = make_stage(offer(stub, vendor))
    again = stage.ask(names(4))
    assert (again.figures.calls, set(again.undecided.values())) == (0, {"in_doubt"})
    assert ledger.write_off(["2026-03-02_list_00000001"], before=stage.clock()) == 1
    after = stage.ask(names(4))
    assert (after.figures.calls, len(after.answers)) == (1, 4)
    assert booked(ledger) >= billed(stub)


@pytest.mark.parametrize("vendor", VENDORS[:2])
def test_a_refusal_is_paid_and_the_next_provider_is_asked(make_stage, stub, ledger, vendor):
    stub.faults = Faults(script=["refusal"])
    stage = make_stage(offer(stub, vendor), offer(stub, "local", name="second"))
    found = stage.ask(names(3))
    assert {each.provider for each in found.answers.values()} == {"second"}
    assert (found.figures.calls, found.figures.refusals) == (2, 1)
    assert booked(ledger) == billed(stub)


def test_only_refusals_leave_names_undecided(make_stage, stub):
    stub.faults = Faults(then="refusal")
    assert set(make_stage().ask(names(3)).undecided.values()) == {"refused"}


def test_replies_that_are_always_cut_off_end_in_a_few_calls(make_stage, stub):
    stub.faults = Faults(then="truncated")
    found = make_stage().ask(names(50))
    assert found.figures.calls <= 1 + 2 + 4 + 8
    assert set(found.undecided.values()) == {"no_answer"}


def test_where_no_server_listens_the_next_provider_is_asked_and_nothing_is_booked(make_stage, stub, ledger):
    gone = offer(stub, "openai", url="http://127.0.0.1:9/v1", name="gone")
    found = make_stage(gone, offer(stub, "anthropic")).ask(names(2))
    assert {each.provider for each in found.answers.values()} == {"anthropic"}
    assert booked(ledger) == billed(stub)
    assert {outcome for state, outcome in states(ledger) if state == "released"} == {"no_connection"}


def test_a_provider_that_is_too_slow_is_left_alone_and_the_next_one_asked(make_stage, stub, ledger):
    stub.faults = Faults(script=["timeout"] * 3)
    slow, next_one = offer(stub, "openai"), offer(stub, "local", name="second")
    brief = Pace(names=1, workers=1, call_seconds=0.6, total_seconds=60.0)
    found = make_stage(slow, next_one, pace=brief).ask(names(6))
    # Nobody knows whether the three were answered, so that they are not sent elsewhere either.
    assert (len(found.undecided), set(found.undecided.values())) == (3, {"in_doubt"})
    assert {each.provider for each in found.answers.values()} == {"second"}
    until(lambda: len(stub.bill.entries) == 6)
    assert booked(ledger) >= billed(stub)


def test_beyond_a_cap_a_provider_that_costs_nothing_is_asked(make_stage, stub, ledger):
    small = Ledger(ledger.database, replace(CAPS, day=1_000))
    own = offer(stub, "local", name="own", price=Price(0, 0))
    found = make_stage(offer(stub), own, ledger=small).ask(names(3))
    assert {each.provider for each in found.answers.values()} == {"own"}
    assert booked(small) == 0


def test_names_in_a_job_are_not_asked_about_and_that_is_the_reason_told(make_stage, stub):
    stage = make_stage()
    Jobs(stage, lambda kind, model: PRICE).submit(names(3))
    found = stage.ask(names(4))
    assert (found.figures.calls, len(found.answers), set(found.undecided.values())) == (1, 1, {"in_job"})


def test_a_model_without_a_price_is_never_called(make_stage, stub, ledger):
    found = make_stage(offer(stub, price=None)).ask(names(2))
    assert (stub.bill.requests, set(found.undecided.values()), states(ledger)) == (0, {"no_price"}, [])


@pytest.mark.parametrize(
    ("cap", "code"),
    [
        ("call", "over_cap_per_call"),
        ("batch", "over_cap_per_batch"),
        ("day", "over_cap_per_day"),
        ("month", "over_cap_per_month"),
    ],
)
def test_nothing_is_sent_beyond_a_cap(make_stage, stub, ledger, cap, code):
    small = Ledger(ledger.database, replace(CAPS, **{cap: 1_000}))
    found = make_stage(ledger=small).ask(names(2))
    assert (stub.bill.requests, set(found.undecided.values())) == (0, {code})


def test_thirty_two_workers_overspend_by_nothing(make_stage, stub, ledger):
    cap = nano(0.005)
    stub.latency = 0.02
    small = Ledger(ledger.database, replace(CAPS, day=cap))
    found = make_stage(ledger=small, pace=Pace(names=1, workers=32)).ask(names(64))
    assert billed(stub) <= booked(ledger) <= cap
    assert set(found.undecided.values()) == {"over_cap_per_day"}
    assert found.answers


def test_a_provider_that_keeps_failing_is_left_alone_and_tried_once_a_minute(make_stage, stub, ledger):
    from datetime import UTC, datetime, timedelta

    stub.faults = Faults(then="server_error")
    now = [datetime(2026, 3, 2, 12, tzinfo=UTC)]
    stage = make_stage(pace=Pace(names=1, workers=1), clock=lambda: now[0])
    first = stage.ask(names(10))
    assert stub.bill.requests == 3
    assert set(first.undecided.values()) == {"vendor_failed", "provider_down"}
    for _ in range(12):
        now[0] += timedelta(minutes=5)
        stage.ask(names(10))
    assert stub.bill.requests == 3 + 12
    stub.faults = Faults()
    now[0] += timedelta(minutes=5)
    assert len(stage.ask(names(10)).answers) == 10


def test_rates_hold_back_what_is_too_much_for_a_minute(make_stage, stub, ledger):
    few = Ledger(ledger.database, replace(CAPS, requests=3))
    found = make_stage(ledger=few, pace=Pace(names=1, workers=4, total_seconds=4.0)).ask(names(6))
    assert (stub.bill.requests, len(found.answers)) == (3, 3)
    assert set(found.undecided.values()) == {"too_late"}


def test_a_run_that_takes_too_long_ends_with_what_it_has(make_stage, stub):
    stub.latency = 0.3
    started = time.monotonic()
    found = make_stage(pace=Pace(names=1, workers=2, call_seconds=30, total_seconds=3.0)).ask(names(40))
    assert 0 < len(found.answers) < 40
    assert len(found.answers) + len(found.undecided) == 40
    assert time.monotonic() - started < 10


def test_a_batch_over_its_time_leaves_its_names_undecided_and_the_others_go_on(make_stage, stub, ledger):
    # Between the first call's turn and the call lies what a busy machine makes of some milliseconds.
    stub.latency = 0.9
    slow, other = "2026-03-02_slow_00000001", "2026-03-02_other_00000002"
    asked = dict.fromkeys(names(10), slow) | dict.fromkeys(list(names(12))[10:], other)
    stage = make_stage(pace=Pace(names=4, workers=1, total_seconds=60.0, batch_seconds=0.8))
    found = stage.ask(asked)
    # One call about the slow one; of the third, which both share, the names of the other alone are sent.
    assert (len(found.answers), found.figures.calls, stub.bill.requests) == (6, 2, 2)
    assert {name: asked[name] for name in found.undecided} == dict.fromkeys(list(names(10))[4:], slow)
    assert set(found.undecided.values()) == {"batch_too_late"}
    assert booked(ledger) == billed(stub)
    again = stage.ask(asked)
    assert (again.figures.cached, again.figures.calls) == (6, 1)


def test_cancelled_it_begins_nothing_more_and_keeps_what_is_paid_for(make_stage, stub, ledger):
    stub.latency = 0.3
    under_way = threading.Event()

    def cancel(_: float) -> None:
        if stub.bill.requests >= 2:
            under_way.set()
            raise Stopped

    stage = make_stage(pace=Pace(names=1, workers=2))
    started = time.monotonic()
    with pytest.raises(Stopped):
        stage.ask(names(40), cancel)
    assert time.monotonic() - started < 10
    assert under_way.is_set()
    assert booked(ledger) == billed(stub)
    answers = len(stub.bill.entries)
    assert answers < 40
    again = stage.ask(names(answers + 4))
    assert again.figures.cached == answers


def test_spellings_of_one_name_are_one_question(make_stage, stub):
    same = ["Quzor Vextalum", "QUZOR VEXTALUM", "Quzor\u200b Vextalum", "\uff31uzor  Vextalum"]
    found = make_stage().ask(dict.fromkeys(same, "2026-03-02_list_00000001"))
    assert set(found.answers) == set(same)
    (body,) = stub.received
    assert body["messages"][-1]["content"].count("extalum") == 1


def test_a_request_holds_names_and_nothing_else(make_stage, stub, ledger):
    make_stage().ask({"Quzor Vextalum": "2026-03-02_secret-client_00000001"})
    told = str(stub.received)
    assert "Quzor Vextalum" in told
    assert "secret-client" not in told
    assert "tools" not in stub.received[0]


def test_no_name_is_stored(make_stage, stub, ledger):
    make_stage().ask(names(3))
    ledger.database.close()
    stored = b"".join(
        p.read_bytes()
        for p in __import__("pathlib").Path(str(ledger.database.url.database)).parent.glob("test.sqlite*")
    )
    assert all(part.encode() not in stored for name in names(3) for part in name.split())
