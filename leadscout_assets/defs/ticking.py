"""What a sensor's tick is handed: the instance and the home, each opened once per process.

A tick that took them as Dagster hands them would open the instance anew: a sixth of a second of work, every few seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import dagster as dg
from dagster._core.instance import InstanceRef

from leadscout_assets.defs.resources import home_of
from leadscout_assets.home import Home
from leadscout_assets.logs import private_errors, setup_logging
from leadscout_assets.settings import current_settings
from leadscout_assets.telemetry import setup_telemetry

_opening = Lock()
_opened: list[tuple[InstanceRef, dg.DagsterInstance]] = []
"""At most one: a code server serves one instance."""


@contextmanager
def ticking(context: dg.SensorEvaluationContext) -> Iterator[tuple[dg.DagsterInstance, Home]]:
    """Give a tick what it asks and writes to, with logs and telemetry set up and personal values kept out of its errors."""
    setup_logging(current_settings(), files=True)
    setup_telemetry(current_settings())
    with private_errors():
        yield _instance(context), home_of(current_settings())


def _instance(context: dg.SensorEvaluationContext) -> dg.DagsterInstance:
    ref = context.instance_ref
    if ref is None:
        return context.instance
    with _opening:
        if not _opened or _opened[0][0] != ref:
            _opened[:] = [(ref, dg.DagsterInstance.from_ref(ref))]
        return _opened[0][1]
