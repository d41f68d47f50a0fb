"""The table of run records: every event once, whatever happens meanwhile; and the checks that judge it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg
import pytest

from leadscout_assets import pipeline
from leadscout_assets.definitions import definitions
from leadscout_assets.defs import run_performance
from leadscout_assets.defs.instance import ensure_partitions, report_materialized
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.run_performance import CHECK, catch_up, run_performance_sensor
from leadscout_assets.defs.steps import SLOWED
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.performance import ASSETS, histories
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.judge import Verdict
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.supervisor import prepare_instance
from leadscout_assets.terms import Outcome
from tests.defs.ground import on_postgres, small_list
from tests.defs.test_lead_checks import evaluation

BATCH = "2026-03-02_list_0123abcd"


def record(run: str, asset: str = "leads", seconds: float = 1.0, **more) -> RunRecord:
    return RunRecord(asset, run, 1, 50, 50, seconds, 50 / seconds, 90.0, cold=False, **more)


def report(ground, *records: RunRecord) -> None:
    for one in records:
        report_materialized(ground.instance, one.asset, BATCH, {**one.to_metadata(), "dagster/row_count": 5})


def stored(home: Home) -> list[int]:
    return sorted(home.tables.select(RUN_PERFORMANCE, [], ["event_id"])["event_id"].to_pylist())


def runs(home: Home) -> list[str]:
    frame = home.tables.select(RUN_PERFORMANCE, [], ["event_id", "run_id"]).sort_by("event_id")
    return frame["run_id"].to_pylist()


class TestCatchingUp:
    def test_each_event_is_added_once_however_often_one_looks(self, ground):
        report(ground, record("one"), record("two", "lead_scores"))
        assert catch_up(ground.instance, ground.home) == 2
        assert catch_up(ground.instance, ground.home) == 0
        report(ground, record("three"))
        assert catch_up(ground.instance, ground.home) == 1
        assert runs(ground.home) == ["one", "two", "three"]

    def test_an_event_tells_its_batch_and_rows(self, ground):
        report(ground, record("one", rejected=3))
        catch_up(ground.instance, ground.home)
        (row,) = ground.home.tables.select(RUN_PERFORMANCE, []).to_pylist()
        assert (row["batch_id"], row["batch_rows"], row["rejected"], row["size_class"]) == (BATCH, 5, 3, "r1b0")

    def test_materializations_without_a_run_record_are_passed_over(self, ground):
        report_materialized(ground.instance, "leads", BATCH, {"dagster/row_count": 5})
        report_materialized(
            ground.instance, "leads", BATCH, {**record("one").to_metadata(), "leadscout/outcome": "odd"}
        )
        assert catch_up(ground.instance, ground.home) == 0

    @pytest.mark.parametrize("written", [1, 3])
    def test_killed_after_any_commit_it_goes_on_and_misses_no_asset(self, ground, monkeypatch, written):
        report(ground, *(record(f"run {n}", ASSETS[n % 6]) for n in range(12)))
        monkeypatch.setattr(run_performance, "WRITTEN", written)
        add, commits = ground.home.tables.add_new, []

        def add_and_die(contract, frame):
            commits.append(add(contract, frame))
            raise KeyboardInterrupt

        for _ in range(12 // written):
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(ground.home.tables, "add_new", add_and_die)
                # Everything within the overlap is read again; a long outage reads on from the cursor alone.
                patch.setattr(run_performance, "OVERLAP", timedelta(0))
                while True:
                    catch_up(ground.instance, ground.home)
        monkeypatch.setattr(run_performance, "OVERLAP", timedelta(0))
        catch_up(ground.instance, ground.home)
        assert sorted(runs(ground.home)) == sorted(f"run {n}" for n in range(12))

    def test_pages_of_one_asset_are_read_to_their_end(self, ground, monkeypatch):
        monkeypatch.setattr(run_performance, "READ", 2)
        report(ground, *(record(f"run {n}") for n in range(7)), record("other", "raw_leads"))
        assert catch_up(ground.instance, ground.home) == 8

    def test_what_is_older_than_the_overlap_is_not_read_again(self, ground):
        day = timedelta(days=1)
        old = [Event(n, datetime.now(UTC) - (9 - n) * day, record(f"old {n}")) for n in range(1, 8)]
        ground.home.tables.add_new(RUN_PERFORMANCE, to_frame(old))
        assert run_performance._start(ground.home) == 6

    def test_the_first_events_are_read_from_the_beginning(self, ground):
        assert run_performance._start(ground.home) == 0
        report(ground, record("one"))
        catch_up(ground.instance, ground.home)
        assert run_performance._start(ground.home) == 0


class TestReadingAnEvent:
    def test_an_event_reads_as_dagster_itself_reads_it(self, ground):
        full = record("one", rejected=3, retries=1, cost_usd=0.5, outcome=Outcome.CANCELLED, open_files=7)
        report(ground, full)
        ground.instance.report_runless_asset_event(dg.AssetObservation("leads", metadata=record("two").to_metadata()))
        rows = list(run_performance._records(ground.instance, 0))
        found = [run_performance.read_event(*row) for row in rows]
        assert [one.record.run_id for one in found] == ["one", "two"]
        assert [one.record for one in found] == [full, record("two")]
        assert (found[0].batch_id, found[0].batch_rows) == (BATCH, 5)
        (of_leads,) = ground.instance.fetch_materializations(dg.AssetKey("leads"), limit=5).records
        assert (found[0].event_id, found[0].at) == (
            of_leads.storage_id,
            datetime.fromtimestamp(of_leads.timestamp, UTC),
        )

    def test_an_event_of_a_form_that_is_not_known_is_left_to_dagster(self, ground):
        report(ground, record("one"))
        ((number, text),) = run_performance._records(ground.instance, 0)
        spoilt = text.replace('"__class__": "EventLogEntry"', '"__class__": "EventLogEntry", "spoilt": NaN')
        assert run_performance.read_event(number, spoilt) == run_performance.read_event(number, text)


class TestSensorAndAsset:
    def tick(self, ground) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(instance=ground.instance) as context:
            return run_performance_sensor(context)

    def test_a_tick_adds_what_is_new_and_shows_it_as_a_materialization(self, ground):
        report(ground, record("one"))
        found = self.tick(ground)
        (event,) = found.asset_events
        assert (event.asset_key.to_user_string(), event.metadata["records_added"].value) == ("run_performance", 1)
        assert isinstance(self.tick(ground), dg.SkipReason)

    def test_the_asset_can_be_materialized_by_hand(self, ground):
        report(ground, record("one"))
        ended = dg.materialize(
            [run_performance.run_performance], instance=ground.instance, resources={"platform": Platform()}
        )
        (event,) = ended.asset_materializations_for_node("run_performance")
        assert event.metadata["records_added"].value == 1


class TestRuns:
    @pytest.mark.parametrize("asset", ASSETS)
    def test_every_run_of_the_chain_is_in_the_table_before_it_is_judged(self, chain, asset):
        catch_up(chain.ground.instance, chain.ground.home)
        (history,) = histories(chain.ground.home, [asset])
        ran = [chain.ranged_run.run_id, chain.single_run.run_id, chain.again_run.run_id]
        assert [j.entry.record.run_id for j in history.judgements] == ran

    @pytest.mark.parametrize("asset", ASSETS)
    def test_a_run_gets_one_verdict_per_asset_that_explains_itself(self, chain, asset):
        verdict = evaluation(chain, chain.again_run, asset, CHECK, None)
        assert verdict.passed
        assert verdict.severity is dg.AssetCheckSeverity.WARN
        assert "are needed to judge (runs of" in verdict.description
        assert verdict.metadata["verdict"].value == "insufficient_history"

    def test_the_records_of_a_run_tell_what_it_cost(self, chain):
        found = {h.asset: h.judgements[0].entry.record for h in histories(chain.ground.home)}
        rejected = chain.before["rejected_leads"]
        assert found["leads"].rejected == found["rejected_leads"].rows_out > 0
        assert found["leads"].rejected <= rejected.num_rows
        assert found["leads"].warnings > 0
        assert all(one.cpu_seconds > 0 and one.machine_class and one.code_version for one in found.values())

    def test_a_step_that_fails_leaves_its_record_too(self, ground, monkeypatch):
        def fail(*_):
            raise EdgeFailed("the disk is full")

        monkeypatch.setattr(pipeline, "score", fail)
        delivery = ground.deliver("leads.csv", small_list(1))
        run = ground.run([delivery.batch_id])
        assert not run.is_success
        catch_up(ground.instance, ground.home)
        (history,) = histories(ground.home, ["lead_scores"])
        (judgement,) = history.judgements
        assert judgement.entry.record.outcome is Outcome.FAILED
        assert (judgement.entry.record.run_id, judgement.entry.record.rows_in) == (run.run_id, 3)
        assert judgement.verdict is Verdict.NOT_JUDGED

    def test_a_run_that_is_slow_again_turns_its_check_red_and_says_by_how_much(self, ground):
        delivery = ground.deliver("leads.csv", small_list(1, rows=50))
        # A warm run, so that the one that is judged is of the same kind.
        ground.run([delivery.batch_id])
        kind = {"machine_class": _newest(ground, "lead_reports").machine_class}
        usual = [record(f"run {n}", "lead_reports", 0.05, **kind) for n in range(12)]
        report(ground, *usual, record("slow", "lead_reports", 1.5, **kind))
        ensure_partitions(ground.instance, [delivery.batch_id])
        from leadscout_assets.defs.execution import run_here

        assert run_here(ground.instance, [delivery.batch_id], {SLOWED: "5"})
        run = ground.newest_run()
        assert run.tags[SLOWED] == "5"
        events = ground.events(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        verdicts = {
            e.event_specific_data.asset_key.to_user_string(): e.event_specific_data
            for e in events
            if e.event_specific_data.check_name == CHECK
        }
        assert {asset for asset, verdict in verdicts.items() if not verdict.passed} == {"lead_reports"}
        assert "2 of the last 3 runs were slow" in verdicts["lead_reports"].description
        assert verdicts["lead_reports"].metadata["times_the_median"].value > 2


def _newest(ground, asset: str) -> RunRecord:
    (history,) = histories(ground.home, [asset])
    return history.judgements[-1].entry.record


def test_the_check_is_about_runs_and_on_every_lead_asset():
    graph = definitions().resolve_asset_graph()
    keys = {key.asset_key.to_user_string() for key in graph.asset_check_keys if key.name == CHECK}
    assert keys == set(ASSETS)


class TestOnPostgres:
    pytestmark = pytest.mark.postgres

    @pytest.fixture
    def platform(self, home, postgres_url):
        with on_postgres(postgres_url) as settings, open_instance(prepare_instance(settings).folder) as instance:
            yield instance, Home(settings), postgres_url

    def test_a_row_that_is_committed_after_later_ids_were_read_is_added_by_the_next_look(self, platform):
        instance, home, url = platform
        for n in range(3):
            report_materialized(instance, "leads", BATCH, record(f"run {n}").to_metadata())
        copy = (
            "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition) "
            "SELECT run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition FROM event_logs "
            "WHERE asset_key IS NOT NULL ORDER BY id DESC LIMIT 1 RETURNING id"
        )
        with psycopg.connect(url) as late:
            (late_id,) = late.execute(copy).fetchone()
            # Its id is taken, and it is not committed: another writer goes on, and is read.
            report_materialized(instance, "leads", BATCH, record("after it").to_metadata())
            assert catch_up(instance, home) == 4
            assert late_id < max(stored(home))
            assert late_id not in stored(home)
        assert catch_up(instance, home) == 1
        assert late_id in stored(home)
        assert catch_up(instance, home) == 0
