"""The code location: everything below `defs/`, run in one process per run. Nothing else belongs here."""

from pathlib import Path

import dagster as dg


@dg.definitions
def definitions() -> dg.Definitions:
    """Load the definitions; a step process per step would cost 3 to 6 seconds each, so runs are executed in process."""
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(found, dg.Definitions(executor=dg.in_process_executor))
