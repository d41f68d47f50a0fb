"""Personal values that occur nowhere else go through runs that succeed, fail and crash: they may lie with the data, nowhere else.

`leadscout show` is left out: it answers the explicit question what a batch's file was called, or what stood in a row.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from leadscout_assets import checks, contract_check, facts, pipeline
from leadscout_assets.cli.application import run_application
from leadscout_assets.leads.identity import LEAD_IDS if False else None
