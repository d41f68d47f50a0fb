"""The asset of what is known across batches, in runs in this process: linked by each batch, also by those that are refused."""

from __future__ import annotations

import dagster as dg
import pyarrow.compute as pc

from leadscout_assets import contracts
from leadscout_assets.defs.instance import newest_materializations
from tests.defs.ground import BROKEN, small_list


def evaluations(ground, check: str) -> dict[str | None, bool]:
    events = ground.instance.all_logs(ground.newest_run().run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [event.get_dagster_event().event_specific_data for event in events]
    return {one.partition: one.passed for one in found if (one.asset_key.to_user_string(), one.check_name) == ("known_leads", check)}  # fmt: skip


def test_batches_of_a_run_are_linked_and_those_of_a_later_one_find_them(ground):
    first = ground.deliver("leads 1.csv", small_list(1))
    broken = ground.deliver("leads 2.csv", BROKEN)
    assert ground.run([first.batch_id, broken.batch_id]).is_success
    again = ground.deliver("leads 3.csv", small_list(1).replace("5 ALOE ROAD", "6 ALOE ROAD"))
    assert ground.run([again.batch_id]).is_success
    known = ground.rows(contracts.KNOWN_LEADS, first.batch_id)
    assert known.num_rows == 3
    assert pc.all(pc.starts_with(known["address"], "6 A")).as_py()
    links = ground.rows(contracts.KNOWN_LEAD_LINKS, again.batch_id)
    assert links["how"].to_pylist() == ["exact"] * 3
    made = newest_materializations(ground.instance, "known_leads", [again.batch_id])[again.batch_id]
    shown = {name: value.value for name, value in made.asset_materialization.metadata.items()}
    assert (shown["dagster/row_count"], shown["exact"], shown["first"]) == (3, 3, 0)
    assert set(evaluations(ground, "linked").values()) == {True}
    assert set(evaluations(ground, "known").values()) == {True}
