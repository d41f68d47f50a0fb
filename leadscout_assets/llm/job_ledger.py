"""What is booked for batch jobs: all requests of a job at once before it is submitted, each by its custom id when it is back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from leadscout_assets.database.models import llm_calls, llm_jobs
from leadscout_assets.llm.admitting import failed, held, note_probe, over_a_cap
from leadscout_assets.llm.booked import Denied, Used, Wanted
from leadscout_assets.llm.booking import book, close
from leadscout_assets.llm.ledger import Ledger, open_questions

LONGEST_HOLD = 8.0
"""Seconds: a vendor that wants to be left alone for longer than that is asked for no job now."""


@dataclass(frozen=True)
class Job:
    """A job as it stands in the ledger. `vendor_id` is None until it is known.

    `state`: intended, submitted, done or failed; deleted where it is over, and its vendor has nothing of it any more.
    """

    id: str
    at: datetime
    provider: str
    model: str
    state: str
    vendor_id: str | None


@dataclass(frozen=True)
class Intended:
    """A job that is booked, and the ids of its requests in their order.

    `provider`: whom it goes to. `probe`: whether that is left alone otherwise, and tried once. `confirmed`: whether its vendor said that it has it. `refused`: the providers before, each with the
    code of why it did not take it.
    """

    id: str
    calls: Sequence[str]
    provider: str = field(default="", compare=False)
    probe: bool = field(default=False, compare=False)
    confirmed: bool = field(default=True, compare=False)
    refused: Mapping[str, str] = field(default_factory=dict, compare=False)


class JobLedger:
    """The jobs' part of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def intend(self, requests: Sequence[Wanted], now: datetime) -> Intended | Denied:
        """Book a job with all its requests, or none of them. After this it may be submitted, once."""
        job, calls, provider = uuid.uuid4().hex, list[str](), requests[0].provider
        try:
            with self._ledger.alone() as connection:
                left_alone = held(connection, provider, now)
                if isinstance(left_alone, Denied):
                    raise _Forbidden(left_alone.code)
                if left_alone and left_alone.seconds > LONGEST_HOLD:
                    raise _Forbidden("rate_limited")
                for wanted in requests:
                    if wanted.most_nano > self._ledger.caps.call:
                        raise _Forbidden("over_cap_per_call")
                    if denied := over_a_cap(connection, wanted, self._ledger.caps, now):
                        raise _Forbidden(denied.code)
                    # Somebody else may have submitted, or asked about, a name since it was looked whether it is free.
                    for why in open_questions(connection, [question for question, _, _ in wanted.names]).values():
                        raise _Forbidden(why)
                    calls.append(book(connection, wanted, now, job=job))
                row = {"id": job, "at": now, "provider": provider, "model": requests[0].model, "state": "intended"}
                connection.execute(llm_jobs.insert().values(row))
                probe = note_probe(connection, provider, now)
        except _Forbidden as reason:
            return Denied(str(reason))
        return Intended(job, calls, provider, probe)

    def turned_down(self, job: Intended, outcome: str, now: datetime, retry_after: float | None) -> None:
        """End a job that its vendor did not take: nothing is booked for it."""
        with self._ledger.alone() as connection:
            for call in job.calls:
                close(connection, call, "released", outcome, 0, Used(None, None, 0.0))
            connection.execute(llm_jobs.update().where(llm_jobs.c.id == job.id).values(state="failed"))
            failed(connection, job.provider, now, retry_after, counts=outcome != "rate_limited")

    def unconfirmed(self, job: Intended, now: datetime) -> None:
        """Note that nobody knows whether a job arrived: it stays booked, is looked for, and is not submitted again."""
        with self._ledger.alone() as connection:
            failed(connection, job.provider, now, None, counts=True)

    def submitted(self, job: str, vendor_id: str) -> None:
        """Note under which id the vendor has a job."""
        with self._ledger.alone() as connection:
            # Whoever looked for it meanwhile may have found it, and even ended it.
            intended = (llm_jobs.c.id == job) & (llm_jobs.c.state == "intended")
            connection.execute(llm_jobs.update().where(intended).values(state="submitted", vendor_id=vendor_id))

    def open_jobs(self) -> list[Job]:
        """Return the jobs that are not over, the oldest first."""
        return self._chosen(llm_jobs.c.state.in_(("intended", "submitted")))

    def to_discard(self, since: datetime) -> list[Job]:
        """Return the jobs since then that are over, and that their vendors may still hold."""
        over = llm_jobs.c.state.in_(("done", "failed")) & llm_jobs.c.vendor_id.is_not(None)
        return self._chosen(over & (llm_jobs.c.at >= since))

    def discarded(self, job: str) -> None:
        """Note that the vendor has nothing of a job any more."""
        with self._ledger.alone() as connection:
            connection.execute(llm_jobs.update().where(llm_jobs.c.id == job).values(state="deleted"))

    def _chosen(self, which: sa.ColumnElement[bool]) -> list[Job]:
        with self._ledger.database.read() as connection:
            return [Job(*row) for row in connection.execute(sa.select(llm_jobs).where(which).order_by(llm_jobs.c.at))]

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

    def ids_of(self, job: str) -> set[str]:
        """Return the ids of all requests of a job."""
        with self._ledger.database.read() as connection:
            return set(connection.execute(sa.select(llm_calls.c.id).where(llm_calls.c.job_id == job)).scalars())

    def over(
        self, job: str, state: str, unanswered: Collection[str], outcome: str, *, unreadable: Collection[str] = ()
    ) -> None:
        """End a job. `unanswered` requests were not charged, and cost nothing.

        What is `unreadable` may have been: it stays booked at its worst case, until the bill is there. Its names can be sent
        again, as no answer will come any more.
        """
        with self._ledger.alone() as connection:
            for call in unanswered:
                close(connection, call, "released", outcome, 0, Used(None, None, 0.0))
            for call in unreadable:
                close(connection, call, "written_off", "unreadable", None, Used(None, None, 0.0))
            connection.execute(llm_jobs.update().where(llm_jobs.c.id == job).values(state=state))


class _Forbidden(Exception):
    """Takes back what was booked of a job that may not be submitted."""
