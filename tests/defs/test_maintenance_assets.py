"""The nightly maintenance: an asset of its own that keeps what the chain wrote."""

import dagster as dg
import sqlalchemy as sa

from leadscout_assets.database.audit import events
from leadscout_assets.definitions import definitions
from leadscout_assets.defs.maintenance_assets import audit_anchor, maintenance, purpose_retention, table_maintenance
from leadscout_assets.defs.resources import Platform
from leadscout_assets.lead_tables import LEAD_TABLES


def maintained(ground) -> dict[str, object]:
    ended = dg.materialize([table_maintenance], instance=ground.instance, resources={"platform": Platform()})
    (event,) = ended.asset_materializations_for_node("table_maintenance")
    return {name: value.value for name, value in event.metadata.items()}


def test_it_tells_what_it_found_and_did_to_each_table_and_changes_no_row(chain):
    batches = [chain.good.batch_id, chain.single.batch_id]
    before = [chain.ground.rows(table, *batches) for table in LEAD_TABLES]
    told = maintained(chain.ground)
    assert {f"{table.name}/files" for table in LEAD_TABLES} <= told.keys()
    assert all(told[f"{table.name}/bytes"] > 0 for table in LEAD_TABLES)
    # All that this chain replaced is younger than the window.
    assert all(told[f"{table.name}/removed"] == 0 for table in LEAD_TABLES)
    assert [chain.ground.rows(table, *batches) for table in LEAD_TABLES] == before


def test_on_a_home_without_tables_there_is_nothing_to_do(ground):
    assert maintained(ground) == {}


def test_it_runs_every_night_by_itself_and_in_no_run_of_a_batch():
    found = definitions()
    assert maintenance.default_status is dg.DefaultScheduleStatus.RUNNING
    assert found.resolve_schedule_def("maintenance").execution_timezone == "Africa/Johannesburg"
    nodes = {node.name for node in found.resolve_job_def("lead_chain").nodes}
    assert "table_maintenance" not in nodes


def materialized(ground, asset) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=ground.instance, resources={"platform": Platform()})


def test_nothing_is_deleted_before_its_retention_is_over(ground):
    (event,) = materialized(ground, purpose_retention).asset_materializations_for_node("purpose_retention")
    assert (event.metadata["batches"].value, event.metadata["leads"].value) == (0, 0)


def test_the_audit_trail_is_anchored_each_day_and_not_where_it_is_broken(ground):
    database = ground.home.database
    for days in (1, 2):
        (verdict,) = materialized(ground, audit_anchor).get_asset_check_evaluations()
        assert verdict.passed
        assert [event.detail["why"] for event in events(database, action="trail.anchored")] == ["daily"] * days
    with database.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_events_no_delete"))
        connection.execute(sa.text("DELETE FROM audit_events WHERE id = 2"))
    (verdict,) = materialized(ground, audit_anchor).get_asset_check_evaluations()
    assert (verdict.passed, verdict.description.startswith("event 2: ")) == (False, True)
    assert len(events(database, action="trail.anchored")) == 1
