"""What an inbox tick decides: which deliveries need a run, which are done, which inbox files may move. Pure.

A delivery counts as delivered for good only when the store holds it *and* a run for it succeeded or is under way, so a
kill between any two effects of a tick is mended by the next one.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadscout_assets.runs.planning import plan_runs

MAX_ATTEMPTS = 3
"""Runs requested for a delivery without a person. A fault that survives three runs is not one that waiting mends."""


class RunState(StrEnum):
    """The newest run of a run key. A failed run that Dagster is about to retry is under way."""

    UNDER_WAY = "under_way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class RequestedRun:
    """What became of a requested run; `created_at` is aware."""

    state: RunState
    created_at: datetime


@dataclass(frozen=True)
class Pending:
    """A delivery whose report is not known to be done. `arrived_at`: when its file came to lie in the inbox, if it does."""

    batch_id: str
    rows: int
    run_key: str | None
    attempts: int
    arrived_at: datetime | None = None


@dataclass(frozen=True)
class Request:
    """One run to ask for. The key makes asking twice harmless; `fresh` keys are to be noted first."""

    key: str
    batches: tuple[str, ...]
    fresh: bool


@dataclass(frozen=True)
class Decision:
    """What a tick does: runs to ask for, batches whose inbox file may move."""

    requests: tuple[Request, ...]
    movable: frozenset[str]


def decide(
    pending: Sequence[Pending],
    runs: Mapping[str, RequestedRun],
    order: Sequence[str],
    *,
    max_rows: int,
    max_batches: int,
) -> Decision:
    """Decide what a tick does.

    `runs` maps run keys to their newest run and lacks keys that no run has; `order` lists the partitions in insertion
    order and holds every pending batch. New deliveries share runs; one whose run failed gets the next run to itself,
    so that it cannot fail its neighbours again.
    """

    def planned(deliveries: Sequence[Pending]) -> list[tuple[str, ...]]:
        return plan_runs({d.batch_id: d.rows for d in deliveries}, order, max_rows=max_rows, max_batches=max_batches)

    new: list[Pending] = []
    asked_again: dict[str, list[Pending]] = {}
    alone: list[Pending] = []
    movable: set[str] = set()
    for delivery in pending:
        run = runs.get(delivery.run_key) if delivery.run_key else None
        if delivery.run_key is None:
            new.append(delivery)
        elif run is None:
            asked_again.setdefault(delivery.run_key, []).append(delivery)
        elif _deserves_another(delivery, run):
            alone.append(delivery)
        else:
            movable.add(delivery.batch_id)
    requests: list[Request] = []
    for key, deliveries in asked_again.items():
        requests += _again(key, planned(deliveries), max(delivery.attempts for delivery in deliveries))
    # One that was undone and delivered again has had runs before: under their key, Dagster would make none.
    had = {delivery.batch_id: delivery.attempts for delivery in new}
    requests += [
        Request(run_key(batches, attempt=1 + max(had[batch] for batch in batches)), batches, fresh=True)
        for batches in planned(new)
    ]
    requests += [Request(run_key((d.batch_id,), attempt=d.attempts + 1), (d.batch_id,), fresh=True) for d in alone]
    return Decision(tuple(requests), frozenset(movable))


def run_key(batches: Collection[str], *, attempt: int) -> str:
    """Return the key under which a run for these batches is asked for the `attempt`-th time."""
    digest = hashlib.sha256("\n".join(batches).encode()).hexdigest()[:12]
    return f"{len(batches)}-{digest}-{attempt}"


def _again(key: str, stretches: Sequence[tuple[str, ...]], attempts: int) -> list[Request]:
    """Ask again for what was noted under `key` and has no run."""
    if len(stretches) == 1:
        return [Request(key, stretches[0], fresh=False)]
    # Some of it was done meanwhile by another way. Under the old key, one part's run would pass for the other's.
    return [Request(run_key(batches, attempt=attempts + 1), batches, fresh=True) for batches in stretches]


def _deserves_another(delivery: Pending, run: RequestedRun) -> bool:
    if run.state in (RunState.UNDER_WAY, RunState.SUCCEEDED):
        return False
    delivered_again = delivery.arrived_at is not None and delivery.arrived_at > run.created_at
    # A person stopped it: only a person's delivering it again starts it anew.
    return delivered_again or (run.state is RunState.FAILED and delivery.attempts < MAX_ATTEMPTS)
