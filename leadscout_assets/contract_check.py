"""Judges a table's rows against its contract with pandera, per batch. The only user of pandas and pandera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.checks import Verdict
from leadscout_assets.contracts import Column, Contract
from leadscout_assets.frames import by_batch

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import Check, DataFrameSchema

MOST_NAMED = 3
"""Places named in a verdict; the rest is a number."""


def judge_contract(contract: Contract, frame: pa.Table, batches: Sequence[str]) -> dict[str, Verdict]:
    """Return one verdict per batch. A verdict names columns, rules and row counts, never a value."""
    import pandas as pd
    import pandera.errors

    schema = _schema(contract)
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
    apart = [batch for batch in batches if batch in broken]
    rows = dict(zip(apart, by_batch(frame, apart), strict=True)) if apart else {}
    return {
        batch: _judge_one(contract, schema, rows[batch]) if batch in rows else _passed(contract) for batch in batches
    }


def _schema(contract: Contract) -> DataFrameSchema:
    """Build the pandera schema of a contract (imports pandas and pandera: about a second)."""
    import pandas as pd
    import pandera.pandas as pandera

    return pandera.DataFrameSchema(
        {
            c.name: pandera.Column(pd.ArrowDtype(c.type), checks=_rules(c), nullable=c.nullable)
            for c in contract.columns
        },
        unique=list(contract.key),
        strict=True,
        name=contract.name,
    )


def _rules(column: Column) -> list[Check]:
    from pandera.pandas import Check

    allowed, whole = [str(word) for word in column.allowed], rf"^(?:{column.pattern})$"
    rules = []
    if column.minimum is not None:
        rules.append(Check.ge(column.minimum))
    if column.maximum is not None:
        rules.append(Check.le(column.maximum))
    if not pa.types.is_list(column.type):
        if column.pattern:
            rules.append(Check.str_matches(whole))
        if allowed:
            rules.append(Check.isin(allowed))
        return rules
    if column.pattern:
        rules.append(_each_element("pattern", lambda elements: pc.match_substring_regex(elements, whole)))
    if allowed:
        rules.append(_each_element("allowed", lambda elements: pc.is_in(elements, pa.array(allowed, pa.string()))))
    return rules


def _each_element(name: str, fits: Callable[[pa.Array], pa.Array]) -> Check:
    """Build a check that passes a list when `fits` is true of each of its elements; it is false of a null."""
    import pandas as pd
    from pandera.pandas import Check

    def check(lists: pd.Series[Any]) -> pd.Series[bool]:
        values = pa.chunked_array(lists.array.__arrow_array__()).combine_chunks()
        bad = pc.invert(pc.fill_null(fits(pc.list_flatten(values)), False))
        fine = np.ones(len(values), dtype=np.bool_)
        fine[pc.list_parent_indices(values).filter(bad).to_numpy()] = False
        return pd.Series(fine, index=lists.index)

    return Check(check, name=f"elements_{name}")


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
