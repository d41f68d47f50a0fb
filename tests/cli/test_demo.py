"""`leadscout demo --once`: the real sensor and a real run in this process, and an exit code that tells the truth."""

from __future__ import annotations

import socket

import pytest

from tests.defs.ground import BROKEN


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A demonstration that is over soon."""
    monkeypatch.setattr("leadscout_assets.demonstration.ROWS", 40)
    monkeypatch.setattr("leadscout_assets.demonstration_history.DAYS", 0)


def test_it_ends_with_a_report_and_the_summary_of_it(leadscout, home):
    found = leadscout("demo", "--once")
    assert found.code == 0, found.err
    summary = dict(line.split("  ", 1) for line in found.out.splitlines())
    assert int(summary["rows delivered"]) == 40
    assert int(summary["names answered"]) > 0  # with the demonstration's own purpose
    reports = [value.strip() for label, value in summary.items() if label.startswith("report")]
    assert len(reports) == 3
    (batch,) = leadscout("batches", "--json").json
    assert batch["state"] == "reported"
    assert [path.name for path in (home.inbox_dir / "taken").rglob("*") if path.is_file()] == ["Demo leads.xlsx"]


def test_a_refused_batch_exits_1_and_the_reason_is_told(leadscout, monkeypatch):
    def write_delivery(path, rows, seed):
        path.write_bytes(BROKEN)

    monkeypatch.setattr("leadscout_assets.leads.synthetic.write_delivery", write_delivery)
    found = leadscout("demo", "--once")
    assert found.code == 1
    assert "is refused: there is no report of its leads" in found.err


def test_a_failing_check_exits_1_and_its_sentence_is_told(leadscout, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_MAX_REJECT_RATE", "0")
    found = leadscout("demo", "--once")
    assert found.code == 1
    assert "rejected" in found.err


def test_a_run_that_fails_exits_3(leadscout, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("leadscout_assets.pipeline.score", fail)
    found = leadscout("demo", "--once")
    assert found.code == 3
    assert "did not succeed" in found.err


def test_a_port_that_another_program_uses_is_told_before_anything_is_made(leadscout, home, monkeypatch):
    monkeypatch.setattr("leadscout_assets.demonstration_history.DAYS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("LEADSCOUT_PORT", str(taken.getsockname()[1]))
        found = leadscout("demo")
    assert found.code == 2
    assert "LEADSCOUT_PORT: cannot listen" in found.err
    assert not home.tables_dir.exists()
    assert leadscout("batches", "--json").json == []
