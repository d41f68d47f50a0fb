"""`leadscout deliver`, `batches` and `show`: what was delivered and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadscout_assets.contracts import LEADS, REJECTED_LEADS
from leadscout_assets.home import Home
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.pipeline import read, validate
from leadscout_assets.settings import Settings
from tests import scenario

UNKNOWN = "2026-03-02_list_0123abcd"


def split(home: Settings) -> Delivery:
    """Make the leads and rejected rows of the one batch delivered."""
    parts = Home(home)
    (record,) = parts.records.all()
    (delivery,) = parts.deliveries([record.batch_id])
    raw = read([delivery], parts.store.path, home).raw
    leads, rejected, _ = validate(raw, parts.lead_id_key)
    parts.tables.replace(LEADS, leads, [delivery.batch_id])
    parts.tables.replace(REJECTED_LEADS, rejected, [delivery.batch_id])
    return delivery


class TestDeliver:
    def test_a_new_file_is_answered_with_its_batch(self, leadscout, leads):
        found = leadscout("deliver", leads)
        assert found.code == 0
        today = datetime.now(UTC).year
        assert found.out.startswith(f"batch {today}-")
        assert "leadscout up" in found.out

    def test_known_content_is_answered_with_the_batch_it_already_is(self, leadscout, leads):
        first = leadscout("deliver", leads, "--json").json
        again = leadscout("deliver", leads.rename(leads.with_name("Other name.csv")))
        assert again.code == 0
        assert again.out.splitlines()[0] == f"already batch {first['batch_id']}"
        assert f"leadscout backfill {first['batch_id']}" in again.out

    def test_json_says_whether_it_was_known(self, leadscout, leads):
        first, again = leadscout("deliver", leads, "--json").json, leadscout("deliver", leads, "--json").json
        assert first == {
            "batch_id": first["batch_id"], "known": False, "rows": scenario.delivered_rows(), "platform": False,
        }  # fmt: skip
        assert again == first | {"known": True}

    @pytest.mark.parametrize("missing", ["Mokoena.csv", "."])
    def test_what_is_no_file_exits_2(self, leadscout, tmp_path, missing):
        found = leadscout("deliver", tmp_path / missing)
        assert found.code == 2
        assert "Mokoena" not in found.err

    def test_an_unreadable_file_is_a_delivery_all_the_same(self, leadscout, tmp_path):
        (tmp_path / "leads.csv").touch()
        assert leadscout("deliver", tmp_path / "leads.csv", "--json").json["rows"] is None

    def test_the_output_never_shows_a_file_name(self, leadscout, leads):
        found = leadscout("deliver", leads.rename(leads.with_name("Zwelibanzi.csv")))
        assert "zwelibanzi" not in (found.out + found.err).lower()
        assert "_list_" in found.out


class TestBatches:
    def test_an_empty_home_says_what_to_do(self, leadscout):
        found = leadscout("batches")
        assert found.code == 0
        assert "leadscout deliver FILE" in found.out
        assert leadscout("batches", "--json").json == []

    def test_every_batch_is_a_line(self, leadscout, leads, tmp_path):
        (tmp_path / "bad.csv").touch()
        ids = [leadscout("deliver", path, "--json").json["batch_id"] for path in (leads, tmp_path / "bad.csv")]
        heading, *lines = leadscout("batches").out.splitlines()
        assert heading.split()[:2] == ["batch", "id"]
        assert [line.split()[0] for line in lines] == ids
        listed = leadscout("batches", "--json").json
        assert [row["state"] for row in listed] == ["waiting", "waiting"]
        assert [row["rows"] for row in listed] == [scenario.delivered_rows(), None]


class TestShow:
    def test_an_unknown_batch_exits_2(self, leadscout):
        for arguments in ([UNKNOWN], [UNKNOWN, "--row", "2"]):
            found = leadscout("show", *arguments)
            assert (found.code, found.out) == (2, "")
            assert UNKNOWN in found.err

    @pytest.mark.parametrize("named", ["Mokoena.csv", "' OR 1=1", "../../etc"])
    def test_what_is_no_batch_id_exits_2_and_is_not_repeated(self, leadscout, named):
        found = leadscout("show", named)
        assert found.code == 2
        assert named not in found.err

    def test_a_batch_is_shown_with_its_counts(self, leadscout, leads, home):
        leadscout("deliver", leads)
        batch = split(home).batch_id
        found = leadscout("show", batch, "--json").json
        assert (found["rows"], found["leads"]) == (scenario.delivered_rows(), scenario.lead_rows())
        assert found["reasons"]["totals_row"] == 1
        text = leadscout("show", batch)
        assert text.code == 0
        assert "totals_row 1" in text.out

    def test_a_row_is_shown_with_what_became_of_it(self, leadscout, leads, home):
        leadscout("deliver", leads)
        batch = split(home).batch_id
        rejected, lead = max(scenario.expected_by_row()), min(scenario.expected_by_row())
        found = leadscout("show", batch, "--row", rejected, "--json").json
        assert (found["became"], found["reasons"]) == ("rejected", ["totals_row"])
        assert found["row"]["entity_name"] == scenario.ROWS[-1].cells[0]
        assert leadscout("show", batch, "--row", lead, "--json").json["became"] == "lead"
        assert "totals_row" in leadscout("show", batch, "--row", rejected).out

    def test_a_row_that_is_not_there_exits_2(self, leadscout, leads, home):
        leadscout("deliver", leads)
        assert leadscout("show", split(home).batch_id, "--row", 99_999).code == 2
