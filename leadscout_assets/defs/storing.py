"""What a step leaves behind that breaks off outside of its work: where its input cannot be read, or its result not stored.

A step that breaks off within its work does so itself: `steps`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import StepExecutionContext
from dagster._core.storage.tags import RETRY_NUMBER_TAG

from leadscout_assets.errors import is_interruption
from leadscout_assets.logs import describe, failed_outside, get_logger
from leadscout_assets.performance import ASSETS
from leadscout_assets.progress import amend
from leadscout_assets.runs.record import RunRecord, Stopwatch
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import Outcome

Context = dg.OutputContext | dg.InputContext


@contextmanager
def told_where_it_fails(context: Context) -> Iterator[None]:
    """Log a failure of the block as one of its step, leave the step's run record as failed, and its progress file, too."""
    started = time.perf_counter()
    try:
        yield
    except BaseException as error:
        try:
            _tell(context, error, time.perf_counter() - started)
        except Exception as fault:  # noqa: BLE001  the step's own error matters, and this one may well have the same cause
            get_logger(__name__).warning("record.lost", reason=describe(fault))
        raise


def _tell(context: Context, error: BaseException, seconds: float) -> None:
    work = context.step_context
    assert isinstance(work, StepExecutionContext)  # noqa: S101  nothing else calls an IO manager
    name, run_id = work.op.name, work.run_id
    outcome = Outcome.CANCELLED if is_interruption(error) else Outcome.FAILED
    batches = list(context.asset_partition_keys)
    only = {"batch_id": batches[0]} if len(batches) == 1 else {}
    ids = {"run_id": run_id, "asset": name, "step": work.step.key}
    failed_outside(name, error, seconds=seconds, batches=len(batches), **ids, **only)
    amend(current_settings(), name, run_id, str(outcome))
    asset = context.asset_key.to_user_string() if isinstance(context, dg.OutputContext) else name
    if asset in ASSETS:
        record = _record(work, asset, len(batches), seconds, outcome)
        DagsterEvent.asset_observation(work, dg.AssetObservation(asset, metadata=record.to_metadata()))


def _record(work: StepExecutionContext, asset: str, batches: int, seconds: float, outcome: Outcome) -> RunRecord:
    made = work.get_asset_metadata(dg.AssetKey(asset))
    if made:
        # The work was done and measured; what it made is lost.
        return replace(RunRecord.from_metadata(made), rows_out=0, outcome=outcome)
    tries = work.previous_attempt_count + int(work.dagster_run.tags.get(RETRY_NUMBER_TAG, 0))
    return Stopwatch(seconds=seconds, outcome=outcome).record(
        asset=asset, run_id=work.run_id, batches=batches, rows_in=0, rows_out=0, retries=tries
    )
