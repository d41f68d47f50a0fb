"""The production compose file's services as local processes on a real PostgreSQL: the whole chain, and what goes wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadscout_assets import contracts
from leadscout_assets.batch_overview import overview
from leadscout_assets.database.engine import Database
from leadscout_assets.defs.ui import launch_on_platform
from leadscout_assets.home import Home
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.recovery.drill import drill
from leadscout_assets.recovery.postgres import DRILL_MARK, with_password
from tests.defs.ground import small_list
from tests.defs.test_definitions import CHECKS, LEAD_ASSETS
from tests.docker.stack import ENDED, Stack
from tests.e2e.terminal import PATIENCE

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.timeout(900)]

BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on LaunchBackfillSuccess { backfillId } }
}"""
BACKFILLED = """query($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status numPartitions } }
}"""
SMALL = tuple(f"leads {number}.csv" for number in (1, 2, 3))
LARGE, LARGE_ROWS = "leads large.csv", 20_000


@pytest.fixture(scope="module")
def delivered(stack, tmp_path_factory) -> dict[str, str]:
    """Three small lists and one of 20,000 leads, dropped at once, the code location killed in mid-run, and all reported."""
    large = tmp_path_factory.mktemp("files") / LARGE
    write_delivery(large, LARGE_ROWS, seed=5)
    stack.drop(LARGE, large)
    for number, name in enumerate(SMALL, start=1):
        stack.drop(name, small_list(number))
    stack.until(stack.in_mid_run, "a run has begun")
    stack.kill("code-location")
    return stack.reported(LARGE, *SMALL)


def rows(stack: Stack) -> dict[str, tuple[int, int, int]]:
    """Return rows delivered, leads and rejected rows, by batch."""
    home = Home(stack.settings)
    try:
        return {one.batch_id: (one.rows or 0, one.leads, one.rejected) for one in overview(home)}
    finally:
        home.database.close()


def assert_each_row_is_there_once(stack: Stack, batch: str) -> None:
    home = Home(stack.settings)
    try:
        counts = [
            home.tables.read(c, [batch], ["source_row"])["source_row"].to_pylist()
            for c in (contracts.LEADS, contracts.REJECTED_LEADS)
        ]
        found = [row for part in counts for row in part]
        assert len(set(found)) == len(found) == home.records.get(batch).rows_counted
    finally:
        home.database.close()


def backfill(stack: Stack, batches: list[str]) -> str:
    """Start a backfill of all assets in the UI, and return its id."""
    params = {"assetSelection": [{"path": [asset]} for asset in LEAD_ASSETS], "partitionNames": batches}
    return str(stack.ask(BACKFILL, params=params)["launchPartitionBackfill"]["backfillId"])


def test_files_in_the_inbox_become_reports_although_the_code_location_is_killed_in_mid_run(stack, delivered):
    found = rows(stack)
    assert {name: found[batch] for name, batch in delivered.items() if name != LARGE} == dict.fromkeys(SMALL, (3, 3, 0))
    for batch in delivered.values():
        files = (stack.settings.reports_dir / batch).iterdir()
        assert {path.suffix for path in files} == {".xlsx", ".html", ".pdf"}


def test_20_000_leads_are_there_once(stack, delivered):
    counted, leads, rejected = rows(stack)[delivered[LARGE]]
    assert counted == LARGE_ROWS == leads + rejected
    assert_each_row_is_there_once(stack, delivered[LARGE])


def test_the_run_that_was_killed_is_failed_and_its_retry_succeeded(stack, delivered):
    by_id = {run["runId"]: run for run in stack.runs()}
    retries = [run for run in by_id.values() if run["parentRunId"]]
    assert [by_id[run["parentRunId"]]["status"] for run in retries] == ["FAILURE"] * len(retries)
    assert "SUCCESS" in {run["status"] for run in retries}
    assert {run["status"] for run in by_id.values()} <= set(ENDED)


def test_the_ui_shows_every_batch_of_every_asset_and_a_verdict_of_every_check(stack, delivered):
    batches = set(delivered.values())

    def missing() -> list[str]:
        assets = stack.assets()
        shown = {asset: assets[asset]["batches"]["materializedPartitions"] for asset in LEAD_ASSETS}
        for asset, names in CHECKS.items():
            shown |= {f"{asset}: {name}": assets[asset]["checks"][name]["succeededPartitions"] for name in names}
        return [f"{what} of {batches - set(found)}" for what, found in shown.items() if not batches <= set(found)]

    deadline = time.monotonic() + PATIENCE
    while (still := missing()) and time.monotonic() < deadline:
        stack.tend()
        time.sleep(1)
    assert still == []


def content(path: Path) -> bytes:
    """Return what a file holds; nothing where the file, or the process that it tells of, has gone meanwhile."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_no_password_stands_in_an_environment_a_command_line_or_a_file_but_its_own(stack, delivered):
    passwords = [secret.read_bytes().strip() for secret in stack.secrets.iterdir()]
    pids = [pid for name in stack.services if name != "postgres" for pid in stack.pids(name)]
    places = [Path(f"/proc/{pid}/{shown}") for pid in pids for shown in ("environ", "cmdline")]
    assert any(b"LEADSCOUT_DATABASE_PASSWORD_FILE" in content(place) for place in places)
    places += [path for path in stack.folder.rglob("*") if path.parent != stack.secrets]
    assert [place for place in places if any(password in content(place) for password in passwords)] == []


def lose_the_database(stack: Stack, seconds: float) -> None:
    """Stop PostgreSQL, start it again after a while; services that end meanwhile are started again as the file says."""
    stack.database.stop()
    back = time.monotonic() + seconds
    stack.until(lambda: time.monotonic() >= back, "the time is over")
    stack.database.start()


def test_a_run_that_loses_the_database_for_5_s_completes_or_fails_cleanly(stack, delivered):
    before, batch = rows(stack), delivered[SMALL[0]]
    run_id = launch_on_platform(stack.url, [batch])
    stack.until(stack.in_mid_run, "a run has begun")
    lose_the_database(stack, 5)

    def ended() -> set[str] | None:
        # A run whose process died of it is retried.
        own = {run["status"] for run in stack.runs() if run_id in (run["runId"], run["parentRunId"])}
        return own if own <= set(ENDED) else None

    stack.until(ended, "the run has ended")
    assert rows(stack) == before
    assert_each_row_is_there_once(stack, batch)


def test_a_backfill_typed_in_the_container_is_run_by_the_platform_and_replaces_its_batches(stack, delivered):
    # One of them lost the database above: this also shows that it can be run again.
    stack.until(lambda: all(run["status"] in ENDED for run in stack.runs()), "no retry is under way")
    before, known = rows(stack), {run["runId"] for run in stack.runs()}
    said = stack.type("leadscout", "backfill", *(delivered[name] for name in SMALL))
    assert (said.returncode, said.stdout) == (0, "run 1 of 1: 3 batches done\n"), said.stderr
    (run,) = [run for run in stack.runs() if run["runId"] not in known]
    assert run["status"] == "SUCCESS"
    # Only a run that was launched over the UI's GraphQL has this; one in the command's own process has not.
    assert "dagster/code_location" in {tag["key"] for tag in run["tags"]}
    assert rows(stack) == before


@pytest.mark.soak
def test_a_backfill_launched_in_the_ui_replaces_its_batches(stack, delivered):
    before = rows(stack)
    made = backfill(stack, sorted(delivered.values()))

    # The daemon looks at backfills every 30 s.
    def ended() -> str | None:
        told = stack.ask(BACKFILLED, id=made)["partitionBackfillOrError"]
        assert told["numPartitions"] == len(delivered)
        return None if told["status"] == "REQUESTED" else str(told["status"])

    assert stack.until(ended, "the backfill has ended") in ("COMPLETED", "COMPLETED_SUCCESS")
    assert rows(stack) == before


@pytest.mark.soak
def test_a_delivery_whose_run_loses_the_database_for_30_s_is_reported_without_a_person(stack, delivered):
    stack.drop("leads away.csv", small_list(100, rows=900))
    stack.until(stack.in_mid_run, "a run has begun")
    lose_the_database(stack, 30)
    (batch,) = stack.reported("leads away.csv").values()
    assert rows(stack)[batch] == (900, 900, 0)
    assert_each_row_is_there_once(stack, batch)
    assert {run["status"] for run in stack.runs()} <= set(ENDED)


def test_the_drill_restores_both_databases_of_a_backup_into_its_own_and_leaves_it_empty(stack, delivered, monkeypatch):
    said = stack.type("leadscout", "backup", "--json")
    assert said.returncode == 0, said.stderr
    monkeypatch.setenv("PATH", stack.tools)
    proof = drill(stack.settings)
    assert (proof.ok, proof.backup_id) == (True, json.loads(said.stdout)["backup_id"]), proof.sentence
    assert "the application and dagster database are as they were backed up" in proof.sentence
    assert "was read, not restored" not in proof.sentence
    url = with_password(stack.settings.drill_database_url.get_secret_value(), stack.settings)
    database = Database(url)
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == [DRILL_MARK]
    database.close()


def test_nothing_was_written_where_the_image_is_read_only(stack, prefix, delivered):
    fresh = [path for path in prefix.rglob("*") if path.stat().st_mtime > (stack.folder / "secrets").stat().st_mtime]
    assert fresh == []


def test_a_stopped_code_location_ends_well_within_its_grace_and_is_unhealthy_then(stack):
    assert stack.stop("code-location") == 0
    assert not stack.healthy("code-location")
