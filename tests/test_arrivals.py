"""What a tick decides, and by simulation that no kill and no failing run loses or doubles a delivery."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadscout_assets.arrivals import MAX_ATTEMPTS, Pending, RequestedRun, RunState, decide, run_key

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = START + timedelta(hours=1)
A, B, C, D = (
    "2026-03-02_list_0000000a",
    "2026-03-02_list_0000000b",
    "2026-03-02_list_0000000c",
    "2026-03-02_list_0000000d",
)
ORDER = [A, B, C, D]


def ask(pending, runs=(), order=ORDER, max_rows=1_000, max_batches=50):
    return decide(pending, dict(runs), order, max_rows=max_rows, max_batches=max_batches)


def asked(decision) -> list[tuple[str, ...]]:
    return [request.batches for request in decision.requests]


def new(batch: str, rows: int = 10) -> Pending:
    return Pending(batch, rows, None, 0)


def test_nothing_pending_asks_for_nothing():
    assert ask([]).requests == ()
    assert ask([]).movable == frozenset()


def test_new_deliveries_share_one_run_and_their_files_stay_until_it_exists():
    decision = ask([new(A), new(B), new(C)])
    assert asked(decision) == [(A, B, C)]
    assert all(request.fresh for request in decision.requests)
    assert decision.movable == frozenset()


def test_new_deliveries_that_are_not_adjacent_or_too_many_are_split():
    assert asked(ask([new(A), new(C), new(D)])) == [(A,), (C, D)]
    assert asked(ask([new(A, 600), new(B, 600)])) == [(A,), (B,)]
    assert asked(ask([new(A), new(B), new(C)], max_batches=2)) == [(A, B), (C,)]


def test_a_delivery_of_no_counted_rows_is_run_too_so_that_its_refusal_is_seen():
    assert asked(ask([new(A, 0)])) == [(A,)]


def test_a_request_noted_but_not_yet_a_run_is_asked_for_again_under_the_same_key():
    pending = [Pending(batch, 10, "2-noted-1", 1) for batch in (A, B)]
    (request,) = ask([*pending, new(C)]).requests[:1]
    assert (request.key, request.batches, request.fresh) == ("2-noted-1", (A, B), False)


@pytest.mark.parametrize("order", [[A, B, C, D], [B, A, C, D]])
def test_what_is_asked_for_again_stands_in_the_order_of_the_partitions(order):
    """A range is a slice of the partitions: out of order it would run over nothing."""
    pending = [Pending(batch, 10, "3-noted-1", 1) for batch in (C, A, B)]
    assert asked(ask(pending, order=order)) == [(*order[:2], C)]


def test_what_is_asked_for_again_leaves_out_what_was_done_meanwhile():
    """The report of B came by another way, such as a person's backfill; a range over A, B and C would redo it."""
    pending = [Pending(batch, 10, "3-noted-1", 1) for batch in (A, C)]
    decision = ask(pending)
    assert sorted(asked(decision)) == [(A,), (C,)]
    assert len({request.key for request in decision.requests}) == 2


@pytest.mark.parametrize("state", [RunState.UNDER_WAY, RunState.SUCCEEDED])
def test_a_run_that_is_there_asks_for_nothing_and_frees_the_inbox_file(state):
    decision = ask([Pending(A, 10, "key", 1)], {"key": RequestedRun(state, START)})
    assert decision.requests == ()
    assert decision.movable == {A}


def test_each_delivery_of_a_failed_run_gets_the_next_one_to_itself():
    pending = [Pending(A, 10, "key", 1), Pending(B, 10, "key", 1)]
    decision = ask(pending, {"key": RequestedRun(RunState.FAILED, START)})
    assert asked(decision) == [(A,), (B,)]
    assert all(request.fresh for request in decision.requests)
    assert decision.movable == frozenset()


def test_after_the_last_attempt_it_is_a_persons_turn():
    decision = ask([Pending(A, 10, "key", MAX_ATTEMPTS)], {"key": RequestedRun(RunState.FAILED, START)})
    assert decision.requests == ()
    assert decision.movable == {A}


def test_a_run_that_a_person_stopped_is_not_started_again():
    decision = ask([Pending(A, 10, "key", 1)], {"key": RequestedRun(RunState.STOPPED, START)})
    assert decision.requests == ()
    assert decision.movable == {A}


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.STOPPED])
def test_delivering_it_again_starts_a_given_up_delivery_anew(state):
    lying = Pending(A, 10, "key", MAX_ATTEMPTS, arrived_at=LATER)
    assert asked(ask([lying], {"key": RequestedRun(state, START)})) == [(A,)]
    before = replace(lying, arrived_at=START - timedelta(seconds=1))
    assert asked(ask([before], {"key": RequestedRun(state, START)})) == []


@pytest.mark.parametrize("state", [RunState.UNDER_WAY, RunState.SUCCEEDED])
def test_delivering_again_what_is_under_way_or_done_starts_nothing(state):
    lying = Pending(A, 10, "key", 1, arrived_at=LATER)
    assert asked(ask([lying], {"key": RequestedRun(state, START)})) == []


def test_attempts_and_neighbours_give_different_keys_and_the_same_request_the_same_key():
    keys = [run_key((A,), attempt=1), run_key((A,), attempt=2), run_key((A, B), attempt=1), run_key((B,), attempt=1)]
    assert len(set(keys)) == len(keys)
    assert run_key((A, B), attempt=1) == run_key((A, B), attempt=1)


class Killed(Exception):
    """The process died at this point of a tick."""


@dataclass
class Run:
    batches: tuple[str, ...]
    state: RunState
    created_at: datetime


@dataclass
class World:
    """Everything that outlives a killed tick, and a person who only looks on."""

    rng: random.Random
    max_rows: int
    max_batches: int
    now: datetime = START
    inbox: dict[str, datetime] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    noted: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def drop(self) -> None:
        batch = f"2026-03-02_list_{len(self.rows):08x}"
        self.inbox[batch], self.rows[batch] = self.now, self.rng.choice([0, 1, 5, 9, 30])

    def deliver_again(self) -> None:
        batch = self.rng.choice(sorted(self.rows))
        self.inbox.setdefault(batch, self.now)

    def tick(self, point: Callable[[], None]) -> None:
        """One tick in the order of the sensor's; `point` stands wherever a kill may fall."""
        for batch in sorted(self.inbox):
            point()
            self.noted.setdefault(batch, (None, 0))
        point()
        pending = [
            Pending(batch, self.rows[batch], *self.noted[batch], self.inbox.get(batch))
            for batch in self.noted
            if batch not in self.done
        ]
        # Others add partitions too, so their order need not be that of the deliveries.
        fresh = [p.batch_id for p in pending if p.batch_id not in self.order]
        self.rng.shuffle(fresh)
        self.order += fresh
        point()
        newest = {key: RequestedRun(run.state, run.created_at) for key, run in self.runs.items()}
        decision = decide(pending, newest, self.order, max_rows=self.max_rows, max_batches=self.max_batches)
        self.hold(decision)
        for request in decision.requests:
            point()
            if request.fresh:
                for batch in request.batches:
                    self.noted[batch] = (request.key, self.noted[batch][1] + 1)
        waiting = {p.batch_id for p in pending} - decision.movable
        for batch in sorted(set(self.inbox) - waiting):
            point()
            had_a_run = any(batch in run.batches for run in self.runs.values())
            assert had_a_run or batch in self.done, "moved before any run had it"
            del self.inbox[batch]
        for request in decision.requests:
            point()
            # The orchestrator starts no second run for a key.
            self.runs.setdefault(request.key, Run(request.batches, RunState.UNDER_WAY, self.now))
        self.hold_runs()

    def hold(self, decision) -> None:
        for request in decision.requests:
            first = self.order.index(request.batches[0])
            assert tuple(self.order[first : first + len(request.batches)]) == request.batches
            assert len(request.batches) <= self.max_batches
            assert len(request.batches) == 1 or sum(self.rows[b] for b in request.batches) <= self.max_rows
        every = [batch for request in decision.requests for batch in request.batches]
        assert len(every) == len(set(every))

    def hold_runs(self) -> None:
        under_way = [b for run in self.runs.values() if run.state is RunState.UNDER_WAY for b in run.batches]
        assert len(under_way) == len(set(under_way)), "two runs under way for one delivery"

    def go_on(self, states: list[RunState]) -> None:
        self.now += timedelta(seconds=5)
        for run in self.runs.values():
            if run.state is RunState.UNDER_WAY:
                run.state = self.rng.choice(states)
                if run.state is RunState.SUCCEEDED:
                    self.done.update(run.batches)

    def backfill(self) -> None:
        """A person runs a batch from the UI that no run of ours has under way."""
        busy = {b for run in self.runs.values() if run.state is RunState.UNDER_WAY for b in run.batches}
        idle = [batch for batch in self.order if batch not in busy]
        self.done.update(self.rng.sample(idle, min(len(idle), 1)))

    def is_persons(self, batch: str) -> bool:
        key, attempts = self.noted[batch]
        state = self.runs[key].state
        return state is RunState.STOPPED or (state is RunState.FAILED and attempts >= MAX_ATTEMPTS)


ANY = [RunState.UNDER_WAY, RunState.UNDER_WAY, RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED]


@given(seed=st.integers(0, 10**9), max_rows=st.sampled_from([1, 10, 1_000]), max_batches=st.integers(1, 5))
@example(seed=1, max_rows=1_000, max_batches=5)
@settings(max_examples=300)
def test_every_delivery_ends_done_or_in_a_persons_hands_whatever_is_killed(seed, max_rows, max_batches):
    rng = random.Random(seed)  # which things happen, not a secret
    world = World(rng, max_rows, max_batches)

    def maybe_killed() -> None:
        if rng.random() < 0.08:
            raise Killed

    for _ in range(rng.randint(1, 25)):
        for _ in range(rng.choice([0, 0, 1, 1, 3, 12])):
            world.drop()
        if world.rows and rng.random() < 0.2:
            world.deliver_again()
        if rng.random() < 0.2:
            world.backfill()
        try:
            world.tick(maybe_killed)
        except Killed:
            world.hold_runs()
        world.go_on(ANY)
    for _ in range(3 * MAX_ATTEMPTS + 3):
        world.tick(lambda: None)
        world.go_on([RunState.SUCCEEDED, RunState.FAILED])
    world.tick(lambda: None)
    assert [b for b in world.rows if b not in world.done and not world.is_persons(b)] == []
    assert world.inbox == {}


@given(seed=st.integers(0, 10**9))
def test_while_every_run_succeeds_each_delivery_has_exactly_one(seed):
    rng = random.Random(seed)  # which things happen, not a secret
    world = World(rng, 1_000, 5)
    for _ in range(10):
        for _ in range(rng.choice([0, 1, 7])):
            world.drop()
        world.tick(lambda: None)
        world.go_on([RunState.UNDER_WAY, RunState.SUCCEEDED])
    ran = [batch for run in world.runs.values() for batch in run.batches]
    assert sorted(ran) == sorted(world.rows)
