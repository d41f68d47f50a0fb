"""The platform as people use it, in real processes: drop, look, run again, stop, kill."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.defs.ground import small_list
from tests.defs.test_definitions import CHECKS, FRESH, LEAD_ASSETS
from tests.e2e.terminal import STOPS_WITHIN, Terminal, reported
from tests.scenario import lead_rows
from tests.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

FRESHNESS = """{ assetNodeOrError(assetKey: {path: ["leads"]}) { ... on AssetNode { assetChecksOrError {
  ... on AssetChecks { checks { name executionForLatestMaterialization { status runId } } } } } } }"""
SENSORS = """{ sensorsOrError(repositorySelector: {repositoryLocationName: "leadscout",
  repositoryName: "__repository__"}) { ... on Sensors { results { name sensorState { status } } } } }"""


def large_list(folder: Path, mark: int) -> Path:
    """Write a list whose run lasts long enough to be killed in its middle."""
    path = folder / f"leads {mark}.csv"
    path.write_text(small_list(mark, rows=999))
    return path


class TestDelivering:
    def test_a_workbook_and_a_csv_become_reports_and_a_broken_file_is_refused(self, terminal, delivered):
        assert [delivered[name]["state"] for name in ("leads march.xlsx", "leads april.csv")] == ["reported"] * 2
        assert delivered["leads march.xlsx"]["leads"] == lead_rows()
        for name in ("leads march.xlsx", "leads april.csv"):
            files = [Path(path) for path in delivered[name]["reports"]]
            assert {path.suffix for path in files} == {".xlsx", ".html", ".pdf"}
            assert all(path.stat().st_size > 1000 for path in files)
        assert delivered["broken.xlsx"]["state"] == "refused"
        assert delivered["broken.xlsx"]["refusal"]

    def test_the_inbox_is_empty_and_the_files_lie_in_taken(self, terminal, delivered):
        until(lambda: not [path for path in terminal.inbox.iterdir() if path.is_file()], "the inbox is empty")
        taken = {path.name for path in (terminal.inbox / "taken").rglob("*") if path.is_file()}
        assert taken >= set(delivered)

    def test_the_ui_shows_every_batch_of_every_asset(self, terminal, delivered):
        batches = {found["batch_id"] for found in delivered.values()}
        for asset in LEAD_ASSETS:
            assert terminal.materialized(asset) >= batches

    def test_the_ui_shows_a_verdict_of_every_check_for_every_batch(self, terminal, delivered):
        broken = delivered["broken.xlsx"]["batch_id"]
        good = {found["batch_id"] for found in delivered.values()} - {broken}
        assets = terminal.assets()
        for asset, names in CHECKS.items():
            for name in names:
                verdicts = assets[asset]["checks"][name]
                assert set(verdicts["succeededPartitions"] + verdicts["failedPartitions"]) >= {broken, *good}
                if name == "conservation":
                    assert broken in verdicts["failedPartitions"]
                    assert good <= set(verdicts["succeededPartitions"])

    def test_freshness_is_judged_without_any_run(self, terminal, delivered):
        def judged():
            checks = terminal.ask(FRESHNESS)["assetNodeOrError"]["assetChecksOrError"]["checks"]
            found = {check["name"]: check["executionForLatestMaterialization"] for check in checks}
            return [found[name] for name in FRESH] if all(found[name] for name in FRESH) else None

        for verdict in until(judged, "freshness is judged"):
            assert verdict["status"] == "SUCCEEDED"
            assert verdict["runId"] not in {run["runId"] for run in terminal.runs()}

    def test_the_refused_batch_is_told_by_itself_and_once(self, terminal, delivered):
        def told():
            found = json.loads(terminal.type("alerts", "list", "--json").stdout)
            sent = [one for one in found["notifications"] if "check_failed" in one["title"] and one["sent_at"]]
            return sent and found["alerts"]

        (alert,) = [one for one in until(told, "the alert is sent") if one["rule"] == "check_failed"]
        assert (alert["root"], alert["state"], alert["level"]) == ("raw_leads", "firing", "critical")

    def test_all_sensors_run_from_the_first_start(self, terminal):
        sensors = terminal.ask(SENSORS)["sensorsOrError"]["results"]
        assert {"inbox", "freshness", "alerts"} <= {sensor["name"] for sensor in sensors}
        assert {sensor["sensorState"]["status"] for sensor in sensors} == {"RUNNING"}

    def test_delivering_known_content_from_the_terminal_names_its_batch(self, terminal, delivered, three_files):
        said = terminal.type("deliver", str(three_files[0]))
        assert said.code == 0
        assert f"already batch {delivered['leads march.xlsx']['batch_id']}" in said.stdout


class TestRunningAgain:
    def test_a_second_platform_on_the_same_home_refuses_and_names_the_first(self, terminal):
        said = terminal.type("up")
        assert said.code == 3
        assert re.search(rf"\b{terminal.platform.pid}\b", said.stderr)
        assert terminal.is_up()

    def test_backfill_while_the_platform_is_up_is_a_run_of_the_platform(self, terminal, delivered):
        before = {run["runId"] for run in terminal.runs()}
        said = terminal.type("backfill", delivered["leads april.csv"]["batch_id"])
        assert said.code in (0, 1), said.stderr
        (run,) = [run for run in terminal.runs() if run["runId"] not in before]
        assert run["status"] == "SUCCESS"
        assert "run 1 of 1: 1 batches done" in said.stdout


class TestKilling:
    @pytest.mark.soak  # five kills of one process each are in test_kills.py
    def test_after_kill_9_of_everything_and_a_new_up_the_report_arrives_without_a_person(self, terminal, tmp_path):
        terminal.drop(large_list(tmp_path, 12))
        until(terminal.workers, "a run has a process")
        terminal.pull_the_plug()
        assert terminal.processes() == []
        terminal.up()
        assert reported(terminal, {"leads 12.csv"})["leads 12.csv"]["leads"] == 999


class TestStopping:
    """One story, in this order: each test goes on from where the last one left the platform."""

    def test_stopped_in_the_middle_of_a_run_it_leaves_no_process_and_no_run_behind(self, terminal, tmp_path):
        terminal.drop(large_list(tmp_path, 13))
        until(terminal.workers, "a run has a process")
        assert terminal.stop() < STOPS_WITHIN
        assert terminal.processes() == []
        assert _under_way(terminal) == []

    def test_backfill_while_the_platform_is_down_runs_in_the_terminal(self, shared_terminal, delivered):
        if shared_terminal.is_up():
            shared_terminal.stop()
        said = shared_terminal.type("backfill", *(found["batch_id"] for found in delivered.values()))
        assert said.code == 1, "the refused batch fails its checks"
        assert "run 1 of 1: 3 batches done" in said.stdout
        assert delivered["broken.xlsx"]["batch_id"] in said.stderr

    def test_the_run_that_was_stopped_is_done_when_the_platform_is_next_up(self, terminal):
        assert reported(terminal, {"leads 13.csv"})["leads 13.csv"]["leads"] == 999

    def test_stopped_while_idle_it_ends_soon_and_leaves_no_process(self, terminal):
        assert terminal.stop() < STOPS_WITHIN
        assert terminal.processes() == []


def _under_way(terminal: Terminal) -> list[str]:
    """Return the runs that the instance, which nobody works on, believes to be started."""
    from leadscout_assets.defs import orphans

    with orphans.open_instance(terminal.home / "dagster") as instance:
        return [run.run_id for run in instance.get_runs() if run.status in orphans.EXECUTING]
