"""What every asset does around its one call: name its batches, measure, note refusals, attach the run record.

A step that fails leaves its record too, as an observation of the asset: that is kept and read like a materialization, and
says nothing was made.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster._core.execution.context.metadata_logging import (
    AssetMetadataHandle,
    OutputMetadataAccumulator,
    OutputMetadataHandle,
)
from dagster._core.storage.tags import BACKFILL_ID_TAG, RETRY_NUMBER_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from leadscout_assets.batch_purposes import grant, recorded, weigh_origins
from leadscout_assets.database.audit import record_event
from leadscout_assets.defs.retrying import retried
from leadscout_assets.defs.run_log import in_its_log, since_start
from leadscout_assets.facts import record_figures
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.governance.gate import Grants
from leadscout_assets.governance.widening import note_widening
from leadscout_assets.home import Home
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.logs import describe, get_logger, operation, private_errors
from leadscout_assets.logs.batches import batch_done, batch_refused, batch_started
from leadscout_assets.pipeline import STEPS, Frames, Refusal, check_run_size
from leadscout_assets.processes import user
from leadscout_assets.progress import current, tracked
from leadscout_assets.reports.refusal import write_refusal
from leadscout_assets.runs.record import PREFIX, RunRecord, Stopwatch, measured

SLOWED = f"{PREFIX}slowed_times"
"""Tag of a run that was slowed on purpose: how many times as long as it needs its step `SLOWED_STEP` takes. Only the
demonstration sets it, so that there is a regression to be seen; whoever looks at the run sees the tag."""

SLOWED_STEP = "lead_reports"


@dataclass(frozen=True)
class Step:
    """One asset's work on the batches of a run. `figures` are fields of its record that hold also where it breaks off."""

    context: dg.AssetExecutionContext
    home: Home
    name: str
    deliveries: Sequence[Delivery]
    watch: Stopwatch
    closing: dict[str, object]
    """What else stands on the closing line."""
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def batches(self) -> list[str]:
        """Ids of the batches of this run."""
        return [delivery.batch_id for delivery in self.deliveries]

    @property
    def accepted(self) -> list[Delivery]:
        """The deliveries that no earlier step has refused."""
        noted = self.home.records.refusals(self.batches)
        refused = {batch for batch, found in noted.items() if any(refusal.step != self.name for refusal in found)}
        return [delivery for delivery in self.deliveries if delivery.batch_id not in refused]

    def rows(self, given: int, made: int) -> None:
        """Tell how many rows the step was given and has made, for its closing line and its span."""
        self.closing.update(rows_in=given, rows_out=made)

    def correct(self, recounted: Mapping[str, int]) -> None:
        """Correct the counts of rows delivered."""
        with retried(self.context, self.home.settings):
            for batch, rows in recounted.items():
                self.home.recount(batch, rows)

    def ask_purpose(self) -> Grants:
        """Ask the gate under which purpose the names of each batch may be classified; what it says is recorded."""
        run_id = self.context.run.run_id
        with retried(self.context, self.home.settings):
            return grant(self.home, self.accepted, run_id=run_id, actor=f"run {run_id}", now=datetime.now(UTC))

    def purposes(self) -> Grants:
        """Return under which purpose the names of each batch were classified."""
        with retried(self.context, self.home.settings):
            return recorded(self.home, self.batches)

    def weigh_origins(self) -> dict[str, int]:
        """Return what a known origin counts in the scores of each batch, points: nothing unless switched on and allowed."""
        if not self.home.settings.origin_weight:
            return {}
        run_id, grants = self.context.run.run_id, self.purposes()
        with retried(self.context, self.home.settings):
            by, actor = {"run_id": run_id}, f"run {run_id}"
            return weigh_origins(self.home, grants, by=by, actor=actor, now=datetime.now(UTC))

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Note which of the batches this step refuses; all others it accepts, also those it refused earlier."""
        refused = {refusal.batch_id: (refusal.code, refusal.sentence) for refusal in refusals}
        with retried(self.context, self.home.settings):
            self.home.records.settle(self.name, self.batches, refused)
        for batch, (code, sentence) in refused.items():
            write_refusal(self.home.settings.reports_dir / batch, sentence)
            with in_its_log(self.context, self.name):
                batch_refused(batch, code, sentence)

    def reported(self, frames: Frames, refusals: Sequence[Refusal]) -> None:
        """Tell of each batch that it has its report."""
        seconds = since_start(self.context)
        leads, rejected = rows_by_batch(frames.leads), rows_by_batch(frames.rejected_leads)
        refused = {refusal.batch_id for refusal in refusals}
        with in_its_log(self.context, self.name, batches=len(self.deliveries)):
            for delivery in self.accepted:
                if (batch := delivery.batch_id) not in refused:
                    counts = {"leads": leads.get(batch, 0), "rejected": rejected.get(batch, 0)}
                    batch_done(batch, **counts, run_leads=frames.leads.num_rows, seconds=seconds)

    def done(
        self,
        rows_in: int,
        output: pa.Table,
        *,
        asset: str | None = None,
        rejected: int = 0,
        told: Mapping[str, Mapping[str, str]] | None = None,
    ) -> pa.Table:
        """Attach the run record to the asset that the table is (the step's own unless named), and return the table.

        `rejected` is the number of rows that the step rejected; `told` what else each batch's metadata says.
        """
        self._attach(asset or self.name, rows_in, output, rejected, told or {})
        return output

    def broke_off(self) -> None:
        """Leave the record of a step that failed or was interrupted; what it was given and made is not known."""
        rows = sum(delivery.rows_counted or 0 for delivery in self.deliveries)
        record = self._record(self.name, rows_in=rows, rows_out=0, **self.figures)
        try:
            self.context.log_event(dg.AssetObservation(self.name, metadata=record.to_metadata()))
        except Exception as fault:  # noqa: BLE001  the step's own error matters, and this one may well have the same cause
            get_logger(__name__).warning("record.lost", asset=self.name, reason=describe(fault))

    def _record(self, asset: str, *, rows_in: int, rows_out: int, **more: Any) -> RunRecord:
        return self.watch.record(
            asset=asset,
            run_id=self.context.run.run_id,
            batches=len(self.deliveries),
            rows_in=rows_in,
            rows_out=rows_out,
            retries=self.context.retry_number + int(self.context.run.tags.get(RETRY_NUMBER_TAG, 0)),
            **more,
        )

    def _attach(
        self,
        asset: str,
        rows_in: int,
        frame: pa.Table,
        rejected: int,
        told: Mapping[str, Mapping[str, str]],
    ) -> None:
        figures = {"rejected": rejected, **record_figures(frame), **self.figures}
        record = self._record(asset, rows_in=rows_in, rows_out=frame.num_rows, **figures)
        self.context.add_asset_metadata(record.to_metadata(), asset_key=asset)
        rows = rows_by_batch(frame)
        shares: dict[str, dict[str, int | float | str]] = {}
        for batch in self.batches:
            batch_rows = rows.get(batch, 0)
            shares[batch] = {
                "dagster/row_count": batch_rows,
                f"{PREFIX}share_of_run_rows": round(batch_rows / frame.num_rows, 4) if frame.num_rows else 0.0,
                **told.get(batch, {}),
            }
        _add_by_batch(self.context, asset, shares)


def _add_by_batch(
    context: dg.AssetExecutionContext, asset: str, metadata: Mapping[str, Mapping[str, int | float | str]]
) -> None:
    """Add metadata to the materialization of each batch of the run, as Dagster's `add_asset_metadata` does for one.

    That reads the list of all partitions from the instance each time, and copies all that was added before: with a year of
    batches, seconds for each asset.
    """
    work = context.get_step_execution_context()
    added: dict[OutputMetadataHandle | AssetMetadataHandle, Mapping[str, Any]] = {
        AssetMetadataHandle(asset_key=dg.AssetKey(asset), partition_key=batch): values
        for batch, values in metadata.items()
    }
    so_far = work._metadata_accumulator.per_output_metadata
    work._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata={**so_far, **added})


@contextmanager
def step(context: dg.AssetExecutionContext, home: Home, name: str) -> Iterator[Step]:
    """Run a block as the step `name` on the batches of the run: measured, logged, followed, and held to the row limit.

    The run's log is told each tenth of the way, once a step takes longer than two seconds. A step that breaks off leaves its
    record, too.
    """
    settings, batches = home.settings, sorted(context.partition_keys)
    only = {"batch_id": batches[0]} if len(batches) == 1 else {}
    around = current()
    with (
        retried(context, settings),
        in_its_log(context, name, batches=len(batches)),
        private_errors(),
        # Around everything: a step that cannot even begin is looked for in the log, too.
        operation(name, batches=len(batches), **only) as closing,
    ):
        deliveries = home.deliveries(batches)
        _record_start(context, home, deliveries)
        rows = sum(delivery.rows_counted or 0 for delivery in deliveries)

        def say(tenth: int) -> None:
            context.log.info("%s: %d %% of %d rows", name, tenth, rows)

        with (
            tracked(settings, name, run_id=context.run.run_id, total=rows or None, on_tenth=say) as progress,
            _measured_step(context, home, name, deliveries, closing) as work,
        ):
            check_run_size(deliveries, settings.max_rows_per_run)
            if name == STEPS[0]:
                for delivery in deliveries:
                    batch_started(delivery.batch_id, delivery.rows_counted)
            progress.stage(name)
            yield work
    # A backfill or a demonstration that executes the run in its own process is so much further.
    if name in STEPS:
        around.tell((STEPS.index(name) + 1) / len(STEPS))


_recorded_runs: set[str] = set()
"""Runs whose start this process has recorded; a run's steps share it."""


def _record_start(context: dg.AssetExecutionContext, home: Home, deliveries: Sequence[Delivery]) -> None:
    """Record the run in the audit trail, once, before its first step."""
    run = context.run
    if run.run_id in _recorded_runs:
        return
    note_widening(home.database, home.settings, actor=f"run {run.run_id}")
    detail = {"run_id": run.run_id, "batches": [delivery.batch_id for delivery in deliveries]}
    record_event(home.database, actor=_starter(run), action="run.started", detail=detail)
    _recorded_runs.add(run.run_id)


def _starter(run: dg.DagsterRun) -> str:
    """Return who or what started a run, as far as Dagster knows; its UI has no log-in."""
    for tag in (SENSOR_NAME_TAG, SCHEDULE_NAME_TAG, BACKFILL_ID_TAG):
        if tag in run.tags:
            return f"{tag.partition('/')[2].replace('_', ' ')} {run.tags[tag]}"
    return "ui" if any(tag.endswith("/from_ui") for tag in run.tags) else user()


@contextmanager
def _measured_step(
    context: dg.AssetExecutionContext,
    home: Home,
    name: str,
    deliveries: Sequence[Delivery],
    closing: dict[str, object],
) -> Iterator[Step]:
    work = Step(context, home, name, deliveries, Stopwatch(), closing)
    started = time.perf_counter()
    try:
        with measured(name, work.watch):
            yield work
            if name == SLOWED_STEP and (times := float(context.run.tags.get(SLOWED, 1))) > 1:
                time.sleep((times - 1) * (time.perf_counter() - started))
    except BaseException:
        work.broke_off()
        raise
