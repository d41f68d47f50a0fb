"""Definitions for the platform's tests: one asset, whose second step lasts as long as a file exists."""

import os
import time
from pathlib import Path

import dagster as dg


@dg.asset
def first() -> None:
    """Done at once."""


@dg.asset(deps=[first])
def second() -> None:
    """Done once nothing holds it."""
    hold = Path(os.environ["HOLD_FILE"])
    while hold.exists():
        time.sleep(0.05)


defs = dg.Definitions(
    assets=[first, second], jobs=[dg.define_asset_job("both", [first, second])], executor=dg.in_process_executor
)
