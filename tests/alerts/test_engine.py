"""The engine's decisions: what is told, when, and never twice. Time is whatever the test says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.alerts.engine import (
    ESCALATED,
    FIRED,
    FORGOTTEN,
    MORE,
    REMIND_AFTER,
    REMINDER,
    RESOLVED,
    Decision,
    Key,
    News,
    State,
    decide,
    pause_after,
)
from leadscout_assets.alerts.facts import CRITICAL, RANK, WARNING, Finding
from leadscout_assets.alerts.rules import RULES, Rule, by_name

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = replace(by_name()["disk_low"], hold=timedelta(0), clear=2 * MINUTE)
SLOW = replace(RULE, hold=5 * MINUTE)


class Life:
    """One alert through time: each step says what was found, and keeps the states as a store would."""

    def __init__(self, rule: Rule = RULE) -> None:
        self.rule, self.now = rule, NOON
        self.known: dict[Key, State] = {}

    def find(
        self,
        level: str | None,
        after: timedelta = MINUTE,
        *,
        mark: int = 0,
        silenced: bool = False,
        unknown: bool = False,
    ) -> list[str]:
        self.now += after
        finding = {} if level is None else {"machine": Finding("machine", level, f"it is {level}", mark)}
        return [one.kind for one in self.decided({self.rule.name: None if unknown else finding}, silenced).news]

    def decided(self, found: dict[str, dict[str, Finding] | None], silenced: bool = False) -> Decision:
        decision = decide([self.rule], found, self.known, self.now, [self.rule.name] if silenced else [])
        self.known.update({state.key: state for state in decision.states})
        for key in decision.over:
            self.known.pop(key, None)
        return decision


def test_what_stays_wrong_is_told_once_then_once_a_day_and_at_last_that_it_is_resolved():
    life = Life()
    assert life.find(WARNING) == [FIRED]
    told = [life.find(WARNING) for _ in range(24 * 60 - 1)]
    assert told == [[]] * len(told)
    assert life.find(WARNING) == [REMINDER]
    assert life.find(WARNING) == []
    assert life.find(None) == []
    assert life.find(None, 2 * MINUTE) == [RESOLVED]
    assert life.known == {}


def test_what_is_wrong_for_less_than_the_rule_holds_it_is_never_told():
    life = Life(SLOW)
    for _ in range(3):
        assert [life.find(WARNING) for _ in range(4)] == [[]] * 4
        assert life.find(None) == []
    assert [life.find(WARNING) for _ in range(6)] == [[], [], [], [], [], [FIRED]]


def test_what_is_right_again_for_a_moment_only_goes_on_being_the_same_alert():
    life = Life()
    life.find(WARNING)
    assert [life.find(level) for level in (None, WARNING, None, WARNING)] == [[]] * 4


def test_getting_worse_is_told_at_once_and_only_once():
    life = Life()
    told = [life.find(level) for level in (WARNING, CRITICAL, CRITICAL, WARNING, CRITICAL)]
    assert told == [[FIRED], [ESCALATED], [], [], []]


def test_a_second_rise_is_told_once_people_were_told_of_the_lower_level():
    life = Life()
    assert [life.find(level) for level in (CRITICAL, WARNING)] == [[FIRED], []]
    assert life.find(WARNING, REMIND_AFTER) == [REMINDER]
    assert [life.find(level) for level in (CRITICAL, WARNING, CRITICAL, WARNING)] == [[ESCALATED], [], [], []]
    assert life.find(WARNING, REMIND_AFTER) == [REMINDER]
    assert life.find(CRITICAL) == [ESCALATED]


def test_newer_events_that_are_less_bad_make_the_next_rise_news_too():
    life = Life()
    assert life.find(CRITICAL, mark=1) == [FIRED]
    assert life.find(WARNING, mark=2) == [MORE]
    assert life.find(CRITICAL, mark=2) == [ESCALATED]
    assert life.find(WARNING, mark=2) + life.find(CRITICAL, mark=2) == []


def test_what_is_over_because_nobody_mended_it_for_too_long_is_forgotten_and_not_resolved():
    for forgotten, told in (([(RULE.name, "machine")], FORGOTTEN), ([(RULE.name, "other")], RESOLVED)):
        life = Life()
        life.find(WARNING)
        for _ in range(2):
            life.now += 2 * MINUTE
            decision = decide([RULE], {RULE.name: {}}, life.known, life.now, forgotten=forgotten)
            life.known.update({state.key: state for state in decision.states})
        assert [one.kind for one in decision.news] == [told]
        assert list(decision.over) == [(RULE.name, "machine")]


def test_newer_events_are_told_after_pauses_that_double():
    life = Life()
    told = [life.find(WARNING, mark=minute) for minute in range(1, 65)]
    kinds = [minute for minute, kind in enumerate(told) if kind == [MORE]]
    assert told[0] == [FIRED]
    assert kinds == [1, 3, 7, 15, 31, 63]


def test_an_event_an_hour_after_the_first_is_told_at_once():
    life = Life()
    life.find(WARNING, mark=1)
    assert life.find(WARNING, 60 * MINUTE, mark=1) == []
    assert life.find(WARNING, mark=2) == [MORE]


def test_a_silence_keeps_quiet_and_what_still_fires_at_its_end_is_told_then():
    life = Life()
    assert [life.find(WARNING, silenced=True) for _ in range(5)] == [[]] * 5
    assert life.find(WARNING) == [FIRED]


def test_what_began_and_ended_in_a_silence_is_never_told_but_a_known_alert_is_said_to_be_over():
    life = Life()
    assert life.find(WARNING, silenced=True) == []
    assert life.find(None, silenced=True) + life.find(None, 2 * MINUTE, silenced=True) == []
    life.find(WARNING)
    assert life.find(None, silenced=True) + life.find(None, 2 * MINUTE, silenced=True) == [RESOLVED]


def test_what_cannot_be_measured_changes_nothing():
    life = Life()
    life.find(WARNING)
    before = dict(life.known)
    assert [life.find(None, 60 * MINUTE, unknown=True) for _ in range(5)] == [[]] * 5
    assert life.known == before


def test_a_clock_set_back_by_a_year_does_not_silence_an_alert_for_a_year():
    life = Life()
    life.find(WARNING)
    life.find(WARNING, -timedelta(days=365))
    assert life.find(WARNING, REMIND_AFTER) == [REMINDER]
    life.find(None)
    assert life.find(None, 2 * MINUTE) == [RESOLVED]


def test_each_root_has_a_life_of_its_own():
    one, other = Finding("one", WARNING, "x"), Finding("other", WARNING, "y")
    life = Life()
    assert [n.root for n in life.decided({RULE.name: {"one": one}}).news] == ["one"]
    assert [n.root for n in life.decided({RULE.name: {"one": one, "other": other}}).news] == ["other"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_same_news_decided_twice_has_the_same_key_and_the_next_another(rule):
    def keys() -> list[str]:
        life = Life(replace(rule, hold=timedelta(0)))
        found: list[News] = []
        days = ((1441, CRITICAL), (1441, WARNING), (1, CRITICAL))
        for minutes, level in ((0, WARNING), (1, CRITICAL), *days, (1, None), (60, None)):
            life.now += minutes * MINUTE
            finding = {} if level is None else {"machine": Finding("machine", level, "x")}
            found += life.decided({rule.name: finding}).news
        return [one.key for one in found]

    assert len(set(keys())) == len(keys()) == 6
    assert keys() == keys()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([None, None, WARNING, CRITICAL]),
        st.sampled_from([10, 60, 3_600, 30_000, 90_000]),  # seconds
        st.booleans(),  # a new event
        st.sampled_from([False, False, False, True]),  # silenced
        st.sampled_from([False, False, False, False, True]),  # not measured
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(STEPS, st.sampled_from([RULE, SLOW]))
def test_no_alert_is_lost_and_none_told_twice_within_a_day(steps, rule):
    life, mark = Life(rule), 0
    wrong_since: datetime | None = None
    told: list[News] = []
    """What was told of the alert under way, oldest first."""
    for level, seconds, new_event, silenced, unknown in steps:
        life.now += timedelta(seconds=seconds)
        mark += new_event
        finding = {} if level is None else {"machine": Finding("machine", level, "x", mark)}
        news = life.decided({rule.name: None if unknown else finding}, silenced).news
        if unknown:
            assert news == []
            continue
        assert len(news) <= 1
        for one in news:
            if one.kind == RESOLVED:
                assert told  # only what people know is said to be over
                told = []
                continue
            assert not silenced
            assert (one.kind == FIRED) == (not told)
            for earlier in told:
                same = (earlier.kind, earlier.level, earlier.mark) == (one.kind, one.level, one.mark)
                assert not same or one.at - earlier.at >= REMIND_AFTER
            if one.kind == REMINDER:
                assert one.at - told[-1].at >= REMIND_AFTER
            if one.kind == MORE:
                assert one.mark > told[-1].mark
            if one.kind == ESCALATED:
                assert RANK[one.level] > RANK[told[-1].level]
            told.append(one)
        if level is None:
            wrong_since = None
            if not life.known:
                assert not told or silenced or news == []
                told = [] if not life.known else told
        else:
            wrong_since = wrong_since or life.now
            # Wrong for long enough and nobody told to be quiet: people know, and how bad it is.
            if life.now - wrong_since >= rule.hold and not silenced:
                assert told
                assert RANK[told[-1].level] >= RANK[level]
                # And of the newest event, unless they were told of some a moment ago.
                state = life.known[(rule.name, "machine")]
                assert told[-1].mark == mark or life.now - told[-1].at < pause_after(state.updates)
    # Nothing is left behind once it was right for long enough.
    life.find(None)
    life.find(None, timedelta(days=1))
    assert life.known == {}
