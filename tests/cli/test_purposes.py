"""`leadscout purposes`: the register is listed, and what is past its retention is deleted only when asked to be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_purposes import grant
from leadscout_assets.home import Home
from leadscout_assets.leads.synthetic import write_delivery
from tests.purposes import ENVIRONMENT, IN_TESTS


def test_the_register_is_listed_with_the_one_in_use(leadscout, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = {row["id"]: row["in_use"] for row in leadscout("purposes", "--json").json}
    assert found == {"demonstration": "no", "evaluation": "no", "tests": "yes"}
    shown = leadscout("purposes")
    assert (shown.code, "generated_leads" in shown.out) == (0, True)


def test_a_register_that_cannot_be_used_exits_2_and_names_the_field(leadscout, monkeypatch, tmp_path):
    path = tmp_path / "purposes.toml"
    path.write_text(IN_TESTS["purposes"].read_text().replace("retention_days = 36500", "retention_days = 0"))
    monkeypatch.setenv("LEADSCOUT_PURPOSES", str(path))
    found = leadscout("purposes")
    assert found.code == 2
    assert "purpose tests: retention_days" in found.err


def test_retention_is_a_dry_run_unless_asked_to_delete(leadscout, home, tmp_path, monkeypatch):
    assert "nothing that was inferred" in leadscout("purposes", "retention").out
    path = tmp_path / "purposes.toml"
    path.write_text(IN_TESTS["purposes"].read_text().replace("36500", "10"))
    long_ago = datetime.now(UTC) - timedelta(days=20)
    parts = Home(home.model_copy(update={"classification_purpose": "tests", "purposes": path}))
    write_delivery(tmp_path / "leads.csv", 20, seed=2)
    (delivery,) = [parts.deliver(tmp_path / "leads.csv", now=long_ago).delivery]
    raw = pipeline.read([delivery], parts.store.path, parts.settings).raw
    leads, _, _ = pipeline.validate(raw, parts.lead_id_key)
    grants = grant(parts, [delivery], run_id="a-run-id", actor="tests", now=long_ago)
    batch, classified = delivery.batch_id, pipeline.classify(leads, parts.settings, grants)
    parts.tables.replace(contracts.CLASSIFICATIONS, classified, [batch])

    def known() -> int:
        rows = parts.tables.read(contracts.CLASSIFICATIONS, [batch])
        return rows.num_rows - pc.sum(pc.equal(rows["method"], "no_purpose")).as_py()

    before = known()
    dry = leadscout("purposes", "retention")
    assert (dry.code, batch in dry.out, "nothing was deleted" in dry.out) == (0, True, True)
    assert known() == before > 0
    done = json.loads(leadscout("purposes", "retention", "--delete", "--json").out)
    assert [(one["batch_id"], one["deleted"]) for one in done] == [(batch, True)]
    assert known() == 0
