"""The run's own log, which the UI shows: our events go there once, and not through Dagster's console.

`context.log` would print them on standard error as well, where our own lines go already.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.events.log import EventLogEntry

from leadscout_assets.logs import bound, shown_in
from leadscout_assets.progress import LONG_SECONDS, tracked
from leadscout_assets.settings import current_settings

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


@contextmanager
def in_its_log(context: Context, asset: str, *, batches: int = 1) -> Iterator[None]:
    """Show the events logged in the block in the log of the run, under its step; every line inside bears their ids.

    `batches`: how many the run has.
    """
    run, step_key = context.run, str(context.op_execution_context.op_handle)

    def show(level: int, text: str) -> None:
        context.instance.handle_new_event(
            EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster's, made as its own logger makes it
                error_info=None,
                level=level,
                user_message=text,
                run_id=run.run_id,
                timestamp=time.time(),
                step_key=step_key,
                job_name=run.job_name,
                dagster_event=None,
            )
        )

    with bound(run_id=run.run_id, asset=asset, step=step_key), shown_in(show, batches=batches):
        yield


@contextmanager
def followed(context: Context, name: str) -> Iterator[None]:
    """Let others see that work which counts nothing goes on, by a progress file once it takes long."""
    settings, run_id = current_settings(), context.run.run_id
    with tracked(settings, name, run_id=run_id, unit="", written=settings.home.is_dir(), after=LONG_SECONDS):
        yield


def since_start(context: Context) -> float:
    """Return the seconds since the run began."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return time.time() - record.start_time if record is not None and record.start_time is not None else 0.0
