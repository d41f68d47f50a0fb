"""How a sensor writes verdicts on checks that no run judges: when something changed, and every hour."""

import json
from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from leadscout_assets.runs.freshness import Freshness

REPEAT_SECONDS = 3_600
"""A verdict that does not change is written again this often, so that a green check is never older than that."""

Verdicts = Mapping[tuple[str, str], Freshness]
"""What was judged, by asset and name of the check."""


def written(verdicts: Verdicts, states: object, cursor: str | None, now: datetime) -> dg.SensorResult:
    """Return the verdicts as check results, or nothing where `states` (plain JSON) are those of the last time they were written.

    The cursor holds the states and when they were written.
    """
    last = json.loads(cursor) if cursor else {}
    if states == last.get("states") and now.timestamp() - last["at"] < REPEAT_SECONDS:
        return dg.SensorResult()
    events = [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset), check_name=name, passed=verdict.fresh, description=verdict.sentence
        )
        for (asset, name), verdict in verdicts.items()
    ]
    return dg.SensorResult(asset_events=events, cursor=json.dumps({"states": states, "at": now.timestamp()}))
