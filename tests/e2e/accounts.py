"""What a home owes once all that was dropped has been worked off: each row once in each table, each report, an empty inbox."""

from __future__ import annotations

from collections.abc import Mapping

from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.settings import read_settings
from tests.e2e.kills import doubled
from tests.e2e.terminal import Terminal
from tests.waiting import until


def assert_nothing_lost_or_doubled(terminal: Terminal, found: Mapping[str, Mapping[str, object]], rows: int) -> None:
    """Hold the home to its `found` batches, by file: all of `rows` good leads, and no others delivered."""
    home = Home(read_settings(home=terminal.home))
    batches = [str(batch["batch_id"]) for batch in found.values()]
    assert {batch["state"] for batch in found.values()} == {"reported"}
    assert sorted(record.batch_id for record in home.records.all()) == sorted(batches)
    assert {(batch["leads"], batch["rejected"]) for batch in found.values()} == {(rows, 0)}
    for table in LEAD_TABLES:
        expected = {"lead_reports": 3, "rejected_leads": 0}.get(table.name, rows)
        counted = home.tables.rows(table, batches)
        assert counted == ({} if expected == 0 else dict.fromkeys(batches, expected)), table.name
        assert doubled(home, table, batches) == 0
    assert terminal.rest()
    until(lambda: not [path for path in terminal.inbox.iterdir() if path.is_file()], "the inbox is empty")
    home.database.engine.dispose()
