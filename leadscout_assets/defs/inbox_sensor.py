"""The sensor that turns files in the inbox into runs. It fetches, asks `arrivals.decide`, and yields."""

import time
import uuid
from datetime import UTC, datetime

import dagster as dg

from leadscout_assets import inbox
from leadscout_assets.arrivals import Pending, Request, RunState, decide
from leadscout_assets.defs.instance import ensure_partitions, newest_runs, reported
from leadscout_assets.defs.jobs import lead_chain
from leadscout_assets.defs.partitions import partition_tags
from leadscout_assets.defs.ticking import ticking
from leadscout_assets.home import Home
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.logs import describe, get_logger, operation

TICK_SECONDS = 1
"""Less than the daemon's own loop of 5 s: with 5 here, a loop that comes round a moment early skips its look."""


@dg.sensor(
    name="inbox",
    job=lead_chain,
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes settled files from the inbox, records each as a delivery and asks for the runs they need.",
)
def inbox_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Evaluate one tick."""
    operating = operation("inbox_tick", level="debug", request_id=uuid.uuid4().hex[:12])
    with ticking(context) as (instance, home), operating as found:
        requests = tick(instance, home, now=datetime.now(UTC))
        found["requests"] = len(requests)
    if not requests:
        return dg.SkipReason("nothing new in the inbox, and no delivery waits for a run")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(request.key, tags=partition_tags(request.batches)) for request in requests]
    )


def tick(instance: dg.DagsterInstance, home: Home, *, now: datetime) -> tuple[Request, ...]:
    """Take what lies settled in the inbox, and return the runs to ask for.

    In this order, so that an interruption anywhere loses nothing: store, manifest and record, partition, request
    noted, run asked for, and only once a run is there, the inbox file moved.
    """
    lying = take_settled(home, now=now)
    records = home.records.unreported()
    runs = newest_runs(instance, {record.run_key for record in records if record.run_key})
    state = {record.batch_id: runs[record.run_key].state for record in records if record.run_key in runs}
    done = {batch for batch, found in state.items() if found is RunState.SUCCEEDED}
    # Or a run that a person started instead.
    idle = [r for r in records if state.get(r.batch_id) is not RunState.UNDER_WAY]
    done |= reported(instance, [r.batch_id for r in idle], {r.batch_id: r.again_at for r in idle})
    home.records.note_reported(sorted(done), now)
    arrived = {delivery.batch_id: _arrival(seen) for seen, delivery in lying}
    pending = [
        Pending(r.batch_id, r.rows_counted or 0, r.run_key, r.attempts, arrived.get(r.batch_id))
        for r in records
        if r.batch_id not in done
    ]
    decision = decide(
        pending,
        runs,
        # Nothing waits at most ticks, and then thousands of partitions need not be listed.
        ensure_partitions(instance, [p.batch_id for p in pending]) if pending else [],
        max_rows=home.settings.max_rows_per_run,
        max_batches=home.settings.max_batches_per_run,
    )
    for request in decision.requests:
        if request.fresh:
            home.records.note_request(request.batches, request.key)
    waiting = {p.batch_id for p in pending} - decision.movable
    for seen, delivery in lying:
        if delivery.batch_id not in waiting:
            _move(home, seen, delivery.batch_id)
    return decision.requests


def take_settled(home: Home, *, now: datetime) -> list[tuple[inbox.Seen, Delivery]]:
    """Deliver every settled inbox file; one that cannot be stored now waits for the next tick, and holds up no other."""
    log, taken = get_logger(__name__), []
    for seen in inbox.settled_files(home.settings.inbox_dir, now=time.time, sleep=time.sleep):
        try:
            delivered = home.deliver(seen.path, now=now, arrived=_arrival(seen), by="inbox sensor")
        except Exception as fault:  # noqa: BLE001  whatever one file does to us, the others are taken; this one is tried again
            log.error("delivery.not_taken", reason=describe(fault))
            continue
        taken.append((seen, delivered.delivery))
        if delivered.new or delivered.again:
            log.info(
                "delivery.taken", batch_id=delivered.delivery.batch_id, rows_counted=delivered.delivery.rows_counted
            )
    return taken


def _move(home: Home, seen: inbox.Seen, batch_id: str) -> None:
    try:
        if home.records.get(batch_id).rewritten_sha256 is None:
            inbox.move_to_taken(seen, batch_id)
        elif inbox.unchanged(seen):
            # It holds a person who was erased; what may be kept of it is in the store.
            seen.path.unlink()
    except OSError as fault:
        # The run is asked for all the same, and the move is tried again at every tick.
        get_logger(__name__).error("delivery.not_moved", batch_id=batch_id, reason=fault.strerror)


def _arrival(seen: inbox.Seen) -> datetime:
    return datetime.fromtimestamp(seen.arrived_ns / 1e9, UTC)
