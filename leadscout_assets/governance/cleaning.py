"""A delivered file on its way into the store: without the rows of those who were erased."""

from __future__ import annotations

from pathlib import Path

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.governance.matching import Matcher
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.rewriting import BATCH, rewrite


def without_persons(
    copy: Path, matcher: Matcher, limits: ReadLimits, sheet: str | None, maps: ColumnMaps = NO_MAPS
) -> int:
    """Put markers in place of the rows that `matcher` finds, in the file itself; return how many.

    A file that cannot be read has no rows to find, and stays: its batch will be refused.
    """
    try:
        raw = read_lead_list(copy, batch_id=BATCH, limits=limits, sheet=sheet, maps=maps)
    except UnreadableFile:
        return 0
    rows = raw.filter(matcher.mask(raw))["source_row"].to_pylist()
    if rows:
        beside = copy.with_name(f"{copy.name}.rewritten")
        try:
            rewrite(copy, beside, rows, limits, sheet, maps)
            # The copy is open elsewhere under its name: its content changes, not the file.
            copy.write_bytes(beside.read_bytes())
        finally:
            beside.unlink(missing_ok=True)
    return len(rows)
