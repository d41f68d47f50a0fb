"""Of each subject the newest event counts, in whatever order events are read, and however often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.alerts.facts import CRITICAL, WARNING, Signal
from leadscout_assets.alerts.occurrences import Occurrence, Subject, merge

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def signal(number: int, level: str | None, subject: str = "job:a") -> Signal:
    return Signal(
        "run_failed", subject, "raw_leads", number, NOON + timedelta(seconds=number), level, f"event {number}"
    )


def read(*rounds: list[Signal], keep_good: bool = False) -> dict[Subject, Occurrence]:
    known: dict[Subject, Occurrence] = {}
    for signals in rounds:
        known.update({one.key: one for one in merge(known, signals, keep_good=keep_good)})
    return known


def open_ones(known: dict[Subject, Occurrence]) -> dict[str, int]:
    return {one.subject: one.event_id for one in known.values() if one.level}


def test_a_success_ends_a_failure_and_a_later_failure_is_a_new_one():
    assert open_ones(read([signal(1, WARNING)], [signal(2, None)])) == {}
    known = read([signal(1, WARNING)], [signal(2, None)], [signal(3, WARNING)])
    assert known[("run_failed", "job:a")].opened_id == 3


def test_a_failure_that_is_told_again_stays_the_one_it_was():
    known = read([signal(1, WARNING)], [signal(5, CRITICAL)])[("run_failed", "job:a")]
    assert (known.opened_id, known.event_id, known.level) == (1, 5, CRITICAL)


def test_a_failure_found_behind_its_success_is_known_to_be_over():
    assert open_ones(read([signal(2, None)], [signal(1, WARNING)], keep_good=True)) == {}


def test_successes_of_what_never_failed_cost_no_rows():
    assert read([signal(number, None, f"job:{number}") for number in range(5)]) == {}


EVENTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([None, WARNING, CRITICAL])), min_size=1, max_size=12
).map(lambda drawn: [signal(number, level, subject) for number, (subject, level) in enumerate(drawn)])


@given(EVENTS, st.data())
def test_any_order_and_any_repetition_end_at_the_same(events, data):
    shuffled = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=5))]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    rounds = [list(shuffled[start:end]) for start, end in pairwise([0, *cuts, len(shuffled)])]
    expected = {one.subject: one for one in events}  # the last of each
    found = read(*rounds, keep_good=True)
    assert open_ones(found) == {s: one.event_id for s, one in expected.items() if one.level}
