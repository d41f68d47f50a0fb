"""What is booked for batch jobs: all requests of a job at once before it is submitted, each by its custom id when it is back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadscout_assets.database.models import llm_calls, llm_jobs
from leadscout_assets.llm.admitting import over_a_cap
from leadscout_assets.llm.booked import Denied, Used, Wanted
from leadscout_assets.llm.booking import book, close
from leadscout_assets.llm.ledger import Ledger


@dataclass(frozen=True)
class Job:
    """A job as it stands in the ledger. `state`: intended, submitted, done or failed; `vendor_id` is None until it is known."""

    id: str
    at: datetime
    provider: str
    model: str
    state: str
    vendor_id: str | None


@dataclass(frozen=True)
class Intended:
    """A job that is booked, and the ids of its requests in their order."""

    id: str
    calls: Sequence[str]


class JobLedger:
    """The jobs' part of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def intend(self, requests: Sequence[Wanted], now: datetime) -> Intended | Denied:
        """Book a job with all its requests, or none of them. After this it may be submitted, once."""
        job, calls = uuid.uuid4().hex, list[str]()
        try:
            with self._ledger.alone() as connection:
                for wanted in requests:
                    if wanted.most_nano > self._ledger.caps.call:
                        raise _TooDear("over_cap_per_call")
                    if denied := over_a_cap(connection, wanted, self._ledger.caps, now):
                        raise _TooDear(denied.code)
                    calls.append(book(connection, wanted, now, job=job))
                row = {
                    "id": job,
                    "at": now,
                    "provider": requests[0].provider,
                    "model": requests[0].model,
                    "state": "intended",
                }
                connection.execute(llm_jobs.insert().values(row))
        except _TooDear as reason:
            return Denied(str(reason))
        return Intended(job, calls)

    def submitted(self, job: str, vendor_id: str) -> None:
        """Note under which id the vendor has a job."""
        with self._ledger.alone() as connection:
            connection.execute(
                llm_jobs.update().where(llm_jobs.c.id == job).values(state="submitted", vendor_id=vendor_id)
            )

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are not over, the oldest first."""
        query = sa.select(llm_jobs).where(llm_jobs.c.state.in_(("intended", "submitted"))).order_by(llm_jobs.c.at)
        with self._ledger.database.read() as connection:
            return [Job(*row) for row in connection.execute(query)]

    def vendor_ids(self) -> set[str]:
        """Return the vendors' ids of all jobs that are known."""
        with self._ledger.database.read() as connection:
            return {vendor for vendor in connection.execute(sa.select(llm_jobs.c.vendor_id)).scalars() if vendor}

    def requests_of(self, job: str) -> dict[str, int]:
        """Return the requests of a job that are not settled yet: how many names each holds, by id."""
        open_ones = (llm_calls.c.job_id == job) & (llm_calls.c.state == "reserved")
        with self._ledger.database.read() as connection:
            found = connection.execute(sa.select(llm_calls.c.id, llm_calls.c.names).where(open_ones))
            return {row.id: row.names for row in found}

    def over(self, job: str, state: str, unanswered: Collection[str], outcome: str) -> None:
        """End a job; requests without an answer were not charged, and cost nothing."""
        with self._ledger.alone() as connection:
            for call in unanswered:
                close(connection, call, "released", outcome, 0, Used(None, None, 0.0))
            connection.execute(llm_jobs.update().where(llm_jobs.c.id == job).values(state=state))


class _TooDear(Exception):
    """Takes back what was booked of a job beyond a cap."""
