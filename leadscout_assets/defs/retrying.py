"""Tries a failed step again where that can help: when storage or a database failed, never when the input is at fault.

No `RetryPolicy` of Dagster's: with one, every error is retried, and so is a step that a person has just terminated.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.settings import Settings

Context = dg.AssetExecutionContext | dg.OutputContext | dg.InputContext


@contextmanager
def retried(context: Context, settings: Settings) -> Iterator[None]:
    """Ask for another try of the step where the block raises what may not happen again; the last try raises as it is.

    Finished steps are not repeated, and other steps go on meanwhile.
    """
    try:
        yield
    except LeadScoutError as error:
        if not error.retryable:
            raise
        name, tried = _name_and_tries(context)
        if tried >= settings.retries_of(name):
            raise
        raise dg.RetryRequested(
            max_retries=settings.retries_of(name), seconds_to_wait=pause(settings.retry_seconds, tried)
        ) from error


def pause(longest_first: float, tried: int, *, dice: random.Random | None = None) -> float:
    """Return the seconds before the next try: up to `longest_first`, doubled with each one, and never less than half of that.

    The jitter keeps runs that failed together from coming back together.
    """
    dice = dice or random.SystemRandom()
    longest = longest_first * 2.0**tried
    return longest / 2 + dice.uniform(0.0, longest / 2)


def _name_and_tries(context: Context) -> tuple[str, int]:
    if isinstance(context, dg.AssetExecutionContext):
        return context.op_execution_context.op.name, context.op_execution_context.retry_number
    return context.step_context.op.name, context.step_context.previous_attempt_count
