"""`leadscout health`: one line a check, and an exit code that watchers can use."""

from __future__ import annotations


def test_a_home_is_well_without_its_platform_unless_that_is_expected(leadscout, home):
    home.home.mkdir(exist_ok=True)
    told = leadscout("health")
    assert (told.code, "ok       storage" in told.out) == (0, True)
    told = leadscout("health", "--expect-platform", "--json")
    assert told.code == 1
    assert not told.json["ready"]
    assert told.json["checks"]["webserver"]["state"] == "failing"
    assert {"backup_age_hours", "proven_restore_age_hours"} <= set(told.json)
