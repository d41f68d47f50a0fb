"""What people read: the worst first, what to do, and nobody's data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from leadscout_assets.alerts.engine import FIRED, FORGOTTEN, RESOLVED, News
from leadscout_assets.alerts.facts import CRITICAL, WARNING
from leadscout_assets.alerts.messages import LONGEST, Message, messages, trial
from leadscout_assets.alerts.rules import by_name
from tests.alerts.conftest import NOON

RULES = by_name()


def news(rule: str = "run_failed", kind: str = FIRED, level: str = WARNING, root: str = "raw_leads", **given) -> News:
    made = News(kind, RULES[rule], root, level, "run x failed", NOON, NOON, 1)
    return replace(made, **given)


def test_the_worst_news_stands_first_and_what_is_resolved_last():
    (found,) = messages(
        [news("error_rate", RESOLVED, CRITICAL), news("run_failed"), news("check_failed", level=CRITICAL)]
    )
    assert [line.rule for line in found.lines] == ["check_failed", "run_failed", "error_rate"]
    assert (found.level, found.title) == (
        "critical",
        "LeadScout critical: check_failed, run_failed, error_rate (raw_leads)",
    )
    assert "[resolved] error_rate: resolved: run x failed" in found.text


def test_a_message_says_what_to_do_and_where_it_is_explained():
    (found,) = messages([news()])
    assert f"do: {RULES['run_failed'].do}" in found.text
    assert "see: docs/alerts.md#run_failed" in found.text
    assert "since: 2026-03-02T12:00:00+00:00" in found.text


def test_a_message_of_good_news_only_is_no_alarm():
    (found,) = messages([news(kind=RESOLVED, level=CRITICAL)])
    assert found.level == "resolved"
    assert "do:" not in found.text


def test_what_nobody_mended_is_not_called_resolved_and_says_what_is_still_to_be_done():
    (found,) = messages([news(kind=RESOLVED, level=CRITICAL), news("check_failed", FORGOTTEN)])
    assert found.level == "forgotten"
    assert "[forgotten] check_failed: nobody mended it, and it is not told again: run x failed" in found.text
    assert f"do: {RULES['check_failed'].do}" in found.text
    (found,) = messages([news(), news("check_failed", FORGOTTEN, CRITICAL)])
    assert found.level == "warning"


def test_the_same_news_has_the_same_key_in_any_order_and_other_news_another():
    one, two = news("run_failed"), news("check_failed")
    assert messages([one, two])[0].key == messages([two, one])[0].key
    keys = {
        messages(some)[0].key
        for some in ([one], [two], [one, two], [news(mark=2)], [news(fired_at=NOON + timedelta(1))])
    }
    assert len(keys) == 5


def test_what_looks_personal_is_masked_and_long_sentences_are_cut():
    (found,) = messages([news(sentence="called +27 82 123 4567 and zanele@example.org " + "x" * 9_999)])
    assert "4567" not in found.text
    assert "zanele" not in found.text
    assert len(found.lines[0].sentence) == LONGEST


def test_a_message_survives_being_stored():
    (found,) = messages([news()])
    assert Message.from_json(found.to_json()) == found
    assert trial("slack", NOON).level == "warning"
