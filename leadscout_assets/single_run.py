"""The whole chain on one file, into one folder: what `leadscout run` does. No Dagster, no tables, no database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from leadscout_assets import checks, facts, pipeline
from leadscout_assets.checks import BatchFacts, Check, Verdict
from leadscout_assets.contracts import Contract
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import BadInput, UnreadableFile
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.delivery import Delivery, batch_key, shown_name
from leadscout_assets.logs import operation
from leadscout_assets.runs.memory import peak_memory_mb
from leadscout_assets.settings import Settings


@dataclass(frozen=True)
class ChainResult:
    """What the chain made of one file. `seconds` holds wall time by step and in `total`; `reports` paths by kind."""

    delivery: Delivery
    facts: BatchFacts
    failing: tuple[tuple[Check, Verdict], ...]
    seconds: Mapping[str, float]
    reports: Mapping[str, Path]

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
            "seconds": dict(self.seconds),
            "peak_rss_mb": peak_memory_mb(),
            "reports": {kind: str(path) for kind, path in self.reports.items()},
        }


def run_file(source: Path, out: Path, settings: Settings, *, lead_id_key: bytes, delivered_at: datetime) -> ChainResult:
    """Run the chain on one lead list and write its report below `out`.

    Raises `UnreadableFile`, with nothing written, where the batch is refused, and `BadInput` where `out` is no place
    for a report.
    """
    _check_writable(out)
    clock = Clock()
    with clock.of("raw_leads"):
        delivery = describe(source, settings, delivered_at)
        pipeline.check_run_size([delivery], settings.max_rows_per_run)
        reading = pipeline.read([delivery], lambda _: source, settings)
        _stop_if_refused(reading.refusals)
    with clock.of("leads"):
        leads, rejected, refused = pipeline.validate(reading.raw, lead_id_key)
        _stop_if_refused(refused)
    with clock.of("classifications"):
        classifications = pipeline.classify(leads, settings)
    with clock.of("lead_scores"):
        scores = pipeline.score(leads)
    with clock.of("lead_reports"):
        frames = pipeline.Frames(reading.raw, leads, rejected, classifications, scores)
        files, refused = pipeline.report([delivery], frames, out, settings)
        _stop_if_refused(refused)
    with clock.of("checks"):
        found = _gather(delivery, frames, files, out)
        failing = checks.failing(found, checks.limits_from(settings))
    return ChainResult(
        delivery=delivery,
        facts=found,
        failing=tuple(failing),
        seconds=clock.seconds(),
        reports={row["kind"]: (out / row["path"]).resolve() for row in files.to_pylist()},
    )


def describe(source: Path, settings: Settings, delivered_at: datetime) -> Delivery:
    """Return the delivery that this file is, without storing anything."""
    if not source.is_file():
        raise BadInput("there is no such file; check the path")
    sha256 = sha256_of(source)
    return Delivery(
        batch_id=batch_key(delivered_at, source.name, sha256, slug=settings.batch_slug),
        sha256=sha256,
        file_name=shown_name(source.name),
        size_bytes=source.stat().st_size,
        delivered_at=delivered_at,
        rows_counted=count_rows(source, limits=pipeline.read_limits(settings), sheet=settings.sheet),
    )


def _check_writable(out: Path) -> None:
    folder = out
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput("--out is no folder that can be written to: name another one")


def _gather(delivery: Delivery, frames: pipeline.Frames, files: pa.Table, out: Path) -> BatchFacts:
    made = {name: getattr(frames, name) for name in pipeline.Frames.__dataclass_fields__} | {"lead_reports": files}

    def read(contract: Contract, columns: Sequence[str]) -> pa.Table:
        return made[contract.name].select(list(columns))

    (found,) = facts.gather(list(facts.NEEDED), [delivery], {}, read, out)
    return found


def _stop_if_refused(refusals: list[pipeline.Refusal]) -> None:
    for refusal in refusals:
        raise UnreadableFile(refusal.code, refusal.sentence)


class Clock:
    """Wall time of each step, seconds, and of all since the clock was made."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock."""
        self._now, self._start = now, now()
        self._steps: dict[str, float] = {}

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Time and log one step."""
        start = self._now()
        with operation(step, asset=step):
            yield
        self._steps[step] = round(self._now() - start, 4)

    def seconds(self) -> dict[str, float]:
        """Return the steps timed so far and their `total`, which includes what lies between them."""
        return self._steps | {"total": round(self._now() - self._start, 4)}
