"""What the code location shows: assets, partitions, checks, jobs, sensors, and that each of them explains itself."""

from __future__ import annotations

import dagster as dg
import pytest

from leadscout_assets.contracts import Contract
from leadscout_assets.definitions import definitions
from leadscout_assets.defs.alert_sources import ASSET_JOB, JOBS, ROOTS
from leadscout_assets.defs.partitions import LEAD_BATCH
from leadscout_assets.defs.table_io import CONTRACTS

LEAD_ASSETS = ("raw_leads", "leads", "rejected_leads", "classifications", "lead_scores", "lead_reports")
REFERENCE_ASSETS = ("name_lexicon", "name_model", "name_evaluation")
KNOWN_ASSETS = ("known_leads",)
UPKEEP_ASSETS = ("table_maintenance", "run_performance", "purpose_retention", "audit_anchor", "retention")
BACKUP_ASSETS = ("backup", "restore_drill")

DEPENDENCIES = {
    "raw_leads": set(),
    "leads": {"raw_leads"},
    "rejected_leads": {"raw_leads"},
    "classifications": {"leads", "name_lexicon", "name_model"},
    "lead_scores": {"leads", "classifications"},
    "lead_reports": {"raw_leads", "leads", "rejected_leads", "classifications", "lead_scores"},
    "known_leads": {"leads"},
    "name_lexicon": set(),
    "name_model": {"name_lexicon"},
    "name_evaluation": {"name_model"},
    "backup": set(),
    "restore_drill": {"backup"},
}

CHECKS = {
    "raw_leads": {"conservation", "schema_contract"},
    "leads": {"conservation", "schema_contract", "reject_rate", "duplicate_rate", "row_rules"},
    "rejected_leads": {"conservation", "schema_contract"},
    "classifications": {
        "conservation",
        "schema_contract",
        "classification_coverage",
        "classification_purpose",
        "language_model",
    },
    "lead_scores": {"conservation", "schema_contract"},
    "lead_reports": {"conservation", "schema_contract", "report_totals"},
    "known_leads": {"linked", "known"},
}
"""The checks that give one verdict per batch."""

FRESH = {"deliveries_arrive", "newest_delivery_materialized"}
CLEANSED = "lists_cleansed"
"""On the leads alone, which those on a suppression list are kept out of; of no batch, as freshness is."""

PER_RUN = "performance_regression"
"""The check of every lead asset that judges runs."""


@pytest.fixture(scope="module")
def found() -> dg.Definitions:
    return definitions()


@pytest.fixture(scope="module")
def graph(found):
    return found.resolve_asset_graph()


def checks_of(graph, asset: str) -> set[str]:
    return {key.name for key in graph.asset_check_keys if key.asset_key == dg.AssetKey(asset)}


def spec(graph, asset: str, check: str) -> dg.AssetCheckSpec:
    return graph.get_check_spec(dg.AssetCheckKey(dg.AssetKey(asset), check))


def test_the_graph_is_the_lead_assets_the_reference_assets_the_maintenance_and_the_backups(graph):
    found = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert found == {*LEAD_ASSETS, *KNOWN_ASSETS, *REFERENCE_ASSETS, *UPKEEP_ASSETS, *BACKUP_ASSETS}
    for asset, upstream in DEPENDENCIES.items():
        assert {key.to_user_string() for key in graph.get(dg.AssetKey(asset)).parent_keys} == upstream, asset


@pytest.mark.parametrize("asset", [*LEAD_ASSETS, *KNOWN_ASSETS, *REFERENCE_ASSETS, *UPKEEP_ASSETS, *BACKUP_ASSETS])
def test_every_asset_says_what_it_is_and_whose(graph, asset):
    node = graph.get(dg.AssetKey(asset))
    assert node.description
    assert node.owners
    assert node.kinds
    groups = {
        "leads": (*LEAD_ASSETS, *KNOWN_ASSETS),
        "reference": REFERENCE_ASSETS,
        "maintenance": UPKEEP_ASSETS,
        "backups": BACKUP_ASSETS,
    }
    assert asset in groups[node.group_name]


@pytest.mark.parametrize("asset", [*LEAD_ASSETS, *KNOWN_ASSETS])
def test_every_lead_asset_is_partitioned_by_batch_and_takes_many_batches_to_a_run(graph, asset):
    node = graph.get(dg.AssetKey(asset))
    assert node.partitions_def == LEAD_BATCH
    assert LEAD_BATCH.name == "lead_batch"
    assert node.backfill_policy == dg.BackfillPolicy.multi_run(max_partitions_per_run=50)


@pytest.mark.parametrize("asset", LEAD_ASSETS)
def test_every_table_shows_each_column_of_its_contract_with_what_it_means(graph, asset):
    shown = graph.get(dg.AssetKey(asset)).metadata["dagster/column_schema"]
    contract: Contract = CONTRACTS[asset]
    assert [(c.name, c.type, c.constraints.nullable) for c in shown.columns] == [
        (c.name, str(c.type), c.nullable) for c in contract.columns
    ]
    assert all(column.description for column in shown.columns)


@pytest.mark.parametrize("asset", [*LEAD_ASSETS, *KNOWN_ASSETS])
def test_every_lead_asset_has_its_checks_per_batch_and_none_of_them_blocks(graph, asset):
    assert checks_of(graph, asset) - FRESH - {CLEANSED} == {*CHECKS[asset], PER_RUN}
    for name in CHECKS[asset]:
        assert spec(graph, asset, name).partitions_def == LEAD_BATCH, name
        assert not spec(graph, asset, name).blocking, name
        assert spec(graph, asset, name).description, name


@pytest.mark.parametrize("asset", LEAD_ASSETS)
def test_every_lead_asset_has_a_check_of_its_runs_that_only_warns(graph, asset):
    found = spec(graph, asset, PER_RUN)
    assert found.partitions_def is None
    assert not found.blocking


def test_freshness_is_checked_where_people_and_programs_read(graph):
    watched = {asset for asset in LEAD_ASSETS if checks_of(graph, asset) & FRESH}
    assert watched == {"leads", "classifications", "lead_reports"}
    assert [asset for asset in LEAD_ASSETS if CLEANSED in checks_of(graph, asset)] == ["leads"]
    for asset in watched:
        assert checks_of(graph, asset) >= FRESH
        assert all(spec(graph, asset, name).partitions_def is None for name in FRESH)


def test_the_chain_job_makes_all_lead_assets_with_their_checks_but_judges_no_freshness(found):
    layer = found.resolve_job_def("lead_chain").asset_layer
    assert {key.to_user_string() for key in layer.selected_asset_keys} == {*LEAD_ASSETS, *KNOWN_ASSETS}
    checks = layer.executable_asset_keys | layer.asset_graph.asset_check_keys
    assert {(key.asset_key.to_user_string(), key.name) for key in checks - layer.executable_asset_keys} == {
        (asset, name) for asset, names in CHECKS.items() for name in (*names, PER_RUN)
    }


def test_assets_of_a_run_go_before_their_checks(found):
    plan = found.resolve_job_def("lead_chain").get_subset()
    priority = {node.name: node.tags.get("dagster/priority") for node in plan.nodes}
    assert {name for name, value in priority.items() if value == "1"} == {*LEAD_ASSETS} - {"rejected_leads"}


def test_sensors_are_on_from_the_first_start(found):
    assert {"inbox", "freshness", "run_performance"} <= {sensor.name for sensor in found.sensors}
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in found.sensors)


def ancestors(graph, asset: str) -> set[str]:
    """Return the assets that an asset is made from, itself included."""
    above = {key.to_user_string() for key in graph.get(dg.AssetKey(asset)).parent_keys}
    return {asset}.union(*(ancestors(graph, parent) for parent in above))


def test_the_alerts_know_the_root_of_every_asset_and_of_every_job(found, graph):
    assets = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert set(ROOTS) == assets
    for asset, root in ROOTS.items():
        assert root in ancestors(graph, asset), asset
        assert ancestors(graph, root) == {root}, asset
    assert set(JOBS) == {job.name for job in found.resolve_all_job_defs()} - {ASSET_JOB}
    for job, root in JOBS.items():
        assert root in {
            ROOTS[key.to_user_string()] for key in found.resolve_job_def(job).asset_layer.selected_asset_keys
        }


def test_everything_of_the_maintenance_is_on_a_schedule(found):
    scheduled = {
        key.to_user_string()
        for schedule in found.resolve_all_job_defs()
        if schedule.name in ("__anonymous_asset_job_maintenance", "retention_job")
        for key in schedule.asset_layer.selected_asset_keys
    }
    assert scheduled == set(UPKEEP_ASSETS)


def test_every_job_sensor_and_schedule_explains_itself(found):
    jobs = [job for job in found.resolve_all_job_defs() if not job.name.startswith("__")]
    assert {job.name for job in jobs} >= {"lead_chain", "reference", "backup_job", "restore_drill_job", "retention_job"}
    assert [thing.name for thing in [*jobs, *found.sensors, *found.schedules] if not thing.description] == []


def test_runs_are_executed_in_one_process(found):
    assert found.executor is dg.in_process_executor
    assert found.resolve_job_def("lead_chain").executor_def is dg.in_process_executor
