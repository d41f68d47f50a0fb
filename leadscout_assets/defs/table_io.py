"""Carries frames between assets and Delta tables: each write names every batch that it replaces."""

from functools import lru_cache
from pathlib import Path

import dagster as dg
import pyarrow as pa

from leadscout_assets.contracts import Contract
from leadscout_assets.defs.retrying import retried
from leadscout_assets.defs.storing import told_where_it_fails
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.logs import private_errors
from leadscout_assets.settings import current_settings
from leadscout_assets.tables import Tables

CONTRACTS: dict[str, Contract] = {contract.name: contract for contract in LEAD_TABLES}
"""The tables that are assets, by asset name."""


COLUMNS = "leadscout/columns"
"""Metadata of an asset's input: the columns that it needs of the table."""


class TableIOManager(dg.ConfigurableIOManager):
    """Stores an asset's frame in the table of its name, and loads the rows of the batches that a run holds."""

    def handle_output(self, context: dg.OutputContext, obj: pa.Table) -> None:
        """Replace the run's batches by `obj`."""
        contract = CONTRACTS[context.asset_key.to_user_string()]
        with retried(context, current_settings()), private_errors(), told_where_it_fails(context):
            # Several pieces would be stored in whichever order they are done, and sorted at each reading.
            self._tables.replace(contract, obj.combine_chunks(), context.asset_partition_keys)

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """Return the rows of the run's batches, with the columns that the input names, else with all."""
        columns = (context.definition_metadata or {}).get(COLUMNS)
        with retried(context, current_settings()), private_errors(), told_where_it_fails(context):
            return self._tables.read(
                CONTRACTS[context.asset_key.to_user_string()], context.asset_partition_keys, columns
            )

    @property
    def _tables(self) -> Tables:
        return _tables_below(current_settings().tables_dir)


@lru_cache(maxsize=1)
def _tables_below(folder: Path) -> Tables:
    # Shared by the steps of a run: a table that is open already only has to catch up.
    return Tables(folder)
