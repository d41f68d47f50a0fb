"""What the platform knows of each delivery: content, time, rows counted, runs requested, and why a step refused it.

Plain records in and out. The files themselves, their names and the decision what to run next belong to `inbox`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leadscout_assets.contracts import BATCH_ID
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import UtcDateTime, deliveries, refusals
from leadscout_assets.errors import BadInput, UnknownBatch

CHUNK = 10_000
"""Ids bound in one statement: SQLite takes at most 32,766 parameters, PostgreSQL 65,535."""

OF_THE_PURPOSE = (
    "purpose", "purpose_entry", "purpose_before", "purpose_refusal", "retention_days", "inferred_deleted_at",
)  # fmt: skip
"""What a record says of the purpose under which the names of its batch were last classified."""


@dataclass(frozen=True)
class DeliveryRecord:
    """One delivery.

    `sha256` is of the file's content, in hex; `delivered_at` is aware (UTC when it comes from the database);
    `rows_counted` is None where the second reader could not read the file; `run_key` is the newest run's, None
    before the first request; `attempts` counts the runs requested; `reported_at` is None while a run is still owed.
    Of the purpose under which its names were last classified: its id, the digest of its entry in the register, the
    purpose before it where that was another, and why it was refused where it was. `retention_days` from the delivery
    on, what was inferred may be kept; `inferred_deleted_at` is when it was deleted after that.
    `undone_at` is None while the batch counts; `again_at` is when it was delivered again after it was undone.
    `rewritten_sha256` is that of the stored file where rows of it were erased.
    """

    batch_id: str
    sha256: str
    size_bytes: int
    delivered_at: datetime
    rows_counted: int | None
    run_key: str | None = None
    attempts: int = 0
    reported_at: datetime | None = None
    purpose: str | None = None
    purpose_entry: str | None = None
    purpose_before: str | None = None
    purpose_refusal: str | None = None
    retention_days: int | None = None
    inferred_deleted_at: datetime | None = None
    undone_at: datetime | None = None
    again_at: datetime | None = None
    rewritten_sha256: str | None = None

    def __post_init__(self) -> None:
        """Hold `delivered_at` to a time zone."""
        if self.delivered_at.tzinfo is None:
            raise ValueError("delivered_at needs a time zone")


@dataclass(frozen=True)
class NotedRefusal:
    """Why a step refused a batch: a stable code, a sentence that says what to do, and when (UTC)."""

    batch_id: str
    step: str
    code: str
    sentence: str
    at: datetime


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Deliveries:
    """The deliveries of one application database. `EdgeFailed` where the database fails."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def record(self, record: DeliveryRecord) -> DeliveryRecord:
        """Store `record`, unless its content is known already, and return what is stored for the content.

        Doing it again, also from several processes at once, changes nothing. Where the same content came before
        under another batch id, that delivery is returned: compare the ids. Raises `BadInput` where the batch id
        belongs to other content.
        """
        values = {
            "batch_id": record.batch_id,
            "sha256": record.sha256,
            "size_bytes": record.size_bytes,
            "delivered_at": record.delivered_at,
            "rows_counted": record.rows_counted,
            "rewritten_sha256": record.rewritten_sha256,
        }
        with self._database.begin() as connection:
            connection.execute(self._insert(deliveries).values(values).on_conflict_do_nothing())
            stored = _one(connection, deliveries.c.sha256 == record.sha256)
        if stored is None:
            raise BadInput("another file was delivered under the same batch id; rename the file and deliver it again")
        return stored

    def get(self, batch_id: str) -> DeliveryRecord:
        """Return the delivery of `batch_id`. Raises `UnknownBatch`."""
        with self._database.read() as connection:
            found = _one(connection, deliveries.c.batch_id == batch_id)
        if found is None:
            raise _unknown(batch_id)
        return found

    def by_sha256(self, sha256: str) -> DeliveryRecord | None:
        """Return the delivery of this content, or None where it is new."""
        with self._database.read() as connection:
            return _one(connection, deliveries.c.sha256 == sha256)

    def many(self, batch_ids: Collection[str]) -> dict[str, DeliveryRecord]:
        """Return the deliveries of `batch_ids` by batch id, in the order asked. Raises `UnknownBatch`."""
        found: dict[str, DeliveryRecord] = {}
        with self._database.read() as connection:
            for chunk in _chunks(batch_ids):
                found |= {r.batch_id: r for r in _some(connection, deliveries.c.batch_id.in_(chunk))}
        for batch_id in batch_ids:
            if batch_id not in found:
                raise _unknown(batch_id)
        return {batch_id: found[batch_id] for batch_id in batch_ids}

    def all(self) -> list[DeliveryRecord]:
        """Return every delivery, the earliest delivered first; of equal times the first recorded first."""
        with self._database.read() as connection:
            return _some(connection, sa.true())

    def newest(self) -> DeliveryRecord | None:
        """Return the delivery delivered last, undone ones apart, or None before the first."""
        latest = (
            sa.select(*_COLUMNS)
            .where(deliveries.c.undone_at.is_(None))
            .order_by(deliveries.c.delivered_at.desc(), deliveries.c.number.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(latest).one_or_none()
        return None if row is None else _delivery(row)

    def first_delivered_at(self) -> datetime | None:
        """Return when the oldest delivery was delivered, or None before the first."""
        oldest = sa.select(sa.func.min(deliveries.c.delivered_at, type_=UtcDateTime))
        with self._database.read() as connection:
            return connection.execute(oldest).scalar()

    def counts(self) -> tuple[int, int]:
        """Return how many deliveries there are, and for how many of them a run is still owed."""
        query = sa.select(sa.func.count(), sa.func.count(deliveries.c.reported_at)).select_from(deliveries)
        with self._database.read() as connection:
            every, reported = connection.execute(query).one()
        return int(every), int(every) - int(reported)

    def unreported(self) -> list[DeliveryRecord]:
        """Return the deliveries whose report has not been seen yet, undone ones apart, in the order of `all`."""
        with self._database.read() as connection:
            return _some(connection, deliveries.c.reported_at.is_(None) & deliveries.c.undone_at.is_(None))

    def note_undone(self, batch_id: str, at: datetime) -> None:
        """Note that the batch is taken out of everything; the first time noted stays. Raises `UnknownBatch`."""
        self.get(batch_id)
        this = (deliveries.c.batch_id == batch_id) & deliveries.c.undone_at.is_(None)
        with self._database.begin() as connection:
            connection.execute(deliveries.update().where(this).values(undone_at=at))

    def take_back(self, batch_id: str, at: datetime) -> bool:
        """Let an undone batch count again, with a run owed; return whether it was undone.

        The runs asked for so far still count, so that the next one gets a key of its own.
        """
        this = (deliveries.c.batch_id == batch_id) & deliveries.c.undone_at.is_not(None)
        values = {"undone_at": None, "again_at": at, "reported_at": None, "run_key": None}
        with self._database.begin() as connection:
            return bool(connection.execute(deliveries.update().where(this).values(values)).rowcount)

    def note_reported(self, batch_ids: Collection[str], at: datetime) -> None:
        """Note that the reports of `batch_ids` are there; the first time noted stays."""
        if not batch_ids:
            return  # the common case takes no write lock
        with self._database.begin() as connection:
            for chunk in _chunks(batch_ids):
                unseen = deliveries.c.batch_id.in_(chunk) & deliveries.c.reported_at.is_(None)
                connection.execute(deliveries.update().where(unseen).values(reported_at=at))

    def note_rows(self, batch_id: str, rows_counted: int) -> None:
        """Correct the count of rows delivered. Raises `UnknownBatch`."""
        self._set(batch_id, {"rows_counted": rows_counted})

    def note_rewritten(self, batch_id: str, sha256: str) -> None:
        """Note what the stored file is now that rows of it were erased. Raises `UnknownBatch`."""
        this = deliveries.c.batch_id == batch_id
        with self._database.begin() as connection:
            if connection.execute(deliveries.update().where(this).values(rewritten_sha256=sha256)).rowcount != 1:
                raise _unknown(batch_id)

    def note_request(self, batch_ids: Collection[str], run_key: str) -> None:
        """Note that one run with `run_key` was requested for `batch_ids`. Raises `UnknownBatch`, noting nothing."""
        with self._database.begin() as connection:
            for chunk in _chunks(batch_ids):
                noted = (
                    deliveries.update()
                    .where(deliveries.c.batch_id.in_(chunk))
                    .values(run_key=run_key, attempts=deliveries.c.attempts + 1)
                    .returning(deliveries.c.batch_id)
                )
                missing = set(chunk).difference(connection.execute(noted).scalars())
                if missing:
                    raise _unknown(min(missing))

    def note_purpose(self, record: DeliveryRecord) -> None:
        """Note what a record says of its purpose and retention, and nothing else of it. Raises `UnknownBatch`."""
        self._set(record.batch_id, {name: getattr(record, name) for name in OF_THE_PURPOSE})

    def note_inferred_deleted(self, batch_id: str, at: datetime) -> None:
        """Note that what was inferred about a batch was deleted. Raises `UnknownBatch`."""
        self._set(batch_id, {"inferred_deleted_at": at})

    def _set(self, batch_id: str, values: Mapping[str, object]) -> None:
        with self._database.begin() as connection:
            changed = deliveries.update().where(deliveries.c.batch_id == batch_id).values(**values)
            if connection.execute(changed).rowcount != 1:
                raise _unknown(batch_id)

    def settle(self, step: str, batch_ids: Collection[str], refused: Mapping[str, tuple[str, str]]) -> None:
        """Set what `step` decided about all of `batch_ids` at once: refused with (code, sentence), or not.

        `refused` holds batch id -> (code, sentence); refusals of other batches and steps stay.
        Raises `UnknownBatch`, changing nothing, where a refused batch has no delivery.
        """
        if set(refused) - set(batch_ids):
            raise ValueError("only batches that were decided about can be refused")
        standing = any(refusal.step == step for found in self.refusals(batch_ids).values() for refusal in found)
        if not refused and not standing:
            return  # the common case takes no write lock
        self.many(list(refused))
        at = self._now()
        rows = [
            {"batch_id": batch_id, "step": step, "code": code, "sentence": sentence, "at": at}
            for batch_id, (code, sentence) in refused.items()
        ]
        with self._database.begin() as connection:
            for chunk in _chunks(batch_ids):
                old = refusals.delete().where(refusals.c.step == step, refusals.c.batch_id.in_(chunk))
                connection.execute(old)
            if rows:
                connection.execute(self._upsert(), rows)

    def refusals(self, batch_ids: Collection[str]) -> dict[str, tuple[NotedRefusal, ...]]:
        """Return the refusals of `batch_ids` by batch id, each batch's by time; batches without one are left out."""
        found: dict[str, tuple[NotedRefusal, ...]] = {}
        with self._database.read() as connection:
            for chunk in _chunks(batch_ids):
                query = refusals.select().where(refusals.c.batch_id.in_(chunk)).order_by(refusals.c.at, refusals.c.step)
                for row in connection.execute(query):
                    found[row.batch_id] = (*found.get(row.batch_id, ()), NotedRefusal(**row._mapping))
        return found

    def refusal_sentences(self, batch_ids: Collection[str]) -> dict[str, str]:
        """Return why each refused batch of `batch_ids` was refused first."""
        return {batch_id: found[0].sentence for batch_id, found in self.refusals(batch_ids).items()}

    def _insert(self, table: sa.Table) -> Any:
        # SQLAlchemy spells ON CONFLICT once per dialect, and the two classes share no type.
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)

    def _upsert(self) -> Any:
        # Another process may have refused the same batch between the delete and here.
        new = self._insert(refusals)
        return new.on_conflict_do_update(
            index_elements=["batch_id", "step"],
            set_={"code": new.excluded.code, "sentence": new.excluded.sentence, "at": new.excluded.at},
        )


_COLUMNS = tuple(column for column in deliveries.c if column.name != "number")


def _some(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[DeliveryRecord]:
    query = sa.select(*_COLUMNS).where(condition).order_by(deliveries.c.delivered_at, deliveries.c.number)
    return [_delivery(row) for row in connection.execute(query)]


def _one(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> DeliveryRecord | None:
    return next(iter(_some(connection, condition)), None)


def _delivery(row: sa.Row[Any]) -> DeliveryRecord:
    return DeliveryRecord(**row._mapping)


def _chunks(batch_ids: Collection[str]) -> Iterator[Sequence[str]]:
    ids = list(dict.fromkeys(batch_ids))
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _unknown(batch_id: str) -> UnknownBatch:
    # What a person typed may be a file's name, which may be personal: only a real batch id is repeated.
    named = f"no delivery has the batch id {batch_id}" if re.fullmatch(BATCH_ID, batch_id) else "this is no batch id"
    return UnknownBatch(f"{named}; `leadscout batches` lists the ones there are")
