"""A known origin counts in a run of the platform as it does in the library, and the run is named in the trail."""

from __future__ import annotations

from leadscout_assets.database.audit import events
from leadscout_assets.scoring import LEAD_SCORES
from tests.defs.ground import in_use, small_list
from tests.test_batch_purposes import SCORING


def test_a_run_counts_it_where_setting_and_purpose_allow_it_and_records_that(ground, tmp_path):
    path = tmp_path / "purposes.toml"
    # The files of these tests are delivered at a day of their own.
    path.write_text(SCORING.replace("retention_days = 30", "retention_days = 36500"))
    own = {"purposes": path, "classification_purpose": "scoring", "origin_weight": 2}
    batch = ground.deliver("leads.csv", small_list(1)).batch_id
    with in_use(ground.settings.model_copy(update=own)):
        run = ground.run([batch])
    assert run.is_success
    assert 200 in ground.rows(LEAD_SCORES, batch)["name_origin"].to_pylist()
    (event,) = events(ground.home.database, action="origin.weighed")
    assert (event.actor, event.reason) == (f"run {run.run_id}", "scoring")
    assert event.detail.items() >= {"points": 2, "batches": [batch], "run_id": run.run_id}.items()
    assert events(ground.home.database, action="settings.widened")[-1].detail["origin_weight"] == 2
    assert b"POPIA, section 71" in ground.files(batch)[f"{batch}.html"]
