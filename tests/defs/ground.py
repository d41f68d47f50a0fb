"""A home with its own Dagster instance for tests of the shell: deliver, drop, run, look. What is tested stands in the tests."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa

import leadscout_assets.settings
from leadscout_assets.contracts import Contract
from leadscout_assets.defs import postgres_storage
from leadscout_assets.defs.execution import QUIET, _definitions, run_here
from leadscout_assets.defs.instance import ensure_partitions
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.partitions import partition_tags
from leadscout_assets.defs.postgres_storage import dagster_engine
from leadscout_assets.defs.ui import JOB
from leadscout_assets.home import Home
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.settings import Settings, read_settings, use_settings
from leadscout_assets.supervisor import prepare_instance

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""When the tests' files are delivered: eight o'clock in Johannesburg."""

BROKEN = b"PK\x03\x04 this was a workbook once"
"""The content of a file that no reader can read."""


def small_list(mark: int, rows: int = 3) -> str:
    """Return a CSV of `rows` leads without any defect, which no other mark gives."""
    people = ("PETRUS BOTHA", "THANDI NKOSI", "ANIL MOODLEY", "PALESA TAU", "SIPHO DUBE")
    heading = "EntityName,DirectorName,DirectorCell,RegisteredAddress,RegisteredAddressCity,RegisteredAddressProvince"
    lines = [
        f'MARULA TRADING {mark} {row},{people[row % len(people)]},085{mark:04}{row:03},"5 ALOE ROAD, DURBAN, 4001",'
        "DURBAN,KWAZULU-NATAL"
        for row in range(rows)
    ]
    return "\n".join([heading, *lines, ""])


@dataclass(frozen=True)
class Ground:
    """One home, opened, and its instance."""

    home: Home
    instance: dg.DagsterInstance

    @property
    def settings(self) -> Settings:
        """The settings of this home."""
        return self.home.settings

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file beside the home, not into the inbox, and return its path."""
        path = self.settings.home.parent / "outside" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def drop(self, name: str, content: str | bytes) -> Path:
        """Put a file into the inbox, as if it had lain there for a minute; return its path."""
        path = self.settings.inbox_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        minute_ago = time.time() - 60
        os.utime(path, (minute_ago, minute_ago))
        return path

    def deliver(self, name: str, content: str | bytes, at: datetime = MORNING) -> Delivery:
        """Deliver a file at `at` and make its batch a partition."""
        delivery = self.home.deliver(self.file(name, content), now=at).delivery
        ensure_partitions(self.instance, [delivery.batch_id])
        return delivery

    def run(self, batches: Sequence[str]) -> dg.DagsterRun:
        """Run the chain for some batches in this process, and return the run."""
        run_here(self.instance, batches)
        return self.newest_run()

    def run_only(self, assets: Sequence[str], batch: str) -> bool:
        """Run some assets of the chain and their checks for a batch in this process, and say whether that succeeded."""
        job = _definitions().resolve_job_def(JOB)
        ended = job.execute_in_process(
            run_config=QUIET,
            instance=self.instance,
            tags=partition_tags([batch]),
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            raise_on_error=False,
        )
        return bool(ended.success)

    def newest_run(self) -> dg.DagsterRun:
        """Return the run that was made last."""
        return self.instance.get_runs(limit=1)[0]

    def rows(self, contract: Contract, *batches: str) -> pa.Table:
        """Return the rows of some batches in one table."""
        return self.home.tables.read(contract, batches)

    def files(self, batch: str) -> dict[str, bytes]:
        """Return the report files of a batch by name."""
        folder = self.settings.reports_dir / batch
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}

    def events(self, run: dg.DagsterRun, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
        """Return a run's events of one kind, in order."""
        return [entry.get_dagster_event() for entry in self.instance.all_logs(run.run_id, of_type=kind)]


@contextmanager
def opened(settings: Settings) -> Iterator[Ground]:
    """Open a home and its instance, and make its settings this process's while the block runs."""
    with in_use(settings), open_instance(prepare_instance(settings).folder) as instance:
        home = Home(settings)
        yield Ground(home, instance)
        home.database.engine.dispose()


@contextmanager
def on_postgres(url: str, **overrides: object) -> Iterator[Settings]:
    """Keep Dagster's storage in that database while the block runs, and leave no connection to it behind."""
    settings = read_settings(dagster_database_url=url, **overrides)
    with in_use(settings):
        yield settings
        dagster_engine(settings).dispose()
        postgres_storage._engine.cache_clear()


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """Make `settings` those of this process while the block runs."""
    before = leadscout_assets.settings._in_use
    use_settings(settings)
    try:
        yield
    finally:
        leadscout_assets.settings._in_use = before
