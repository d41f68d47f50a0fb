"""`leadscout run`: one object or a few lines on stdout, and an exit code that says how it went."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from leadscout_assets import pipeline
from leadscout_assets.database.audit import events
from leadscout_assets.errors import Stopped
from leadscout_assets.home import Home
from leadscout_assets.leads.synthetic import write_delivery
from tests import scenario
from tests.purposes import ENVIRONMENT
from tests.test_batch_purposes import S71, SCORING


def test_json_is_one_object_with_exactly_the_documented_keys(leadscout, leads, tmp_path):
    found = leadscout("run", leads, "--out", tmp_path / "out", "--json").json
    assert set(found) == {
        "batch_id", "rows", "leads", "rejected", "reasons", "warnings", "answered", "narrowed", "abstained", "seconds", "peak_rss_mb",
        "reports", "purpose", "purpose_refused",
    }  # fmt: skip
    assert set(found["reports"]) == {"xlsx", "html", "pdf"}
    assert all(Path(path).is_file() for path in found["reports"].values())
    assert found["seconds"]["total"] > 0
    assert found["peak_rss_mb"] > 0
    assert (found["rows"], found["leads"]) == (scenario.delivered_rows(), scenario.lead_rows())
    assert found["rejected"] == found["rows"] - found["leads"]


def test_a_good_list_exits_0(leadscout, monkeypatch, tmp_path):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    write_delivery(tmp_path / "leads.xlsx", 300, seed=3)
    found = leadscout("run", tmp_path / "leads.xlsx", "--out", tmp_path / "out")
    assert found.code == 0, found.out
    assert "failing" not in found.out


def test_a_list_with_a_failing_check_is_done_and_exits_1(leadscout, monkeypatch, leads, tmp_path):
    monkeypatch.setenv("LEADSCOUT_MAX_REJECT_RATE", "0.01")
    found = leadscout("run", leads, "--out", tmp_path / "out")
    assert found.code == 1
    assert "leads.reject_rate" in found.out
    assert len(list((tmp_path / "out").rglob("*.pdf"))) == 1


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_check_that_only_warns_is_called_so_and_the_list_exits_0(leadscout, tmp_path, options):
    # It was shown as failing beside an exit code of 0, which is that of a list without a failing check.
    (tmp_path / "leads.csv").write_text("EntityName,DirectorName\nKOPPIE CC,Thandi Molefe\n")
    found = leadscout("run", tmp_path / "leads.csv", "--out", tmp_path / "out", *options)
    assert found.code == 0
    assert "warning: leads.row_rules" in found.out + found.err
    assert "failing" not in found.out + found.err


def test_with_json_a_failing_check_is_told_on_stderr(leadscout, monkeypatch, leads, tmp_path):
    monkeypatch.setenv("LEADSCOUT_MAX_REJECT_RATE", "0.01")
    found = leadscout("run", leads, "--out", tmp_path / "out", "--json")
    assert found.code == 1
    assert found.json["leads"] == scenario.lead_rows()
    assert "leads.reject_rate" in found.err


def test_the_day_of_delivery_is_that_of_johannesburg(leadscout, leads, tmp_path):
    found = leadscout("run", leads, "--out", tmp_path / "out", "--delivered", "2024-02-29", "--json").json
    assert found["batch_id"].startswith("2024-02-29_leads_")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 Mokoena", b"Mokoena,Thandi\n1,2\n"])
def test_a_file_that_cannot_become_rows_exits_2_with_one_sentence(leadscout, tmp_path, content):
    (tmp_path / "Mokoena.xlsx").write_bytes(content)
    found = leadscout("run", tmp_path / "Mokoena.xlsx", "--out", tmp_path / "out", "--json")
    assert (found.code, found.out) == (2, "")
    assert "leadscout: " in found.err
    assert "Mokoena" not in found.err
    assert not (tmp_path / "out").exists()


def test_a_missing_file_exits_2_and_is_not_named(leadscout, tmp_path):
    found = leadscout("run", tmp_path / "Mokoena.xlsx", "--out", tmp_path / "out")
    assert found.code == 2
    assert "Mokoena" not in found.err


def test_an_out_that_is_a_file_exits_2(leadscout, leads):
    assert leadscout("run", leads, "--out", leads).code == 2


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_logs_are_json_lines_on_stderr_that_name_nobody(leadscout, monkeypatch, leads, tmp_path, level):
    monkeypatch.setenv("LEADSCOUT_LOG_FORMAT", "json")
    monkeypatch.setenv("LEADSCOUT_LOG_LEVEL", level)
    canary = leads.rename(leads.with_name("Zwelibanzi Qwabe.csv"))
    found = leadscout("run", canary, "--out", tmp_path / "out", "--json")
    logged = [json.loads(line) for line in found.err.splitlines() if line.startswith("{")]
    assert {line["event"] for line in logged} >= {
        "raw_leads",
        "leads",
        "classifications",
        "lead_scores",
        "lead_reports",
    }
    for name in ("Zwelibanzi", "Qwabe", "NKOSI", "Nkosi", "BAOBAB", "Baobab"):
        assert name not in found.err
    assert "Zwelibanzi" not in found.out


def test_without_a_purpose_nothing_is_inferred(leadscout, leads, tmp_path):
    found = leadscout("run", leads, "--out", tmp_path / "out", "--json").json
    assert (found["answered"], found["narrowed"], found["abstained"]) == (0, 0, found["leads"])


def test_a_free_text_as_purpose_exits_2_before_anything_is_read(leadscout, home, leads, tmp_path, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "market research 2026")
    found = leadscout("run", leads, "--out", tmp_path / "out")
    assert (found.code, "Register yours" in found.err) == (2, True)
    assert not (tmp_path / "out").exists()
    assert [event.action for event in events(Home(home).database)] == ["purpose.refused"]


def test_the_demonstrations_purpose_is_refused_for_a_list_of_people_and_the_run_goes_on(
    leadscout, home, leads, tmp_path, monkeypatch
):
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "demonstration")
    found = leadscout("run", leads, "--out", tmp_path / "out", "--json")
    assert (found.json["answered"], found.json["narrowed"], found.json["purpose"]) == (0, 0, None)
    assert "no name was classified: the purpose demonstration is refused" in found.err
    recorded = [event.action for event in events(Home(home).database)]
    assert recorded == ["settings.widened", "run.started", "purpose.refused"]


def test_what_a_known_origin_counts_is_in_the_trail_before_any_report_says_it(leadscout, home, tmp_path, monkeypatch):
    write_delivery(tmp_path / "list.csv", 30, seed=5)
    (tmp_path / "purposes.toml").write_text(SCORING)
    monkeypatch.setenv("LEADSCOUT_PURPOSES", str(tmp_path / "purposes.toml"))
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "scoring")
    monkeypatch.setenv("LEADSCOUT_ORIGIN_WEIGHT", "3")
    told = []

    def killed(*_: object) -> None:
        told.extend(event.action for event in events(Home(home).database))
        raise Stopped(15)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "report", killed)
        assert leadscout("run", tmp_path / "list.csv", "--out", tmp_path / "out").code == 130
    assert told == ["settings.widened", "run.started", "leads.classified", "origin.weighed"]


def test_a_known_origin_counts_in_the_scores_where_setting_and_purpose_allow_it_and_that_is_recorded(
    leadscout, home, leads, tmp_path, monkeypatch
):
    register = tmp_path / "purposes.toml"
    register.write_text(SCORING)
    monkeypatch.setenv("LEADSCOUT_PURPOSES", str(register))
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "scoring")
    plain = leadscout("run", leads, "--out", tmp_path / "plain", "--json").json
    monkeypatch.setenv("LEADSCOUT_ORIGIN_WEIGHT", "2")
    weighed = leadscout("run", leads, "--out", tmp_path / "out", "--json").json
    assert plain["answered"] == weighed["answered"] > 0
    pages = [Path(found["reports"]["html"]).read_text() for found in (plain, weighed)]
    assert [S71 in page for page in pages] == [False, True]
    assert _scores(plain) != _scores(weighed)
    (event,) = events(Home(home).database, action="origin.weighed")
    assert event.reason == "scoring"
    assert event.detail.items() >= {"points": 2, "batches": [weighed["batch_id"]], "command": "run"}.items()


def _scores(found: dict) -> list[object]:
    sheet = openpyxl.load_workbook(found["reports"]["xlsx"])["Leads"]
    headings, *rows = sheet.iter_rows(values_only=True)
    return [row[headings.index("Score")] for row in rows]


def test_an_origin_that_may_not_count_exits_2_before_anything_is_read(leadscout, home, leads, tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEADSCOUT_ORIGIN_WEIGHT", "2")
    found = leadscout("run", leads, "--out", tmp_path / "out")
    assert (found.code, "LEADSCOUT_ORIGIN_WEIGHT" in found.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_an_unwritable_home_is_a_fault_with_a_sentence(leadscout, monkeypatch, leads, tmp_path):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("LEADSCOUT_HOME", str(tmp_path / "taken"))
    found = leadscout("run", leads, "--out", tmp_path / "out")
    assert found.code == 3
    assert "LEADSCOUT_HOME" in found.err
    assert "defect" not in found.err


def test_a_stopped_run_says_what_it_kept_and_how_to_go_on_and_does_not_do_it_again(
    leadscout, leads, tmp_path, monkeypatch
):
    whole, out = tmp_path / "whole", tmp_path / "out"
    undisturbed = leadscout("run", leads, "--out", whole, "--delivered", "2026-03-02")

    def stopped(*_: object) -> None:
        raise Stopped(15)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "score", stopped)
        found = leadscout("run", leads, "--out", out, "--delivered", "2026-03-02")
        assert found.code == 130
        assert "stopped; finished and kept: raw_leads, leads, classifications; go on with: leadscout run" in found.err
        assert not list(out.rglob("*.xlsx"))
        patch.setattr("leadscout_assets.resumable.is_alive", lambda *_: False)
        (noted,) = leadscout("status", "--json").json["resumable"]
        assert noted["finished"] == ["raw_leads", "leads", "classifications"]
        assert noted["command"].endswith("--resume")

    with monkeypatch.context() as patch:
        for step in ("read", "validate", "classify"):
            patch.setattr(pipeline, step, stopped)
        found = leadscout("run", leads, "--out", out, "--resume")
    assert found.code == undisturbed.code
    assert "not done again: raw_leads, leads, classifications" in found.err
    assert reports(out) == reports(whole)
    assert leadscout("status", "--json").json["resumable"] == []


def test_a_refused_file_leaves_nothing_to_go_on_with(leadscout, tmp_path, monkeypatch, leads):
    monkeypatch.setattr(pipeline, "_same_rows", lambda *_: False)
    assert leadscout("run", leads, "--out", tmp_path / "out").code == 2
    assert not list((tmp_path / "out").rglob("*.arrow"))
    monkeypatch.setattr("leadscout_assets.resumable.is_alive", lambda *_: False)
    assert leadscout("status", "--json").json["resumable"] == []


def reports(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
