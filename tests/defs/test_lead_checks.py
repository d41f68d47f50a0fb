"""The checks of the lead assets after runs: a verdict for every batch, red only where something is wrong with it."""

from __future__ import annotations

from types import SimpleNamespace

import dagster as dg
import pytest

from leadscout_assets.checks import Verdict
from leadscout_assets.defs.lead_checks import evaluations
from tests.defs.graphql import STATUSES, ask, workspace
from tests.defs.test_definitions import CHECKS, FRESH, LEAD_ASSETS

PER_BATCH = [(asset, name) for asset, names in CHECKS.items() for name in sorted(names)]


def evaluation(chain, run: dg.DagsterRun, asset: str, name: str, batch: str | None) -> dg.AssetCheckEvaluation:
    """Return the one evaluation of a check in a run: of a batch, or of the run as a whole."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    found = [event.event_specific_data for event in chain.ground.events(run, kind)]
    (one,) = [e for e in found if (e.asset_key.to_user_string(), e.check_name, e.partition) == (asset, name, batch)]
    return one


@pytest.fixture(scope="module")
def statuses(chain) -> dict[str, SimpleNamespace]:
    """What the UI shows of each asset: its batches, and each check's batches by verdict."""
    with workspace(chain.ground.instance) as context:
        nodes = ask(context, STATUSES)["assetNodes"]
    return {
        node["assetKey"]["path"][0]: SimpleNamespace(
            batches=node["assetPartitionStatuses"],
            checks={check["name"]: check["partitionStatuses"] for check in node["assetChecksOrError"]["checks"]},
        )
        for node in nodes
    }


@pytest.mark.parametrize("asset", LEAD_ASSETS)
def test_the_ui_shows_every_batch_of_every_asset_as_materialized(chain, statuses, asset):
    shown = statuses[asset].batches
    assert set(shown["materializedPartitions"]) == {delivery.batch_id for delivery in chain.all}
    assert shown["failedPartitions"] == shown["unmaterializedPartitions"] == []


@pytest.mark.parametrize(("asset", "name"), PER_BATCH)
def test_the_ui_shows_a_verdict_of_every_check_for_every_batch(chain, statuses, asset, name):
    shown = statuses[asset].checks[name]
    red = {chain.broken.batch_id} if name in ("conservation", "report_totals") else set()
    if name in ("reject_rate", "row_rules"):
        red = {chain.good.batch_id}  # the scenario is made of awkward rows
    assert set(shown["failedPartitions"]) == red
    assert set(shown["succeededPartitions"]) == {delivery.batch_id for delivery in chain.all} - red
    assert shown["inProgressPartitions"] == shown["skippedPartitions"] == shown["executionFailedPartitions"] == []


@pytest.mark.parametrize("asset", LEAD_ASSETS)
def test_conservation_of_a_refused_batch_fails_with_the_sentence_that_says_what_to_do(chain, asset):
    verdict = evaluation(chain, chain.ranged_run, asset, "conservation", chain.broken.batch_id)
    ((refusal,),) = chain.ground.home.records.refusals([chain.broken.batch_id]).values()
    assert not verdict.passed
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert verdict.description == refusal.sentence


@pytest.mark.parametrize(("asset", "name"), PER_BATCH)
def test_a_verdict_on_a_batch_is_tied_to_the_materialization_it_judged(chain, asset, name):
    verdict = evaluation(chain, chain.ranged_run, asset, name, chain.plain.batch_id)
    assert verdict.target_materialization_data.run_id == chain.ranged_run.run_id


@pytest.mark.parametrize(("asset", "name"), PER_BATCH)
def test_every_verdict_explains_itself(chain, asset, name):
    for run, batch in (
        (chain.ranged_run, chain.plain.batch_id),
        (chain.ranged_run, None),
        (chain.single_run, chain.single.batch_id),
    ):
        assert evaluation(chain, run, asset, name, batch).description


@pytest.mark.parametrize(("asset", "name"), PER_BATCH)
def test_the_run_as_a_whole_says_how_many_of_its_batches_fail(chain, asset, name):
    verdict = evaluation(chain, chain.ranged_run, asset, name, None)
    failing = sum(
        not evaluation(chain, chain.ranged_run, asset, name, delivery.batch_id).passed for delivery in chain.all[:3]
    )
    assert verdict.description == f"{failing} of 3 batches fail"
    assert verdict.passed == (failing == 0)


def test_a_warning_that_is_everywhere_warns_and_is_no_error(ground):
    delivery = ground.deliver("leads.csv", "EntityName,DirectorName\nKUDU TRANSPORT,PALESA TAU\n")
    run = ground.run([delivery.batch_id])
    (verdict,) = [
        event.event_specific_data
        for event in ground.events(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        if event.event_specific_data.check_name == "row_rules"
    ]
    assert run.is_success
    assert not verdict.passed, "this lead has neither a phone nor an address"
    assert verdict.severity is dg.AssetCheckSeverity.WARN


FIRST, SECOND = "2026-03-02_list_00000001", "2026-03-02_list_00000002"


class Told:
    """What an instance would be asked of materializations, by storage id; it remembers the questions."""

    def __init__(self, newest: dict[str, int]) -> None:
        self.newest, self.asked, self.fetched = newest, 0, []

    def get_latest_storage_id_by_partition(self, *_: object) -> dict[str, int]:
        self.asked += 1
        return self.newest

    def fetch_materializations(self, wanted: dg.AssetRecordsFilter, *, limit: int) -> SimpleNamespace:
        self.fetched.append(list(wanted.storage_ids))
        assert limit == len(wanted.storage_ids)
        return SimpleNamespace(
            records=[SimpleNamespace(storage_id=at, run_id="made", timestamp=1.0) for at in wanted.storage_ids]
        )


def told(instance: Told, name: str, run: str) -> list[dg.AssetCheckEvaluation]:
    """Return what a check of leads tells of both batches in a run, and of the run as a whole."""
    context = SimpleNamespace(has_partition_key=False, instance=instance, run=SimpleNamespace(run_id=run))
    verdicts = {batch: Verdict(batch == FIRST, f"verdict on {batch}") for batch in (FIRST, SECOND)}
    return list(evaluations(context, "leads", name, verdicts, warns=False))


def test_a_batch_that_is_not_materialized_yet_gets_its_verdict_without_a_target():
    instance = Told({FIRST: 7})
    one, two, whole = told(instance, "conservation", "without a target")
    target = one.target_materialization_data
    assert (target.storage_id, target.run_id, target.timestamp) == (7, "made", 1.0)
    assert two.target_materialization_data is None
    assert (one.passed, two.passed, whole.passed) == (True, False, False)
    assert instance.asked == 1, "one question for all batches"


def test_the_checks_of_a_run_fetch_a_materialization_once_and_a_newer_one_as_well():
    instance = Told({FIRST: 7, SECOND: 8})
    told(instance, "conservation", "two checks")
    instance.newest = {FIRST: 7, SECOND: 9}
    one, two, _ = told(instance, "reject_rate", "two checks")
    assert [made.target_materialization_data.storage_id for made in (one, two)] == [7, 9]
    assert instance.fetched == [[7, 8], [9]]


def test_freshness_is_no_part_of_a_run_of_the_chain(chain):
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    names = {event.event_specific_data.check_name for event in chain.ground.events(chain.ranged_run, kind)}
    assert not names & FRESH
