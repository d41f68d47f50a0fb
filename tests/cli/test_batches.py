"""`leadscout batches` and `leadscout show`: what was delivered and what became of it."""

from __future__ import annotations

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


class TestAudit:
    def test_a_row_that_is_looked_at_is_recorded_with_its_lead_and_counts_alone_are_not(self, leadscout, leads, home):
        leadscout("deliver", leads)
        delivery = split(home)
        leadscout("show", delivery.batch_id)
        first = Home(home).tables.read(LEADS, [delivery.batch_id])["source_row"][0].as_py()
        lead = leadscout("show", delivery.batch_id, "--row", first, "--json").json["lead_id"]
        recorded = leadscout("audit", "--json").json
        assert [event["action"] for event in recorded] == ["delivery.recorded", "row.viewed"]
        assert recorded[-1]["detail"] == {"source_row": first, "lead_id": lead}

    def test_a_persons_events_are_those_that_name_the_lead_or_its_batches(self, leadscout, leads, home, tmp_path):
        leadscout("deliver", leads)
        delivery = split(home)
        other = tmp_path / "other.csv"
        other.write_text("EntityName,DirectorName\nMARULA TRADING,PETRUS BOTHA\n")
        leadscout("deliver", other)
        first, second = (
            Home(home).tables.read(LEADS, [delivery.batch_id]).select(["lead_id", "source_row"]).to_pylist()[:2]
        )
        lead = first["lead_id"]
        for looked_at in (first, second):
            leadscout("show", delivery.batch_id, "--row", looked_at["source_row"])
        found = leadscout("audit", "--person", lead, "--json").json
        assert {event["subject"] for event in found} == {delivery.batch_id}
        assert len(found) == 2
        assert leadscout("audit", "--person", "0" * 16, "--json").json == []

    def test_what_is_no_lead_id_is_refused_without_being_repeated(self, leadscout):
        found = leadscout("audit", "--person", "Thandiwe Nkosi")
        assert (found.code, "Nkosi" in found.err) == (2, False)
