"""Decisions about persons as the platform looks them up: suppressions, erasures, consents. The ledger is what they are made from.

Keyed hashes only. To apply a decision twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import cleansings, consents, erasures, suppressions
from leadscout_assets.governance.ledger import CLEANSING, CONSENT, ERASURE, LIFTING, SUPPRESSION, Decision
from leadscout_assets.governance.matching import Entry

ERASED = "erased"
"""The list of those who were erased; other lists are named by whoever keeps them."""


@dataclass(frozen=True)
class Erasure:
    """One erasure; `done_at` is None while it is not finished."""

    id: str
    begun_at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class Consent:
    """What a person said on one channel, or that they were asked. `what` is consent, objection or approach."""

    id: str
    at: datetime
    channel: str
    what: str
    wording: str | None
    source: str | None
    actor: str


@dataclass(frozen=True)
class Cleansing:
    """One exchange with the keeper of a list: what was sent or came back, and how many."""

    list: str
    at: datetime
    what: str
    entries: int
    sha256: str


class Decisions:
    """The decisions of one application database. `EdgeFailed` where the database fails."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    def apply(self, decision: Decision) -> None:
        """Store a decision of the ledger; one that is known changes nothing."""
        about = decision.about
        if decision.kind == ERASURE:
            self._insert(erasures, [{"id": decision.id, "begun_at": decision.at}])
            self._insert(suppressions, _rows(decision, ERASED))
        elif decision.kind == SUPPRESSION:
            self._insert(suppressions, _rows(decision, str(about["list"])))
        elif decision.kind == LIFTING:
            gone = suppressions.c.entry.in_(about["entries"]) & (suppressions.c.list != ERASED)
            with self._database.begin() as connection:
                connection.execute(suppressions.delete().where(gone))
        elif decision.kind == CONSENT:
            said = {name: about.get(name) for name in ("channel", "what", "wording", "source", "actor")}
            self._insert(
                consents,
                [
                    {
                        "id": decision.id,
                        "kind": kind,
                        "hash": known,
                        "generation": about["generation"],
                        "at": decision.at,
                    }
                    | said
                    for kind, hashes in about["hashes"].items()
                    for known in hashes
                ],
            )
        elif decision.kind == CLEANSING:
            told = {name: about[name] for name in ("list", "what", "entries", "sha256")}
            self._insert(cleansings, [{"id": decision.id, "at": decision.at} | told])

    def entries(self, *, erased: bool | None = None) -> list[Entry]:
        """Return every entry: of the erased, of all other lists, or both."""
        query = sa.select(
            suppressions.c.entry,
            suppressions.c.list,
            suppressions.c.kind,
            suppressions.c.hash,
            suppressions.c.generation,
        )
        if erased is not None:
            query = query.where((suppressions.c.list == ERASED) == erased)
        found: dict[tuple[str, str, int], dict[str, set[str]]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                kinds = found.setdefault((row.entry, row.list, row.generation), {})
                kinds.setdefault(row.kind, set()).add(row.hash)
        return [
            Entry(entry, on, {kind: frozenset(hashes) for kind, hashes in kinds.items()}, generation)
            for (entry, on, generation), kinds in found.items()
        ]

    def lists(self) -> dict[str, tuple[int, datetime]]:
        """Return of each list how many entries it has and when the newest came."""
        query = sa.select(
            suppressions.c.list, sa.func.count(suppressions.c.entry.distinct()), sa.func.max(suppressions.c.at)
        ).group_by(suppressions.c.list)
        with self._database.read() as connection:
            return {name: (count, at) for name, count, at in connection.execute(query)}

    def erasures(self) -> list[Erasure]:
        """Return every erasure, the first begun first."""
        with self._database.read() as connection:
            rows = connection.execute(erasures.select().order_by(erasures.c.begun_at, erasures.c.id)).all()
        return [Erasure(row.id, row.begun_at, row.done_at) for row in rows]

    def finish(self, erasure: str, at: datetime) -> None:
        """Note that an erasure is done and was proven; the first time noted stays."""
        open_ = (erasures.c.id == erasure) & erasures.c.done_at.is_(None)
        with self._database.begin() as connection:
            connection.execute(erasures.update().where(open_).values(done_at=at))

    def consents(self, hashes: Iterable[str]) -> list[Consent]:
        """Return what stands under any of some hashes of the newest generation, the oldest first."""
        query = consents.select().where(consents.c.hash.in_(sorted(hashes))).order_by(consents.c.at, consents.c.id)
        names = Consent.__dataclass_fields__
        with self._database.read() as connection:
            found = [Consent(**{name: row._mapping[name] for name in names}) for row in connection.execute(query)]
        return list(dict.fromkeys(found))

    def all_consents(self) -> dict[str, list[Consent]]:
        """Return every consent by hash, each hash's oldest first."""
        found: dict[str, list[Consent]] = {}
        names = Consent.__dataclass_fields__
        with self._database.read() as connection:
            for row in connection.execute(consents.select().order_by(consents.c.at, consents.c.id)):
                found.setdefault(row.hash, []).append(Consent(**{name: row._mapping[name] for name in names}))
        return found

    def cleansings(self) -> list[Cleansing]:
        """Return every exchange of lists, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(cleansings.select().order_by(cleansings.c.at, cleansings.c.id)).all()
        return [Cleansing(row.list, row.at, row.what, row.entries, row.sha256) for row in rows]

    def forget_wordings(self, hashes: Iterable[str]) -> None:
        """Take out what was typed with the consents under some hashes; what was said, on which channel and when stays."""
        mine = consents.c.hash.in_(sorted(hashes))
        with self._database.begin() as connection:
            connection.execute(consents.update().where(mine).values(wording=None, source=None))

    def drop_before(self, generation: int) -> None:
        """Remove what stands under earlier generations of the key, once it stands under this one, too."""
        with self._database.begin() as connection:
            for table in (suppressions, consents):
                connection.execute(table.delete().where(table.c.generation < generation))

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        insert = sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)
        with self._database.begin() as connection:
            connection.execute(insert.on_conflict_do_nothing(), rows)


def _rows(decision: Decision, on: str) -> list[dict[str, Any]]:
    # A list of opt-outs is one decision with an entry for each value; a person is one entry with all of theirs. Numbered,
    # since under another key the hashes are others, and what was lifted must stay so.
    apart = decision.about.get("each", False)
    hashes: Mapping[str, list[str]] = decision.about["hashes"]
    return [
        {
            "entry": f"{decision.id}-{number}" if apart else decision.id,
            "list": on,
            "kind": kind,
            "hash": known,
            "generation": decision.about["generation"],
            "at": decision.at,
        }
        for kind, found in hashes.items()
        for number, known in enumerate(found)
    ]
