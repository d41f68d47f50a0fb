"""`leadscout prune`: shows first, removes with --apply, and leaves a trace in the audit trail."""

from __future__ import annotations


def test_it_shows_and_removes_nothing_unless_told_to(leadscout, home):
    shown = leadscout("prune")
    assert shown.code == 0
    assert "runs" in shown.out
    assert "nothing was removed" in shown.out
    assert "retention.pruned" not in leadscout("audit").out

    done = leadscout("prune", "--apply", "--json").json
    assert done["applied"] is True
    assert {one["kind"]: one["kept_days"] for one in done["pruned"]} == {
        "runs": 90, "logs of runs": 30, "events outside runs": 90, "verdicts replaced since": 90, "ticks": 30,
        "progress files": 7, "log files": 30, "files of old table versions": 30,
    }  # fmt: skip
    assert "retention.pruned" in leadscout("audit").out
