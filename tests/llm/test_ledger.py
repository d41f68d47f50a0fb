"""Booking: nothing beyond a cap, nothing twice, never less than a vendor may charge."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.errors import BadInput
from leadscout_assets.llm.booked import Caps, Denied, Reserved, Used, Wait, Wanted
from leadscout_assets.llm.job_ledger import Intended, JobLedger
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.outcomes import outcomes_of
from leadscout_assets.llm.prices import Estimate, Price, nano, price_of
from leadscout_assets.llm.schema import Item
from leadscout_assets.llm.spend import calls_since, spend
from leadscout_assets.terms import Origin
from tests.database.conftest import database as either  # noqa: F401
from tests.database.conftest import migrated_postgres  # noqa: F401  which it begins as
from tests.llm.conftest import CAPS, PRICE

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE, TWO = "2026-03-02_list_00000001", "2026-03-02_list_00000002"


def wanted(number: int = 0, *, count: int = 3, batch: str = ONE, most: Estimate | None = None) -> Wanted:
    keys = [(f"q{number}-{i}", f"a{number}-{i}", batch) for i in range(count)]
    return Wanted("openai", "small", PRICE, most or Estimate(1_000, 100), keys, "p")


WORST = PRICE.cost(1_000, 100)


def test_a_call_is_booked_at_its_worst_case_and_then_at_what_it_cost(either):  # noqa: F811
    ledger = Ledger(either, CAPS)
    call = ledger.reserve(wanted(), NOON)
    assert isinstance(call, Reserved)
    assert ledger.unknown(["q0-0", "q0-9"]) == {"q0-0": "in_doubt"}
    assert spend(either, CAPS, NOON).total.usd == WORST / 1e9
    answer = Item(Origin.INDIAN, "high", None)
    cost = ledger.settle(call.id, PRICE, Used(500, 50, 0.1), {0: answer, 2: Item(None, "low", None)}, "complete", NOON)
    assert cost == PRICE.cost(500, 50)
    assert ledger.answers(["a0-0", "a0-1", "a0-2"]) == {"a0-0": answer, "a0-2": Item(None, "low", None)}
    assert ledger.unknown(["q0-0"]) == {}
    assert spend(either, CAPS, NOON).total.usd == cost / 1e9


def test_processes_that_reserve_at_once_take_no_more_than_is_left(either):  # noqa: F811
    found = []

    def take(number: int) -> None:
        # A ledger of its own, as each process has: what keeps them apart is the database alone.
        ledger = Ledger(either, replace(CAPS, day=WORST * 5))
        for turn in range(4):
            found.append(ledger.reserve(wanted(number * 10 + turn), NOON))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, Reserved) for each in found) == 5
    assert {each for each in found if not isinstance(each, Reserved)} == {Denied("over_cap_per_day")}


def test_a_day_and_a_month_begin_at_midnight_in_south_africa(sqlite):
    ledger = Ledger(sqlite, replace(CAPS, day=WORST, month=WORST * 2))
    last_of_march = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)
    assert isinstance(ledger.reserve(wanted(1), last_of_march), Reserved)
    assert ledger.reserve(wanted(2), last_of_march) == Denied("over_cap_per_day")
    assert isinstance(ledger.reserve(wanted(3), last_of_march + timedelta(minutes=2)), Reserved)
    ledger = Ledger(sqlite, replace(CAPS, month=WORST))
    assert ledger.reserve(wanted(4), last_of_march + timedelta(minutes=3)) == Denied("over_cap_per_month")


def test_a_call_for_two_batches_is_booked_to_each_in_its_share(sqlite):
    ledger = Ledger(sqlite, replace(CAPS, batch=WORST))
    both = replace(wanted(), names=[("q0", "a0", ONE), ("q1", "a1", ONE), ("q2", "a2", TWO)])
    assert isinstance(ledger.reserve(both, NOON), Reserved)
    lines = {line.of: line.usd for line in spend(sqlite, CAPS, NOON).batches}
    assert lines == {ONE: -(-WORST * 2 // 3) / 1e9, TWO: -(-WORST // 3) / 1e9}
    assert ledger.reserve(wanted(7), NOON) == Denied("over_cap_per_batch")
    assert isinstance(ledger.reserve(wanted(8, batch="2026-03-02_list_00000003"), NOON), Reserved)


def test_what_was_released_costs_nothing_and_is_asked_again_when_the_vendor_wants(sqlite):
    ledger = Ledger(sqlite, CAPS)
    call = ledger.reserve(wanted(), NOON)
    ledger.release(call.id, "rate_limited", 0.1, NOON, retry_after=7)
    assert spend(sqlite, CAPS, NOON).total.usd == 0
    assert ledger.reserve(wanted(), NOON + timedelta(seconds=3)) == Wait(4.0)
    assert isinstance(ledger.reserve(wanted(), NOON + timedelta(seconds=7)), Reserved)
    assert ledger.reserve(wanted(), NOON + timedelta(seconds=8)) == Denied("in_doubt")


def test_what_is_in_doubt_stays_booked_after_it_may_be_sent_again(sqlite):
    ledger = Ledger(sqlite, CAPS)
    lost, under_way = ledger.reserve(wanted(1), NOON), ledger.reserve(wanted(2), NOON)
    ledger.doubt(lost.id, "timed_out", 1.0, NOON)
    assert ledger.unknown(["q1-0", "q2-0"]).keys() == {"q1-0", "q2-0"}
    assert ledger.write_off([TWO], before=NOON) == 0
    assert ledger.write_off([ONE], before=NOON) == 1
    assert ledger.unknown(["q1-0", "q2-0"]).keys() == {"q2-0"}
    # The process that made the other call is long gone.
    assert ledger.write_off([ONE], before=NOON + timedelta(minutes=10)) == 1
    assert spend(sqlite, CAPS, NOON).total.usd == 2 * WORST / 1e9
    assert under_way != lost


def test_the_bill_settles_what_a_killed_process_left_and_waits_for_what_may_be_under_way(sqlite):
    ledger = Ledger(sqlite, CAPS)
    killed = ledger.reserve(replace(wanted(1), kind="evaluation"), NOON)
    assert isinstance(killed, Reserved)
    with pytest.raises(BadInput, match="under way"):
        ledger.reconcile("openai", 70, before=NOON)
    later = NOON + timedelta(minutes=10)
    assert ledger.reconcile("openai", 70, before=later) == 70
    assert spend(sqlite, CAPS, NOON).total.usd == 70 / 1e9
    assert ledger.unknown(["q1-0"]) == {}
    # A job may take a day, however long ago it was booked.
    assert isinstance(JobLedger(ledger).intend([replace(wanted(2), kind="job")], NOON), Intended)
    assert ledger.unknown(["q2-0"]) == {"q2-0": "in_job"}
    with pytest.raises(BadInput, match="llm collect"):
        ledger.reconcile("openai", 70, before=later)


def test_a_reply_without_counts_stays_booked_at_its_worst_case(sqlite):
    ledger = Ledger(sqlite, CAPS)
    call = ledger.reserve(wanted(), NOON)
    assert ledger.settle(call.id, PRICE, Used(None, None, 0.1), {}, "complete", NOON) == WORST


def test_while_a_provider_is_given_up_only_one_process_tries_it(sqlite):
    ledger = Ledger(sqlite, CAPS)
    for number in range(3):
        call = ledger.reserve(wanted(number), NOON)
        ledger.release(call.id, "vendor_failed", 0.1, NOON)
    assert ledger.reserve(wanted(4), NOON) == Denied("provider_down")
    later = NOON + timedelta(minutes=1)
    probe = ledger.reserve(wanted(5), later)
    assert isinstance(probe, Reserved)
    assert ledger.reserve(wanted(6), later) == Denied("provider_down")
    ledger.settle(probe.id, PRICE, Used(1, 1, 0.1), {}, "complete", later)
    assert isinstance(ledger.reserve(wanted(7), later), Reserved)


def test_tokens_of_a_minute_hold_a_call_back_until_they_are_past(sqlite):
    ledger = Ledger(sqlite, replace(CAPS, tokens=2_500))
    for seconds in (0, 10):
        assert isinstance(ledger.reserve(wanted(seconds), NOON + timedelta(seconds=seconds)), Reserved)
    assert ledger.reserve(wanted(3), NOON + timedelta(seconds=20)) == Wait(40.0)
    assert isinstance(ledger.reserve(wanted(3), NOON + timedelta(seconds=60)), Reserved)


def test_a_call_larger_than_a_minute_admits_goes_alone(sqlite):
    ledger = Ledger(sqlite, replace(CAPS, tokens=10))
    assert isinstance(ledger.reserve(wanted(1), NOON), Reserved)
    assert ledger.reserve(wanted(2), NOON) == Wait(60.0)


def test_the_spend_says_what_a_decided_name_cost(sqlite):
    ledger = Ledger(sqlite, CAPS)
    call = ledger.reserve(wanted(), NOON)
    cost = ledger.settle(call.id, PRICE, Used(600, 30, 0.1), {}, "complete", NOON)
    ledger.note_outcomes({ONE: (3, 2, 0, {"cannot_tell": 1})}, NOON)
    found = spend(sqlite, CAPS, NOON)
    assert [(line.of, line.decided, line.usd_per_decided) for line in found.batches] == [(ONE, 2, cost / 2e9)]
    assert {len(found.days), len(found.providers), len(found.models)} == {1}
    assert found.left_usd["day"] == pytest.approx((CAPS.day - cost) / 1e9)
    outcome = outcomes_of(sqlite, [ONE, TWO])[ONE]
    assert (outcome.names, outcome.decided, outcome.cost_usd, outcome.failed) == (3, 2, cost / 1e9, 0)
    assert outcome.in_words().endswith("1 stayed undecided (1 the model could not tell)")


def test_a_price_is_that_of_the_table_or_ones_own_and_never_nothing():
    assert price_of("openai", "gpt-4.1-nano", "") == Price(100, 400)
    assert price_of("openai", "gpt-4.1-nano", "", batch=True) == Price(50, 200)
    assert price_of("openai", "gpt-4.1-nano", "openai/gpt-4.1-nano=1:2") == Price(1_000, 2_000)
    assert price_of("openai", "batch", "") is None
    assert price_of("local", "qwen", "") is None
    assert price_of("local", "qwen", "local/qwen=0:0") == Price(0, 0)


def test_calls_that_fail_are_counted_for_the_alerts(sqlite):
    ledger = Ledger(sqlite, CAPS)
    for number, outcome in enumerate(("rate_limited", "vendor_failed", "too_late")):
        call = ledger.reserve(wanted(number), NOON)
        ledger.release(call.id, outcome, 0.1, NOON, counts=False)
    ledger.reserve(wanted(8), NOON)
    lost, done = ledger.reserve(wanted(9), NOON), ledger.reserve(wanted(10), NOON)
    ledger.doubt(lost.id, "timed_out", 0.1, NOON)
    ledger.settle(done.id, PRICE, Used(1, 1, 0.1), {}, "complete", NOON)
    assert calls_since(sqlite, NOON) == (4, 3, 1)
    assert calls_since(sqlite, NOON + timedelta(seconds=1)) == (0, 0, 0)


def test_caps_are_whole_billionths():
    assert nano(0.02) == 20_000_000
    assert Caps(1, 1, 1, 1, 1, 1).day == 1
