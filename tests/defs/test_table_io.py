"""What carries frames between assets and tables: the run's batches, no value of a row in an error, no Python for Arrow's threads."""

from __future__ import annotations

from types import SimpleNamespace

import dagster as dg
import deltalake.fs
import pyarrow as pa
import pytest

from leadscout_assets import contracts
from leadscout_assets.defs.table_io import TableIOManager
from leadscout_assets.errors import Defect
from leadscout_assets.tables import Tables

SECRET = "Zwelibanzi Quarshie"
ONE, TWO = "2026-03-02_list_00000001", "2026-03-02_list_00000002"


def rejected(*batches: str, row: str = "{}") -> pa.Table:
    rows = [
        {"batch_id": batch, "source_row": 2, "reasons": ["duplicate"], "duplicate_of": 2, "row": row}
        for batch in batches
    ]
    return pa.Table.from_pylist(rows, schema=contracts.REJECTED_LEADS.schema)


def context(*batches: str) -> SimpleNamespace:
    return SimpleNamespace(
        asset_key=dg.AssetKey("rejected_leads"), asset_partition_keys=list(batches), definition_metadata={}
    )


@pytest.fixture
def manager(ground) -> TableIOManager:
    return TableIOManager()


def test_a_write_replaces_the_batches_of_the_run_and_no_other(manager):
    manager.handle_output(context(ONE, TWO), rejected(ONE, TWO))
    manager.handle_output(context(TWO), rejected(TWO, row='{"a": "b"}'))
    assert manager.load_input(context(ONE)).equals(rejected(ONE))
    assert manager.load_input(context(ONE, TWO))["row"].to_pylist() == ["{}", '{"a": "b"}']


def test_a_batch_of_the_run_without_rows_is_emptied(manager):
    manager.handle_output(context(ONE, TWO), rejected(ONE, TWO))
    manager.handle_output(context(ONE, TWO), rejected(TWO))
    assert manager.load_input(context(ONE)).num_rows == 0


@pytest.mark.parametrize("method", ["replace", "read"])
def test_an_error_that_nobody_expected_leaves_without_its_message(manager, monkeypatch, method):
    def fail(*_):
        raise pa.ArrowInvalid(f"Failed to parse string: '{SECRET}'")

    monkeypatch.setattr(Tables, method, fail)
    with pytest.raises(Defect, match="ArrowInvalid") as raised:
        manager.handle_output(context(ONE), rejected(ONE)) if method == "replace" else manager.load_input(context(ONE))
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


def test_arrow_is_given_no_file_system_that_is_written_in_python(manager, monkeypatch):
    """One of Arrow's threads that let go of it while the interpreter ended aborted the process after all was done."""

    def forbidden(*_, **__):
        raise AssertionError

    monkeypatch.setattr(deltalake.fs.DeltaStorageHandler, "from_table", forbidden)
    manager.handle_output(context(ONE), rejected(ONE))
    assert manager.load_input(context(ONE)).num_rows == 1
