"""The two ages: by when a backup was taken and a restore proven, never by what a clock that was set back makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from leadscout_assets.home import Home
from leadscout_assets.recovery.ages import ages
from leadscout_assets.recovery.drill import drill
from leadscout_assets.recovery.proofs import Proof, remember
from tests import scenario

NOW = datetime.now(UTC)
DAYS = timedelta(days=3)


def test_a_backup_and_a_proof_from_before_the_clock_was_set_back_are_of_no_known_age(living):
    backup_id = living.back_up(now=NOW + DAYS).backup_id
    remember(living.repository, Proof(backup_id, NOW + DAYS, True, "as it was", 1.0))
    found = ages(living.settings, NOW)
    assert not found.backup.fresh
    assert not found.restore.fresh
    assert "the newest backup is dated 3 days ahead of the clock" in found.backup.sentence
    assert "the last proven restore is dated 3 days ahead of the clock" in found.restore.sentence
    assert set(found.to_json(NOW).values()) == {None}


def test_the_next_backup_and_drill_have_their_own_ages_again_although_the_id_goes_on_from_the_one_ahead(living):
    living.back_up(now=NOW + DAYS)
    living.back_up(now=NOW)
    drill(living.settings, now=NOW)
    for hours in (1, 100):
        later = NOW + timedelta(hours=hours)
        assert ages(living.settings, later).to_json(later) == {
            "backup_age_hours": pytest.approx(hours),
            "proven_restore_age_hours": pytest.approx(hours),
        }
    assert not ages(living.settings, NOW + timedelta(hours=100)).backup.fresh


def test_lists_of_past_days_that_are_delivered_today_are_no_home_without_a_backup_for_days(home, tmp_path):
    source = scenario.scenario_csv(tmp_path / "leads.csv")
    Home(home).deliver(source, now=NOW - 10 * DAYS)
    found = ages(home, NOW)
    assert found.backup.fresh
    assert found.restore.fresh
    assert not ages(home, NOW + DAYS).backup.fresh


def test_a_trail_that_does_not_say_since_when_does_not_keep_the_ages_from_being_judged(home, tmp_path):
    used = Home(home)
    used.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=NOW - DAYS)
    with used.database.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_events_no_update"))
        connection.execute(sa.text("UPDATE audit_events SET at = 'some day'"))
    assert not ages(home, NOW).backup.fresh
