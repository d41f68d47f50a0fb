"""The run record: the one class that writes and reads performance metadata. One per asset and run.

Judging a record against earlier ones does not belong here, but in `judge`.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from leadscout_assets.errors import is_interruption
from leadscout_assets.runs.circumstances import code_version, first_time, machine_class
from leadscout_assets.runs.memory import open_files, watched_memory
from leadscout_assets.terms import Outcome

PREFIX = "leadscout/"
"""Namespace of our keys among Dagster's metadata."""


def about(means: str, default: object = MISSING) -> Any:
    """Return a field with what it means: unit and origin. One with a default is left out of the metadata where it has it."""
    return field(default=default, metadata={"means": means})


@dataclass(frozen=True)
class RunRecord:
    """What one asset cost in one run. Records of earlier versions lack the fields that have a default, and still read."""

    asset: str = about("name of the asset")
    run_id: str = about("Dagster's id of the run, or `local`")
    batches: int = about("number of batches in the run")
    rows_in: int = about("rows that the step was given, over all batches")
    rows_out: int = about("rows that it made, over all batches")
    seconds: float = about("wall time of the work itself, monotonic clock; without loading inputs and storing outputs")
    rows_per_second: float = about("rows_in over seconds; 0 where too short to measure")
    peak_memory_mb: float = about(
        "highest resident memory of the process during the work, megabytes (10^6 bytes): the kernel's mark, reset at the "
        "beginning, or sampled every 20 ms where it cannot be reset"
    )
    cpu_seconds: float = about("processor time of all threads of the process during the work, seconds", 0.0)
    rejected: int = about("rows that the step rejected; 0 where it rejects none", 0)
    warnings: int = about("warnings that the rows made carry; a row may carry several", 0)
    answered: int = about("leads classified as of one origin; 0 for an asset that classifies none", 0)
    narrowed: int = about("leads narrowed to two or three origins; 0 for an asset that classifies none", 0)
    abstained: int = about("leads that the classification says nothing of; 0 for an asset that classifies none", 0)
    reports: int = about("batches that got their report; 0 for an asset that writes none", 0)
    retries: int = about("earlier attempts at the same work: of the step, and of the run it is a retry of", 0)
    network_calls: int = about("calls to services outside: language models", 0)
    tokens: int = about("tokens that language models were sent and answered, as they counted", 0)
    cost_usd: float = about("what is booked for these calls, US dollars; the worst case where nobody can know", 0.0)
    outcome: Outcome = about("how the work ended", Outcome.SUCCEEDED)  # noqa: RUF009  `about` is `dataclasses.field`
    code_version: str = about("digest of the package's modules, 12 hex digits; empty where not recorded", "")
    machine_class: str = about("system, processors, memory and Python; empty where not recorded", "")
    cold: bool = about(
        "whether the process did this step for the first time, its modules and word lists not loaded", True
    )
    tokens_out: int = about("of these tokens, those that were answered", 0)
    names_asked: int = about("distinct undecided names that a language model might be asked about", 0)
    names_decided: int = about("of these, those that an answer decided", 0)
    cache_hits: int = about("of these, those with an answer from an earlier call", 0)
    call_retries: int = about("of the calls, those about names that an earlier one of the step was about", 0)
    call_refusals: int = about("calls that a language model declined", 0)
    call_p50_seconds: float = about("median duration of the calls, seconds; 0 without calls", 0.0)
    call_p95_seconds: float = about("time within which 95 of 100 calls ended, seconds", 0.0)
    open_files: int = about(
        "files, sockets and pipes that the process held open, at the beginning or the end: the more", 0
    )

    @property
    def size_class(self) -> str:
        """The orders of magnitude of rows and of batches: `r3b0` is 1,000 to 9,999 rows in 1 to 9 batches."""
        return f"r{_magnitude(self.rows_in)}b{_magnitude(self.batches)}"

    @property
    def kind(self) -> tuple[str, str, str, bool]:
        """What two records must share to be compared: asset, size class, machine class, cold or warm."""
        return self.asset, self.size_class, self.machine_class, self.cold

    @property
    def kind_in_words(self) -> str:
        """The kind for people: `100 to 999 rows, 1 to 9 batches, warm`."""
        least_rows, least_batches = 10 ** _magnitude(self.rows_in), 10 ** _magnitude(self.batches)
        rows = f"{0 if least_rows == 1 else least_rows:,} to {10 * least_rows - 1:,} rows"
        return f"{rows}, {least_batches:,} to {10 * least_batches - 1:,} batches, {'cold' if self.cold else 'warm'}"

    def to_metadata(self) -> dict[str, str | int | float | bool]:
        """Return the record as metadata values, keys prefixed; values that are the default are left out."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        plain = {name: str(value) if isinstance(value, Outcome) else value for name, value in given.items()}
        return {PREFIX + name: value for name, value in (plain | {"size_class": self.size_class}).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, object]) -> Self:
        """Read a record that `to_metadata` wrote; other keys are ignored. Raises `KeyError` where one is missing."""
        found: dict[str, Any] = {
            f.name: metadata[PREFIX + f.name]
            for f in fields(cls)
            if f.default is MISSING or PREFIX + f.name in metadata
        }
        if "outcome" in found:
            found["outcome"] = Outcome(found["outcome"])
        return cls(**found)


def _magnitude(number: int) -> int:
    """Return the order of magnitude of a count: its digits less one; 0 counts as 1."""
    return len(str(max(number, 1))) - 1


@dataclass
class Stopwatch:
    """What a block of work took, filled in when it ends. `cold` is known from its beginning."""

    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    cpu_seconds: float = 0.0
    outcome: Outcome = Outcome.SUCCEEDED
    cold: bool = True
    open_files: int = 0

    def record(self, *, asset: str, run_id: str, batches: int, rows_in: int, rows_out: int, **more: Any) -> RunRecord:
        """Return the run record of the measured work; `more` are fields that have a default."""
        return RunRecord(
            asset=asset,
            run_id=run_id,
            batches=batches,
            rows_in=rows_in,
            rows_out=rows_out,
            seconds=round(self.seconds, 4),
            rows_per_second=round(rows_in / self.seconds, 1) if self.seconds > 0 else 0.0,
            peak_memory_mb=self.peak_memory_mb,
            **{
                "cpu_seconds": round(self.cpu_seconds, 4),
                "outcome": self.outcome,
                "cold": self.cold,
                "open_files": self.open_files,
                "code_version": code_version(),
                "machine_class": machine_class(),
                **more,
            },
        )


@contextmanager
def measured(what: str | None = None, watch: Stopwatch | None = None) -> Iterator[Stopwatch]:
    """Measure a block of work; the stopwatch is filled in also where the block raises, with how it ended.

    `what` names the work, to tell the first time in this process from the later ones; without it every time is cold.
    A `watch` that is given is the one filled in.
    """
    watch = watch or Stopwatch()
    watch.cold = what is None or first_time(what)
    with watched_memory() as peak:
        before = open_files()
        start, busy = time.perf_counter(), time.process_time()
        try:
            yield watch
        except BaseException as error:
            watch.outcome = Outcome.CANCELLED if is_interruption(error) else Outcome.FAILED
            raise
        finally:
            watch.seconds = time.perf_counter() - start
            watch.cpu_seconds = time.process_time() - busy
            watch.peak_memory_mb = peak()
            watch.open_files = max(before, open_files())
