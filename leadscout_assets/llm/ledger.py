"""The spend ledger: what a call may cost is booked before it is sent, and what it did cost after. The only writer of its tables.

Each method is one transaction, and one process at a time reserves: no two can both take what is left below a cap.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import llm_answers, llm_call_batches, llm_call_names, llm_calls, llm_outcomes
from leadscout_assets.errors import BadInput
from leadscout_assets.llm.admitting import failed, held, note_probe, over_a_cap, pace, well
from leadscout_assets.llm.answered import Why
from leadscout_assets.llm.booked import Caps, Denied, Reserved, Used, Wait, Wanted
from leadscout_assets.llm.booking import book, close, store_answers
from leadscout_assets.llm.prices import Price
from leadscout_assets.llm.schema import Item
from leadscout_assets.terms import Origin

_LOCK = 0x1EAD5C0A
"""Key of the PostgreSQL advisory lock under which one process books while the others wait."""

OPEN_STATES = ("reserved", "in_doubt")
"""Calls of which nobody knows whether they were answered: booked at their worst case, and their names are not sent again."""

AT_ONCE = 500


class Ledger:
    """The part of the application database that language models are booked in."""

    def __init__(self, database: Database, caps: Caps) -> None:
        self.database, self.caps = database, caps
        # SQLite has whoever waits ask again and again; threads of one process can queue.
        self._turn = threading.Lock()

    def reserve(self, wanted: Wanted, now: datetime) -> Reserved | Denied | Wait:
        """Book the worst case of a call, where every cap, the rates and the breaker admit it. After this it may be sent."""
        if wanted.most_nano > self.caps.call:
            return Denied("over_cap_per_call")
        with self.alone() as connection:
            left_alone = held(connection, wanted.provider, now)
            if isinstance(left_alone, Denied):
                return left_alone
            wait = max(left_alone.seconds if left_alone else 0.0, pace(connection, wanted, self.caps, now))
            if wait > 0:
                return Wait(wait)
            if denied := over_a_cap(connection, wanted, self.caps, now):
                return denied
            if open_questions(connection, [question for question, _, _ in wanted.names]):
                return Denied(Why.IN_DOUBT)  # another process asks about one of these names at this moment
            note_probe(connection, wanted.provider, now)
            return Reserved(book(connection, wanted, now))

    def settle(
        self, call: str, price: Price | None, used: Used, answers: Mapping[int, Item], outcome: str, now: datetime
    ) -> int:
        """Book what a call did cost and store its answers, by index; return what is booked for it, billionths of a dollar.

        Where the vendor did not say how many tokens it counted, or their price is not known any more, the worst case stays
        booked.
        """
        with self.alone() as connection:
            row = connection.execute(sa.select(llm_calls).where(llm_calls.c.id == call)).one()
            if row.state not in OPEN_STATES:
                return int(row.booked_nano)
            counted = used.tokens_in is not None and used.tokens_out is not None
            booked = price.cost(used.tokens_in or 0, used.tokens_out or 0) if price and counted else row.most_nano
            close(connection, call, "settled", outcome, booked, used)
            store_answers(connection, row, answers, now)
            well(connection, row.provider)
            return int(booked)

    def release(
        self,
        call: str,
        outcome: str,
        seconds: float,
        now: datetime,
        *,
        retry_after: float | None = None,
        counts: bool = True,
    ) -> None:
        """Book nothing for a call that the vendor did not charge: it was never sent, or was turned down.

        `counts`: whether that speaks against the provider.
        """
        with self.alone() as connection:
            close(connection, call, "released", outcome, 0, Used(None, None, seconds))
            failed(
                connection,
                _provider_of(connection, call),
                now,
                retry_after,
                counts=counts and outcome != "rate_limited",
            )

    def doubt(self, call: str, outcome: str, seconds: float, now: datetime) -> None:
        """Leave a call booked at its worst case: whether it was answered, nobody here can know."""
        with self.alone() as connection:
            close(connection, call, "in_doubt", outcome, None, Used(None, None, seconds))
            failed(connection, _provider_of(connection, call), now, None, counts=True)

    def answers(self, keys: Collection[str]) -> dict[str, Item]:
        """Return the stored answers, by answer key."""
        found: dict[str, Item] = {}
        columns = (llm_answers.c.key, llm_answers.c.origin, llm_answers.c.band, llm_answers.c.language)
        with self.database.read() as connection:
            for some in _pieces(keys):
                for key, origin, band, language in connection.execute(
                    sa.select(*columns).where(llm_answers.c.key.in_(some))
                ):
                    found[key] = Item(Origin(origin) if origin else None, band, language)
        return found

    def unknown(self, questions: Collection[str]) -> dict[str, str]:
        """Return why those questions are not sent that may have been answered: their call is in doubt, or their job not over."""
        with self.database.read() as connection:
            return open_questions(connection, questions)

    def write_off(self, batches: Collection[str], before: datetime) -> int:
        """Let the names of calls in doubt be sent again, and return how many calls these are. They stay booked.

        `before`: calls that were reserved later may still be under way.
        """
        of_batches = sa.select(llm_call_batches.c.call_id).where(llm_call_batches.c.batch_id.in_(list(batches)))
        doubtful = llm_calls.c.state.in_(OPEN_STATES) & (llm_calls.c.kind == "call") & llm_calls.c.id.in_(of_batches)
        with self.alone() as connection:
            old = (llm_calls.c.state == "in_doubt") | (llm_calls.c.at < before)
            changed = llm_calls.update().where(doubtful & old).values(state="written_off")
            return int(connection.execute(changed).rowcount)

    def forget(self, questions: Collection[str]) -> int:
        """Take out the answers about some names, and that these were asked about; what was spent stays. Return how many rows."""
        removed = 0
        with self.alone() as connection:
            for some in _pieces(questions):
                asked = llm_call_names.c.question.in_(some)
                keys = (
                    connection.execute(sa.select(llm_call_names.c.answer_key).where(asked).distinct()).scalars().all()
                )
                removed += connection.execute(llm_answers.delete().where(llm_answers.c.key.in_(list(keys)))).rowcount
                removed += connection.execute(llm_call_names.delete().where(asked)).rowcount
        return int(removed)

    def reconcile(self, provider: str, billed: int, before: datetime) -> int:
        """Book for a provider's calls in doubt what its bill has beyond all others; return what is left booked for them.

        `billed`: all that it ever charged, billionths of a dollar. `before`: calls that were reserved later may still be under
        way, those of a job until it is collected. Raises `BadInput` where that cannot be.
        """
        mine, calls = llm_calls.c.provider == provider, llm_calls.c
        cut_off = (calls.state == "reserved") & (calls.kind != "job") & (calls.at < before)
        doubtful = mine & (calls.state.in_(("in_doubt", "written_off")) | cut_off)
        with self.alone() as connection:
            under_way = connection.execute(sa.select(calls.id).where(mine, calls.state == "reserved", ~cut_off)).first()
            known = sa.select(sa.func.sum(llm_calls.c.booked_nano)).where(
                mine, llm_calls.c.state.in_(("settled", "reconciled"))
            )
            if not connection.execute(sa.select(llm_calls.c.id).where(mine).limit(1)).first():
                raise BadInput(f"{provider} was never asked: `leadscout spend` lists the providers that were")
            rest = billed - int(connection.execute(known).scalar() or 0)
            open_ones = connection.execute(sa.select(calls.id, calls.most_nano).where(doubtful)).all()
            if under_way:
                raise BadInput(
                    f"calls to {provider} are under way, or a job is open: wait some minutes, or `leadscout llm collect`"
                )
            if not 0 <= rest <= sum(call.most_nano for call in open_ones):
                raise BadInput("the bill does not fit: it must be all that this provider ever charged")
            left = rest
            for call in open_ones:
                part = min(left, call.most_nano)
                left -= part
                close(connection, call.id, "reconciled", "by_the_bill", part, Used(None, None, 0.0))
            return rest

    def note_outcomes(self, outcomes: Mapping[str, tuple[int, int, int, Mapping[str, int]]], now: datetime) -> None:
        """Note what became of the undecided names of each batch: names, decided, cached, and the rest by reason."""
        with self.alone() as connection:
            connection.execute(llm_outcomes.delete().where(llm_outcomes.c.batch_id.in_(list(outcomes))))
            rows = [
                {
                    "batch_id": batch,
                    "at": now,
                    "names": names,
                    "decided": decided,
                    "cached": cached,
                    "undecided": dict(why),
                }
                for batch, (names, decided, cached, why) in outcomes.items()
            ]
            if rows:
                connection.execute(llm_outcomes.insert(), rows)

    def alone(self) -> Any:
        """Open a transaction that no other process has at the same time."""
        return _Alone(self.database, self._turn)


class _Alone:
    """A transaction that no other process has at the same time: on SQLite every one that writes is."""

    def __init__(self, database: Database, turn: threading.Lock) -> None:
        self._database, self._turn, self._within = database, turn, ExitStack()

    def __enter__(self) -> sa.Connection:
        with ExitStack() as stack:
            stack.enter_context(self._turn)
            connection = stack.enter_context(self._database.begin())
            if not self._database.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            self._within = stack.pop_all()
        return connection

    def __exit__(self, *ended: Any) -> bool | None:
        return self._within.__exit__(*ended)


def _pieces(keys: Collection[str]) -> list[list[str]]:
    whole = list(keys)
    return [whole[at : at + AT_ONCE] for at in range(0, len(whole), AT_ONCE)]


def open_questions(connection: sa.Connection, questions: Collection[str]) -> dict[str, str]:
    """Return those questions of which nobody knows whether they were answered, each with the code of the reason."""
    found: dict[str, str] = {}
    joined = llm_call_names.join(llm_calls, llm_calls.c.id == llm_call_names.c.call_id)
    for some in _pieces(questions):
        query = sa.select(llm_call_names.c.question, llm_calls.c.kind).select_from(joined)
        query = query.where(llm_call_names.c.question.in_(some), llm_calls.c.state.in_(OPEN_STATES))
        for question, kind in connection.execute(query):
            found[question] = Why.IN_JOB if kind == "job" else Why.IN_DOUBT
    return found


def _provider_of(connection: sa.Connection, call: str) -> str:
    return str(connection.execute(sa.select(llm_calls.c.provider).where(llm_calls.c.id == call)).scalar_one())
