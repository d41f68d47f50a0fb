"""The demonstration: a generated workbook goes the way every lead list goes, and its report is shown.

Used by `leadscout demo`. Nothing here is a short cut past the inbox, the sensor or the instance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadscout_assets.arrivals import RunState
from leadscout_assets.batch_overview import details, failing_checks
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.pipeline import STEPS

if TYPE_CHECKING:
    from dagster import DagsterInstance

ROWS = 500
PURPOSE = "demonstration"
FILE_NAME = "Demo leads.xlsx"

STRANGERS = 12
"""Directors of the demonstration whose names no source knows, where a language model is asked about them."""

TOP_REASONS = 5

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 300.0
"""How long the demonstration waits for its report: a cold, busy machine has needed half a minute."""

TICKS = 10
"""Sensor ticks tried by hand; the first ones find a file that has not settled yet."""


@dataclass(frozen=True)
class Dropped:
    """The workbook dropped in the inbox; `at` is seconds of a monotonic clock."""

    sha256: str
    at: float


def drop_workbook(home: Home) -> Dropped:
    """Make a workbook that this home has not seen, and drop it in the inbox in one piece."""
    from leadscout_assets.leads.synthetic import write_delivery

    inbox = home.make_inbox()
    hidden = inbox / f".{FILE_NAME}"
    seed = 1 + len(home.records.all())
    if home.settings.llm_is_on:
        write_delivery(hidden, ROWS, seed=seed, strangers=STRANGERS)
    else:
        write_delivery(hidden, ROWS, seed=seed)
    sha256 = sha256_of(hidden)
    hidden.replace(inbox / FILE_NAME)
    return Dropped(sha256, time.monotonic())


def follow(
    home: Home,
    instance: DagsterInstance,
    dropped: Dropped,
    show: Callable[[int, str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait for the dropped workbook's batch and return its id; `show` is told steps done and what is going on.

    Raises `EdgeFailed` where its run fails or takes longer than `PATIENCE_SECONDS`.
    """
    from leadscout_assets.defs.instance import materialized, newest_runs

    while time.monotonic() - dropped.at < PATIENCE_SECONDS:
        record = home.records.by_sha256(dropped.sha256)
        run = newest_runs(instance, [record.run_key]).get(record.run_key) if record and record.run_key else None
        if record is None or run is None:
            show(0, "waiting for the inbox sensor")
        else:
            done = [step for step in STEPS if materialized(instance, step, [record.batch_id])]
            show(len(done), STEPS[len(done)] if len(done) < len(STEPS) else "checks")
            if run.state is RunState.SUCCEEDED:
                return record.batch_id
            if run.state in (RunState.FAILED, RunState.STOPPED):
                raise EdgeFailed(
                    "the demonstration's run did not succeed; look at it in the UI, or run leadscout doctor"
                )
        sleep(POLL_SECONDS)
    raise EdgeFailed(f"no report after {PATIENCE_SECONDS:.0f} s; look at the queue in the UI, or run leadscout doctor")


def run_once(home: Home, show: Callable[[int, str], None]) -> tuple[str, float]:
    """Drop a workbook, evaluate the real sensor, execute its run request in this process; return batch and seconds."""
    from leadscout_assets.defs.execution import evaluate_inbox
    from leadscout_assets.defs.orphans import fail_orphaned_runs, open_instance
    from leadscout_assets.supervisor import prepare_instance

    with open_instance(prepare_instance(home.settings).folder) as instance:
        fail_orphaned_runs(instance)
        dropped = drop_workbook(home)
        show(0, "evaluating the inbox sensor")
        for _ in range(TICKS):
            evaluate_inbox(instance)
            if home.records.by_sha256(dropped.sha256) is not None:
                break
            time.sleep(POLL_SECONDS)
        record = home.records.by_sha256(dropped.sha256)
        if record is None:
            raise EdgeFailed("the inbox sensor did not take the demonstration's workbook; run leadscout doctor")
        follow(home, instance, dropped, show)
        # The next tick moves the file to `taken`, as the daemon's would.
        evaluate_inbox(instance)
        return record.batch_id, time.monotonic() - dropped.at


def summary(home: Home, batch: str, seconds: float) -> dict[str, object]:
    """Return what a person wants to know of the finished demonstration, by label."""
    found = details(home, batch)
    reasons = sorted(found.reasons.items(), key=lambda item: (-item[1], item[0]))[:TOP_REASONS]
    named = ", ".join(f"{code} {rows}" for code, rows in reasons)
    return {
        "batch": found.batch_id,
        "rows delivered": found.rows,
        "leads": found.leads,
        "rejected": f"{found.rejected}  ({named})" if named else found.rejected,
        "names answered": found.answered,
        "names narrowed": found.narrowed,
        "names abstained": found.abstained,
        **_asked(home, batch),
        "from drop to report": f"{seconds:.1f} s",
        **{f"report ({path.rpartition('.')[2]})": path for path in found.reports},
    }


def _asked(home: Home, batch: str) -> dict[str, object]:
    outcome = home.asked([batch]).get(batch)
    if outcome is None:
        return {}
    cost = f"${outcome.cost_usd / outcome.decided:.6f}" if outcome.decided else "-"
    return {"language model": outcome.in_words(), "cost per decided name": cost}


def faults(home: Home, batch: str) -> list[str]:
    """Return a sentence for everything that the finished demonstration should not show; none where it is as meant."""
    state = details(home, batch).state
    missing = [] if state == "reported" else [f"batch {batch} is {state}: there is no report of its leads"]
    return [*missing, *failing_checks(home, [batch]).get(batch, [])]
