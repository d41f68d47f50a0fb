"""The rules: every figure that was promised, every condition at its edge, and no division by zero."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadscout_assets.alerts.conditions import FEWEST_ANSWERS, FEWEST_CALLS, FEWEST_FINISHED, FEWEST_LIKE
from leadscout_assets.alerts.facts import (
    CRITICAL,
    WARNING,
    Calls,
    Facts,
    Finished,
    Group,
    Instance,
    Machine,
    Probe,
    Ticks,
    UnderWay,
)
from leadscout_assets.alerts.rules import RULES, by_name, rules_with
from leadscout_assets.errors import BadSetting

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


def group(count: int = 1, critical: int = 0, root: str = "raw_leads") -> Group:
    return Group(root, count, critical, 9, NOON, "run x failed")


def waiting(minutes: float) -> Facts:
    return Facts(instance=Instance(under_way=[UnderWay("r", "raw_leads", "queued", True, minutes * 60)]))


def working(seconds: float, median: float | None, like: int = FEWEST_LIKE) -> Facts:
    run = UnderWay("r", "raw_leads", "started", False, seconds, median, like)
    return Facts(instance=Instance(under_way=[run]))


def finished(failed: int, of: int) -> Facts:
    return Facts(instance=Instance(finished=[Finished("lead_chain", "raw_leads", failed, of)]))


def ticks(failing: int, schedule: bool = False) -> Facts:
    return Facts(instance=Instance(ticks=[Ticks("inbox", schedule, failing)]))


def beat(seconds: float | None) -> Facts:
    return Facts(instance=Instance(heartbeats={"SENSOR": 5.0, "SCHEDULER": seconds}))


def answers(slow: int, of: int, seconds: float = 9.0) -> Facts:
    return Facts(answers=[0.01] * (of - slow) + [seconds] * slow)


@pytest.mark.parametrize(
    ("rule", "facts", "level"),
    [
        ("run_failed", Facts(occurrences={"run_failed": [group()]}), WARNING),
        ("run_failed", Facts(occurrences={"run_failed": [group(10)]}), CRITICAL),
        ("run_failed", Facts(occurrences={"check_failed": [group()]}), None),
        ("check_failed", Facts(occurrences={"check_failed": [group(5)]}), WARNING),
        ("check_failed", Facts(occurrences={"check_failed": [group(5, critical=1)]}), CRITICAL),
        ("deliveries_stale", Facts(occurrences={"deliveries_stale": [group(critical=1)]}), CRITICAL),
        ("regression", Facts(occurrences={"regression": [group()]}), WARNING),
        ("backup_failed", Facts(occurrences={"backup_failed": [group(critical=1)]}), CRITICAL),
        ("run_stuck", waiting(14.9), None), ("run_stuck", waiting(15), WARNING), ("run_stuck", waiting(60), CRITICAL),
        ("run_stuck", working(9_999, None), None),
        ("run_too_long", working(299, 100), None), ("run_too_long", working(300, 100), WARNING),
        ("run_too_long", working(1_000, 100), CRITICAL), ("run_too_long", working(9_999, 100, FEWEST_LIKE - 1), None),
        ("run_too_long", working(60, 1), None), ("run_too_long", working(9_999, 0.0), CRITICAL),
        ("run_too_long", waiting(500), None),
        ("tick_failing", ticks(2), None), ("tick_failing", ticks(3), WARNING), ("tick_failing", ticks(10), CRITICAL),
        ("tick_failing", ticks(1, schedule=True), WARNING), ("tick_failing", ticks(0, schedule=True), None),
        ("daemon_silent", beat(119), None), ("daemon_silent", beat(120), WARNING), ("daemon_silent", beat(300), CRITICAL),
        ("daemon_silent", beat(None), CRITICAL),
        ("error_rate", finished(1, 100), None), ("error_rate", finished(2, 100), WARNING),
        ("error_rate", finished(5, 100), CRITICAL), ("error_rate", finished(0, FEWEST_FINISHED), None),
        ("error_rate", finished(1, FEWEST_FINISHED - 1), None), ("error_rate", finished(0, 0), None),
        ("slow_answers", answers(1, 20), None), ("slow_answers", answers(2, 20), CRITICAL),
        ("slow_answers", answers(2, 20, 2.1), WARNING), ("slow_answers", answers(2, 20, 2.0), None),
        ("slow_answers", answers(19, FEWEST_ANSWERS - 1), None),
        ("disk_low", Facts(machine=Machine(0.20, 0.5)), None), ("disk_low", Facts(machine=Machine(0.19, 0.5)), WARNING),
        ("disk_low", Facts(machine=Machine(0.09, 0.5)), CRITICAL),
        ("memory_high", Facts(machine=Machine(0.5, 0.80)), None), ("memory_high", Facts(machine=Machine(0.5, 0.81)), WARNING),
        ("memory_high", Facts(machine=Machine(0.5, 0.85)), CRITICAL),
        ("database_failing", Facts(probes=[Probe("a", 0.1)]), None),
        ("database_failing", Facts(probes=[Probe("a", 0.1), Probe("b", 0.1, "away")]), CRITICAL),
        ("connections_low", Facts(free_connections=2), None), ("connections_low", Facts(free_connections=1), WARNING),
        ("connections_low", Facts(free_connections=0), CRITICAL),
        ("rate_limited", Facts(calls=Calls()), None), ("rate_limited", Facts(calls=Calls(rate_violations=1)), WARNING),
        ("rate_limited", Facts(calls=Calls(rate_violations=10)), CRITICAL),
        ("llm_failing", Facts(calls=Calls()), None), ("llm_failing", Facts(calls=Calls(10, 1)), None),
        ("llm_failing", Facts(calls=Calls(100, 11)), WARNING), ("llm_failing", Facts(calls=Calls(10, 2)), CRITICAL),
        ("llm_failing", Facts(calls=Calls(FEWEST_CALLS - 1, 9)), None),
        ("alert_lag", Facts(lag_seconds=60), None), ("alert_lag", Facts(lag_seconds=61), WARNING),
        ("alert_lag", Facts(lag_seconds=300), CRITICAL),
    ],
)  # fmt: skip
def test_a_rule_fires_from_its_figure_on_and_not_before(rule, facts, level):
    found = by_name()[rule].judge(facts)
    assert [one.level for one in (found or {}).values()] == ([level] if level else [])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_facts_no_rule_claims_anything(rule):
    assert rule.judge(Facts()) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_explains_itself(rule):
    assert re.fullmatch(r"[a-z_]+", rule.name)
    assert rule.means
    assert rule.numerator
    assert rule.do
    assert (rule.unit == "share") <= bool(rule.denominator)
    assert rule.warning >= rule.critical if rule.below else rule.warning <= rule.critical


def test_of_two_findings_under_one_root_the_worst_counts():
    mild, bad = Finished("backup_job", "backup", 2, 100), Finished("restore_drill_job", "backup", 9, 100)
    for order in ([mild, bad], [bad, mild]):
        found = by_name()["error_rate"].judge(Facts(instance=Instance(finished=order)))
        assert found is not None
        assert "restore_drill_job" in found["backup"].sentence


def test_the_worst_run_of_a_root_is_the_one_that_is_told():
    runs = [
        UnderWay(name, "raw_leads", "queued", True, minutes * 60) for name, minutes in (("a", 20), ("b", 90), ("c", 30))
    ]
    found = by_name()["run_stuck"].judge(Facts(instance=Instance(under_way=runs)))
    assert found is not None
    assert "run b" in found["raw_leads"].sentence


def test_other_figures_come_from_a_setting():
    chosen = by_name(rules_with("error_rate=0.02:0.1, disk_low=0.3:0.05"))
    assert (chosen["error_rate"].warning, chosen["error_rate"].critical) == (0.02, 0.1)
    assert (chosen["disk_low"].warning, chosen["disk_low"].critical) == (0.3, 0.05)
    assert rules_with(None) == rules_with(" ") == RULES


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("disk=1:2", "no rule disk"), ("disk_low", "two figures"), ("disk_low=0.2", "two figures"),
        ("disk_low=a:b", "two figures"), ("disk_low=0.1:0.2", "worse one"), ("error_rate=0.5:0.1", "worse one"),
        ("error_rate=nan:1", "share.*0.8"), ("error_rate=0.1:nan", "share"), ("memory_high=80:85", "share.*0.8.*80:85"),
        ("error_rate=1:5", "share"), ("disk_low=inf:inf", "share"), ("disk_low=0.1:0", "share"), ("error_rate=-1:0.5", "share"),
        ("run_stuck=inf:inf", "minutes.*above 0"), ("run_stuck=nan:nan", "minutes"), ("run_stuck=15:inf", "minutes"),
        ("connections_low=1:0", "connections.*above 0"), ("run_stuck=-5:15", "minutes"), ("run_stuck=60:15", "worse one"),
        ("check_failed=1:5", "no figures"), (" disk_low = 0.1 : 0.2 ", "worse one"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused_and_named(given, says):
    with pytest.raises(BadSetting, match=f"LEADSCOUT_ALERT_LEVELS.*{says}"):
        rules_with(given)


def test_every_rule_has_its_page_with_its_figures_and_there_is_no_other_page():
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    pages = dict(re.findall(r"^### ([a-z_]+)\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(pages) == [rule.name for rule in RULES]
    for rule in RULES:
        assert rule.page == f"docs/alerts.md#{rule.name}"
        for heading in ("**It means**", "**Look**", "**Do**"):
            assert heading in pages[rule.name], rule.name
        ((warning, critical),) = re.findall(
            r"Figures: warning (\S+), critical (\S+) ", " ".join(pages[rule.name].split())
        )
        share = 100 if rule.unit == "share" else 1
        figures = [f"{round(figure * share, 4):g}" for figure in (rule.warning, rule.critical)]
        assert [warning, critical] == figures, rule.name
