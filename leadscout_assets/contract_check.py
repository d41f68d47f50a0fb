"""Judges a table's rows against its contract with pandera, per batch. The only user of pandas and pandera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets.checks import Verdict
from leadscout_assets.contracts import Contract
from leadscout_assets.frames import by_batch

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

MOST_NAMED = 3
"""Places named in a verdict; the rest is a number."""


def judge_contract(contract: Contract, frame: pa.Table, batches: Sequence[str]) -> dict[str, Verdict]:
    """Return one verdict per batch. A verdict names columns, rules and row counts, never a value."""
    import pandas as pd
    import pandera.errors

    schema = contract.pandera()
    try:
        schema.validate(frame.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
    except pandera.errors.SchemaErrors as errors:
        places = errors.failure_cases["index"]
        everywhere = places.isna().any()
        at = pa.array([] if everywhere else sorted({int(place) for place in places}), pa.int64())
        broken = set(batches) if everywhere else set(frame["batch_id"].take(at).to_pylist())
    else:
        broken = set()
    # pandera's failure cases quote values; judge each broken batch apart and keep the places only.
    return {
        batch: _judge_one(contract, schema, rows) if batch in broken else _passed(contract)
        for batch, rows in zip(batches, by_batch(frame, batches), strict=True)
    }


def _judge_one(contract: Contract, schema: DataFrameSchema, rows: pa.Table) -> Verdict:
    import pandas as pd
    import pandera.errors

    try:
        schema.validate(rows.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
    except pandera.errors.SchemaErrors as errors:
        found = errors.failure_cases.groupby(["column", "check"], dropna=False).size().sort_values(ascending=False)
        places = [f"{column} breaks {check} in {count} rows" for (column, check), count in found.items()]
        more = f", and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
        sentence = f"{'; '.join(places[:MOST_NAMED])}{more}: this is a defect of LeadScout, report it with the batch id"
        return Verdict(False, sentence, {"rows": rows.num_rows, "broken_rules": len(places)})
    return _passed(contract)


def _passed(contract: Contract) -> Verdict:
    return Verdict(True, f"every row fits the {len(contract.columns)} columns of its contract")
