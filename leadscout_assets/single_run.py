"""The whole chain on one file, into one folder: what `leadscout run` does. No Dagster, no tables, no database."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets import checks, facts, pipeline
from leadscout_assets.checks import BatchFacts, Check, Verdict
from leadscout_assets.contracts import Contract
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import BadInput, UnreadableFile
from leadscout_assets.governance.gate import NO_PURPOSE, Grant, asked_for, origin_points
from leadscout_assets.governance.purposes import read_register
from leadscout_assets.kept_steps import KeptSteps, Made
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.delivery import Delivery, batch_key, shown_name
from leadscout_assets.logs import bound, operation
from leadscout_assets.logs.batches import batch_done, batch_refused, batch_started
from leadscout_assets.progress import current
from leadscout_assets.runs.memory import peak_memory_mb
from leadscout_assets.settings import Settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.names.remembered import Remembered

DECIDING = (
    "classification_purpose", "origin_weight", "reveal_religion", "batch_slug", "sheet", "max_workbook_bytes",
    "max_unpacked_bytes", "max_compression_ratio", "max_workbook_entries", "max_columns", "max_csv_bytes",
    "max_report_workbook_rows",
)  # fmt: skip
"""The settings that decide what the steps make; what is kept under others is made again."""


@dataclass(frozen=True)
class ChainResult:
    """What the chain made of one file. `seconds` holds wall time by step and in `total`; `reports` paths by kind;
    `resumed` the steps that an interrupted run had finished."""

    delivery: Delivery
    facts: BatchFacts
    failing: tuple[tuple[Check, Verdict], ...]
    seconds: Mapping[str, float]
    reports: Mapping[str, Path]
    resumed: tuple[str, ...] = ()
    grant: Grant = NO_PURPOSE

    def to_json(self) -> dict[str, object]:
        """Return the result as one JSON object; a row may count under several reasons."""
        return {
            "batch_id": self.delivery.batch_id,
            "rows": self.facts.delivered,
            "leads": self.facts.leads,
            "rejected": self.facts.rejected,
            "reasons": dict(sorted(self.facts.reasons.items())),
            "warnings": dict(sorted(self.facts.warnings.items())),
            "answered": self.facts.answered,
            "narrowed": self.facts.narrowed,
            "abstained": self.facts.abstained,
            "purpose": self.grant.entry.id if self.grant.entry else None,
            "purpose_refused": self.grant.sentence,
            "seconds": dict(self.seconds),
            "peak_rss_mb": peak_memory_mb(),
            "reports": {kind: str(path) for kind, path in self.reports.items()},
        }


SHARES: Mapping[str, float] = {
    # Where on its way (0..1) a run of 20,000 leads is at the end of each step, after its seconds.
    "raw_leads": 0.18,
    "leads": 0.38,
    "classifications": 0.46,
    "lead_scores": 0.47,
    "lead_reports": 0.93,
    "checks": 1.0,
}

Keeping = Callable[[Path, Sequence[str]], None]
"""Is told after each step the folder that its result is kept in, and the names of all that are."""

Granting = Callable[[Mapping[str, Grant]], None]
"""Is told what the gate says of the batch, before anything is inferred under it."""


def run_file(
    source: Path,
    out: Path,
    settings: Settings,
    *,
    lead_id_key: bytes,
    delivered_at: datetime,
    confirmed: Remembered | None = None,
    resume: bool = False,
    on_kept: Keeping = lambda _folder, _finished: None,
    on_granted: Granting = lambda _grants: None,
    maps: ColumnMaps = NO_MAPS,
    without_erased: Callable[[pa.Table], pa.Table] = lambda raw: raw,
    suppressed: pipeline.RowsOf | None = None,
) -> ChainResult:
    """Run the chain on one lead list and write its report below `out`; what people `confirmed` of names wins, and columns that a
    person named (`maps`).

    The result of each step is kept below `out` until the end, so that an interrupted run can be gone on with: with
    `resume`, finished steps are not done again, and the day of delivery is that of the run that was interrupted.
    `on_granted` is told what the gate says before a name is classified or a score weighs it. `without_erased` takes those who were erased out of the rows read; `suppressed` tells who is on a suppression list.

    Raises `UnreadableFile`, with nothing written, where the batch is refused, and `BadInput` where `out` is no place
    for a report.
    """
    _check_writable(out)
    _check_there(source)
    clock = Clock()
    basis = _basis(sha := sha256_of(source), settings, lead_id_key, confirmed, maps)
    kept = KeptSteps(out, sha, basis, resume=resume)
    try:
        people = (without_erased, suppressed)
        told = (on_kept, on_granted)
        result = _run(source, out, settings, lead_id_key, delivered_at, confirmed, maps, kept, told, clock, people)
    except BadInput:
        # The same file is refused again, however often it is gone on with.
        kept.remove()
        raise
    except BaseException:
        kept.close()
        raise
    kept.remove()
    return result


def _run(
    source: Path,
    out: Path,
    settings: Settings,
    lead_id_key: bytes,
    delivered_at: datetime,
    confirmed: Remembered | None,
    maps: ColumnMaps,
    kept: KeptSteps,
    told_of: tuple[Keeping, Granting],
    clock: Clock,
    people: tuple[Callable[[pa.Table], pa.Table], pipeline.RowsOf | None],
) -> ChainResult:
    without_erased, suppressed = people
    on_kept, on_granted = told_of
    progress = current("rows")

    def step(
        name: str, given: pa.Table, make: Callable[[], Made], usable: Callable[[Made], bool] = lambda _: True
    ) -> Made:
        progress.stage(name, SHARES[name])
        with clock.of(name) as told:
            made = kept.step(name, make, usable=usable)
            told.update(rows_in=given.num_rows, rows_out=made[0].num_rows)
        on_kept(kept.folder, kept.finished)
        return made

    def read() -> Made:
        reading = pipeline.read([delivery], lambda _: source, settings, maps)
        _stop_if_refused(reading.refusals)
        return (without_erased(reading.raw),)

    def validate() -> Made:
        leads, rejected, refused = pipeline.validate(without_erased(raw), lead_id_key, suppressed)
        _stop_if_refused(refused)
        return leads, rejected

    def report() -> Made:
        files, refused = pipeline.report([delivery], frames, out, settings, grants)
        _stop_if_refused(refused)
        return (files,)

    with clock.of("raw_leads") as told:
        if "delivery" in kept.about:
            delivery = Delivery.from_json(kept.about["delivery"])
        else:
            delivery = describe(source, settings, delivered_at)
            kept.about["delivery"] = delivery.to_json()
        told["batch_id"] = clock.ids["batch_id"] = delivery.batch_id
        batch_started(delivery.batch_id, delivery.rows_counted)
        pipeline.check_run_size([delivery], settings.max_rows_per_run)
        progress.expect(delivery.rows_counted or 0)
        progress.item(delivery.batch_id)
        progress.stage("raw_leads", SHARES["raw_leads"])
        # Told before anything is kept: after a kill in between nobody would know where it lies.
        on_kept(kept.folder, kept.finished)
        (raw,) = kept.step("raw_leads", read)
        told.update(rows_in=raw.num_rows, rows_out=raw.num_rows)
    on_kept(kept.folder, kept.finished)
    leads, rejected = step("leads", raw, validate)
    now = datetime.now(TIME_ZONE)
    grants = pipeline.ask_purpose([delivery], raw, settings, now)
    on_granted(grants)
    (classifications,) = step(
        "classifications", leads, lambda: (pipeline.classify(leads, settings, grants, confirmed),)
    )
    points = {batch: origin_points(settings, given, today=now.date()) for batch, given in grants.items()}
    (scores,) = step("lead_scores", leads, lambda: (pipeline.score(leads, points, classifications),))
    frames = pipeline.Frames(raw, leads, rejected, classifications, scores)
    (files,) = step("lead_reports", raw, report, lambda made: _still_there(made[0], out))
    progress.stage("checks", SHARES["checks"])
    with clock.of("checks"):
        found = _gather(delivery, frames, files, out, grants[delivery.batch_id])
        failing = checks.failing(found, checks.limits_from(settings))
    with bound(**clock.ids):
        counts = {"leads": leads.num_rows, "rejected": rejected.num_rows}
        batch_done(delivery.batch_id, **counts, run_leads=leads.num_rows, seconds=clock.seconds()["total"])
    return ChainResult(
        delivery=delivery,
        facts=found,
        failing=tuple(failing),
        seconds=clock.seconds(),
        reports={row["kind"]: (out / row["path"]).resolve() for row in files.to_pylist()},
        resumed=tuple(kept.used),
        grant=grants[delivery.batch_id],
    )


def _basis(
    sha256: str, settings: Settings, lead_id_key: bytes, confirmed: Remembered | None, maps: ColumnMaps
) -> dict[str, str]:
    """Return what the results of the steps depend on, personal values and the key as digests."""
    return {
        "input": sha256,
        "lead_id_key": hashlib.sha256(lead_id_key).hexdigest(),
        **circumstances(settings, confirmed, maps),
    }


def circumstances(settings: Settings, confirmed: Remembered | None, maps: ColumnMaps) -> dict[str, str]:
    """Return what the results of any file's steps depend on besides it, as digests: finished steps count while it is the same."""
    told = settings.model_dump_json(include=set(DECIDING)).encode()
    return {
        "settings": hashlib.sha256(told).hexdigest(),
        "purpose": _entry_digest(settings),
        "columns": hashlib.sha256(_told(maps).encode()).hexdigest(),
        "confirmed": confirmed.fingerprint() if confirmed else "",
        "product": importlib.metadata.version("leadscout"),
    }


def _told(maps: ColumnMaps) -> str:
    saved = sorted((header, sorted(columns.items())) for header, columns in maps.saved.items())
    return repr((sorted(maps.named.items()), saved))


def _entry_digest(settings: Settings) -> str:
    """Return the digest of the purpose's entry: what was made under another, or an earlier one, is made again."""
    entry = read_register(settings.purposes).get(asked_for(settings) or "")
    return entry.digest if entry else "none"


def _still_there(files: pa.Table, out: Path) -> bool:
    paths = {row["path"]: row["bytes"] for row in files.to_pylist()}
    return all((out / path).is_file() and (out / path).stat().st_size == size for path, size in paths.items())


def describe(source: Path, settings: Settings, delivered_at: datetime) -> Delivery:
    """Return the delivery that this file is, without storing anything."""
    _check_there(source)
    sha256 = sha256_of(source)
    return Delivery(
        batch_id=batch_key(delivered_at, source.name, sha256, slug=settings.batch_slug),
        sha256=sha256,
        file_name=shown_name(source.name),
        size_bytes=source.stat().st_size,
        delivered_at=delivered_at,
        rows_counted=count_rows(source, limits=pipeline.read_limits(settings), sheet=settings.sheet),
    )


def _check_there(source: Path) -> None:
    if not source.is_file():
        raise BadInput("there is no such file; check the path")


def _check_writable(out: Path) -> None:
    folder = out
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput("--out is no folder that can be written to: name another one")


def _gather(delivery: Delivery, frames: pipeline.Frames, files: pa.Table, out: Path, grant: Grant) -> BatchFacts:
    made = {name: getattr(frames, name) for name in pipeline.Frames.__dataclass_fields__} | {"lead_reports": files}

    def read(contract: Contract, columns: Sequence[str]) -> pa.Table:
        return made[contract.name].select(list(columns))

    (found,) = facts.gather(list(facts.NEEDED), [delivery], {}, read, out)
    return replace(found, purpose=grant.asked, purpose_refusal=grant.sentence)


def _stop_if_refused(refusals: list[pipeline.Refusal]) -> None:
    for refusal in refusals:
        batch_refused(refusal.batch_id, refusal.code, refusal.sentence)
        raise UnreadableFile(refusal.code, refusal.sentence)


class Clock:
    """Wall time of each step, seconds, and of all since the clock was made. `ids` stand on every line of its steps."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock."""
        self._now, self._start = now, now()
        self._steps: dict[str, float] = {}
        self.ids = {"run_id": f"local-{uuid.uuid4().hex[:12]}"}

    @contextmanager
    def of(self, step: str) -> Iterator[dict[str, object]]:
        """Time and log one step; what is put into the dict stands on its closing line."""
        start = self._now()
        with operation(step, asset=step, step=step, **self.ids) as told:
            yield told
        self._steps[step] = round(self._now() - start, 4)

    def seconds(self) -> dict[str, float]:
        """Return the steps timed so far and their `total`, which includes what lies between them."""
        return self._steps | {"total": round(self._now() - self._start, 4)}
