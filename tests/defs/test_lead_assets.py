"""Runs of the chain in one process: several batches at once, one refused, one again, and the same as without Dagster."""

from __future__ import annotations

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from leadscout_assets import contracts, pipeline, single_run
from leadscout_assets.defs.table_io import CONTRACTS
from leadscout_assets.home import Home
from leadscout_assets.reviewing import confirmed
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.scoring import LEAD_SCORES
from tests.defs.ground import in_use, small_list
from tests.purposes import IN_TESTS
from tests.scenario import delivered_rows, lead_rows

LEAD_ASSETS = tuple(CONTRACTS)


def materializations(chain, asset: str, batch: str) -> list[dg.AssetMaterialization]:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[batch])
    records = chain.ground.instance.fetch_materializations(wanted, limit=10, ascending=True).records
    return [record.asset_materialization for record in records]


def metadata(chain, asset: str, batch: str, *, run: int = 0) -> dict[str, object]:
    return {name: value.value for name, value in materializations(chain, asset, batch)[run].metadata.items()}


class TestRangedRun:
    def test_it_succeeds_although_one_of_its_files_is_unreadable(self, chain):
        assert chain.ranged_run.is_success

    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_it_materializes_every_batch_of_every_asset_once(self, chain, asset):
        for delivery in (chain.broken, chain.plain):
            assert len(materializations(chain, asset, delivery.batch_id)) == 1

    def test_the_batches_beside_the_refused_one_are_complete(self, chain):
        for delivery in (chain.good, chain.plain):
            rows = {name: _of(frame, delivery.batch_id).num_rows for name, frame in chain.before.items()}
            assert rows["raw_leads"] == delivery.rows_counted
            assert rows["leads"] + rows["rejected_leads"] == delivery.rows_counted
            assert rows["classifications"] == rows["lead_scores"] == rows["leads"]
            assert rows["lead_reports"] == 3

    def test_the_scenario_gives_what_it_says(self, chain):
        rows = {name: _of(frame, chain.good.batch_id).num_rows for name, frame in chain.before.items()}
        assert (rows["raw_leads"], rows["leads"]) == (delivered_rows(ragged=True), lead_rows())

    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_the_refused_batch_has_no_rows_anywhere(self, chain, asset):
        assert _of(chain.before[asset], chain.broken.batch_id).num_rows == 0
        assert metadata(chain, asset, chain.broken.batch_id)["dagster/row_count"] == 0

    def test_the_refused_batch_has_no_report_files_but_says_why(self, chain):
        kinds = {name.rpartition(".")[2] for name in chain.files_before[chain.broken.batch_id]}
        assert not kinds & {"xlsx", "pdf"}

    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_every_batch_shows_its_row_count_and_its_share_of_the_run(self, chain, asset):
        rows = {d.batch_id: _of(chain.before[asset], d.batch_id).num_rows for d in (chain.good, chain.plain)}
        for batch, count in rows.items():
            shown = metadata(chain, asset, batch)
            assert shown["dagster/row_count"] == count
            assert shown["leadscout/share_of_run_rows"] == round(count / sum(rows.values()), 4)

    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_every_materialization_carries_the_run_record(self, chain, asset):
        record = RunRecord.from_metadata(metadata(chain, asset, chain.plain.batch_id))
        rows = [_of(chain.before[asset], d.batch_id).num_rows for d in (chain.good, chain.plain)]
        assert (record.asset, record.run_id, record.batches) == (asset, chain.ranged_run.run_id, 3)
        assert record.rows_out == sum(rows)
        assert record.rows_in > 0
        assert record.seconds > 0
        assert record.peak_memory_mb > 10

    def test_the_record_tells_what_became_of_the_leads(self, chain):
        rows = {asset: RunRecord.from_metadata(metadata(chain, asset, chain.plain.batch_id)) for asset in LEAD_ASSETS}
        classified = rows["classifications"]
        assert classified.answered + classified.narrowed + classified.abstained == classified.rows_out > 0
        assert rows["lead_reports"].reports == 2
        assert rows["leads"].warnings > 0
        others = [rows[asset] for asset in ("raw_leads", "leads", "rejected_leads", "lead_scores")]
        assert all((one.answered, one.narrowed, one.abstained, one.reports) == (0, 0, 0, 0) for one in others)


class TestSingleRun:
    def test_it_shows_its_whole_run_as_its_own(self, chain):
        for asset in LEAD_ASSETS:
            shown = metadata(chain, asset, chain.single.batch_id)
            assert RunRecord.from_metadata(shown).batches == 1
            assert shown["leadscout/share_of_run_rows"] == (1.0 if shown["dagster/row_count"] else 0.0)

    def test_every_lead_abstains_without_a_recorded_purpose(self, chain):
        methods = _of(chain.before["classifications"], chain.single.batch_id)["method"].to_pylist()
        assert set(methods) == {"no_purpose"}


class TestAgain:
    def test_running_a_batch_again_replaces_it(self, chain):
        assert chain.again_run.is_success
        assert len(materializations(chain, "leads", chain.good.batch_id)) == 2
        after = chain.ground.rows(contracts.CLASSIFICATIONS, chain.good.batch_id)
        assert after.num_rows == lead_rows()
        assert "no_purpose" not in after["method"].to_pylist()

    def test_what_a_reviewer_said_meanwhile_wins(self, chain):
        rows = chain.ground.rows(contracts.CLASSIFICATIONS, chain.good.batch_id).to_pylist()
        verified = {row["lead_id"]: row["origin"] for row in rows if row["method"] == "verified"}
        assert verified == {chain.reviewed: "chinese"}

    @pytest.mark.parametrize("asset", ["raw_leads", "leads", "rejected_leads", "lead_scores"])
    def test_running_a_batch_again_gives_the_same_rows(self, chain, asset):
        assert chain.ground.rows(CONTRACTS[asset], chain.good.batch_id).equals(
            _of(chain.before[asset], chain.good.batch_id)
        )

    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_running_a_batch_again_leaves_every_other_batch_as_it_was(self, chain, asset):
        others = [d.batch_id for d in (chain.broken, chain.plain, chain.single)]
        assert chain.ground.rows(CONTRACTS[asset], *others).equals(_of(chain.before[asset], *others))
        assert all(len(materializations(chain, asset, batch)) == 1 for batch in others)

    def test_running_a_batch_again_leaves_every_other_report_as_it_was(self, chain):
        for delivery in (chain.broken, chain.plain, chain.single):
            assert chain.ground.files(delivery.batch_id) == chain.files_before[delivery.batch_id]
        assert chain.ground.files(chain.good.batch_id) != chain.files_before[chain.good.batch_id]


@pytest.fixture(scope="module")
def alone(chain, tmp_path_factory):
    """Run the file alone, and keep the frames that its report was written from."""
    out, kept = tmp_path_factory.mktemp("alone"), {}
    report = pipeline.report

    def keep(deliveries, frames, *others):
        files, refusals = report(deliveries, frames, *others)
        kept.update({name: getattr(frames, name) for name in pipeline.Frames.__dataclass_fields__})
        kept["lead_reports"] = files
        return files, refusals

    settings = chain.ground.settings.model_copy(update=IN_TESTS)
    key, at = chain.ground.home.lead_id_key, chain.good.delivered_at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "report", keep)
        said = confirmed(Home(settings))
        single_run.run_file(chain.source, out, settings, lead_id_key=key, delivered_at=at, confirmed=said)
    return out, kept


class TestWithoutDagster:
    @pytest.mark.parametrize("asset", LEAD_ASSETS)
    def test_the_frames_are_the_same(self, chain, alone, asset):
        contract = CONTRACTS[asset]
        by_key = [(name, "ascending") for name in contract.order or contract.key]
        frame = contract.fit(alone[1][asset]).sort_by(by_key)
        assert frame.equals(chain.ground.rows(contract, chain.good.batch_id))

    def test_the_report_files_are_the_same_byte_for_byte(self, chain, alone):
        folder = alone[0] / chain.good.batch_id
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == chain.ground.files(chain.good.batch_id)


class TestFailures:
    def test_too_many_rows_in_a_run_fail_it_at_once_and_name_the_setting(self, ground):
        first, second = ground.deliver("leads 1.csv", small_list(1)), ground.deliver("leads 2.csv", small_list(2))
        with in_use(ground.settings.model_copy(update={"max_rows_per_run": 5})):
            run = ground.run([first.batch_id, second.batch_id])
        assert run.status is dg.DagsterRunStatus.FAILURE
        (failure,) = ground.events(run, dg.DagsterEventType.STEP_FAILURE)
        assert failure.step_key == "raw_leads"
        assert "LEADSCOUT_MAX_ROWS_PER_RUN" in failure.step_failure_data.error.cause.message
        assert "6 rows" in failure.step_failure_data.error.cause.message
        assert ground.rows(contracts.RAW_LEADS, first.batch_id).num_rows == 0

    def test_a_batch_that_nobody_delivered_fails_its_run_and_says_so(self, ground):
        batch = "2026-03-02_list_0123abcd"
        ground.instance.add_dynamic_partitions("lead_batch", [batch])
        run = ground.run([batch])
        (failure,) = ground.events(run, dg.DagsterEventType.STEP_FAILURE)
        assert "no delivery has the batch id" in failure.step_failure_data.error.cause.message

    def test_a_batch_is_refused_while_its_file_is_gone_from_the_store_and_no_longer(self, ground):
        delivery = ground.deliver("leads.csv", small_list(1))
        stored = ground.home.store.path(delivery.sha256)
        aside = stored.rename(stored.with_name("aside"))
        assert ground.run([delivery.batch_id]).is_success
        ((refusal,),) = ground.home.records.refusals([delivery.batch_id]).values()
        assert refusal.code == "not_stored"
        aside.rename(stored)
        assert ground.run([delivery.batch_id]).is_success
        assert ground.home.records.refusals([delivery.batch_id]) == {}
        assert ground.rows(contracts.LEADS, delivery.batch_id).num_rows == 3


def test_scores_are_the_sum_of_their_contributions_in_the_table(chain):
    scores = chain.before["lead_scores"]
    features = scores.column_names[scores.column_names.index("rank") + 1 :]
    assert LEAD_SCORES.schema.names == scores.column_names
    for row in scores.to_pylist():
        assert round(row["score"] * 100) == sum(row[feature] for feature in features)


def _of(frame: pa.Table, *batches: str) -> pa.Table:
    return frame.filter(pc.is_in(frame["batch_id"], pa.array(batches, pa.string())))
