"""Everything below one LEADSCOUT_HOME, opened when first used: tables, store, database, keys, inbox.

Composition only. What the parts do is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import EdgeFailed, UnreadableFile
from leadscout_assets.folders import make_private
from leadscout_assets.governance.keys import LEAD_ID, SUPPRESSION, Hasher, generations, hasher, read_or_make_key
from leadscout_assets.governance.ledger import Ledger, ledger_of
from leadscout_assets.inbox import DeliveryStore, take
from leadscout_assets.leads.column_maps import ColumnMap, ColumnMaps
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from leadscout_assets.database.decisions import Decisions
    from leadscout_assets.database.deliveries import Deliveries, DeliveryRecord
    from leadscout_assets.database.engine import Database
    from leadscout_assets.governance.matching import Matcher
    from leadscout_assets.llm.interview import Interview
    from leadscout_assets.llm.jobs import Jobs
    from leadscout_assets.llm.kept import Kept
    from leadscout_assets.llm.stage import Stage
    from leadscout_assets.names.outcome import ModelOutcome
    from leadscout_assets.tables import Tables

FORGOTTEN_NAME = "(file name not kept)"
"""Shown where a delivery's manifest is gone; the rest of it stands in the application database."""


@dataclass(frozen=True)
class Delivered:
    """A delivery; whether it was not on record before; whether it had been undone, and so counts again."""

    delivery: Delivery
    new: bool
    again: bool = False


class Home:
    """The parts of one home, each opened when it is first used."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is opened or created yet."""
        self.settings = settings

    @cached_property
    def tables(self) -> Tables:
        """The Delta tables."""
        # Not at the top: commands that touch no table should not wait for Arrow.
        from leadscout_assets.tables import Tables

        return Tables(self.settings.tables_dir)

    @cached_property
    def store(self) -> DeliveryStore:
        """The delivered files."""
        return DeliveryStore(self.settings.deliveries_dir)

    @cached_property
    def database(self) -> Database:
        """The application database, its schema up to date."""
        from leadscout_assets.database.engine import database_of, upgrade

        database = database_of(self.settings)
        upgrade(database)
        return database

    @cached_property
    def records(self) -> Deliveries:
        """The delivery records."""
        from leadscout_assets.database.deliveries import Deliveries

        return Deliveries(self.database)

    def interview(self, record: dict[str, Any] | None = None) -> Interview | None:
        """Return what asks a language model for one step, and fills in `record`; None where the settings name none."""
        if not self.settings.llm_is_on:
            return None
        from leadscout_assets.llm.interview import Interview

        return Interview(self.llm_stage(strict=False), record)

    def llm_stage(self, *, strict: bool = True) -> Stage:
        """Return the stage that asks the providers of the settings. Raises `BadSetting` unless what cannot be used is passed over."""
        from leadscout_assets.llm.setup import stage_of

        return stage_of(self.settings, self.database, self.llm_key, strict=strict)

    @cached_property
    def llm_key(self) -> bytes:
        """The key of the hashes by which answers of language models are kept. Losing it means to ask and pay again."""
        return read_or_make_key(self._llm_key_file)

    @property
    def _llm_key_file(self) -> Path:
        return self.settings.keys_dir / "language-models.key"

    def forget_answers(self, names: Iterable[str]) -> int:
        """Take out what language models were asked and answered about some names, and return how many rows these were."""
        from leadscout_assets.llm.setup import ledger_of

        questions = self._questions(names)
        return ledger_of(self.settings, self.database).forget(questions) if questions else 0

    def answers_about(self, names: Iterable[str]) -> list[Kept]:
        """Return what language models were asked and answered about some names, the oldest first."""
        from leadscout_assets.llm.kept import kept_about

        questions = self._questions(names)
        return kept_about(self.database, questions) if questions else []

    def _questions(self, names: Iterable[str]) -> list[str]:
        from leadscout_assets.llm.questions import cleaned, question_key

        # Without a key nobody was ever asked, and none is made for that.
        return [question_key(cleaned(name), self.llm_key) for name in names] if self._llm_key_file.is_file() else []

    def llm_jobs(self) -> Jobs:
        """Return what asks by the batch APIs of the providers of the settings."""
        from leadscout_assets.llm.setup import jobs_of

        return jobs_of(self.settings, self.llm_stage())

    def undecided_names(self, batches: Sequence[str]) -> dict[str, str]:
        """Return the distinct names of batches that have no answer in their classifications, each with its first batch.

        Whether they may be sent is not asked here, but by `batch_purposes.may_be_sent`.
        """
        from leadscout_assets.contracts import CLASSIFICATIONS, LEADS
        from leadscout_assets.names.asked import full_names, undecided_rows

        found: dict[str, str] = {}
        for batch in batches:
            by_id = {row["lead_id"]: row for row in self.tables.read(CLASSIFICATIONS, [batch]).to_pylist()}
            leads = self.tables.read(LEADS, [batch])
            leads = leads.filter([lead in by_id for lead in leads["lead_id"].to_pylist()])
            methods = [by_id[lead]["method"] for lead in leads["lead_id"].to_pylist()]
            rows = undecided_rows(methods, leads)
            for name in full_names(leads, rows):
                found.setdefault(name, batch)
        return found

    def answers(self, batches: Sequence[str]) -> pa.Table:
        """Return the origin of each lead of some batches, null where none is known, with the columns that tell leads apart."""
        from leadscout_assets.contracts import CLASSIFICATIONS

        return self.tables.read(CLASSIFICATIONS, batches, ["batch_id", "lead_id", "origin"], ordered=False)

    def asked(self, batches: Sequence[str]) -> dict[str, ModelOutcome]:
        """Return what became of names that a language model was asked about, by batch; nothing where none may be asked."""
        if not self.settings.llm_is_on:
            return {}
        from leadscout_assets.llm.outcomes import outcomes_of

        return outcomes_of(self.database, batches)

    def let_ask_again(self, batches: Sequence[str]) -> int:
        """Let names in doubt be asked about again, and return in how many calls these are. What is booked stays."""
        from leadscout_assets.llm.setup import ledger_of

        return ledger_of(self.settings, self.database).write_off(batches, self._calls_are_over)

    def book_by_bill(self, provider: str, billed: int) -> int:
        """Book a provider's calls in doubt by its bill, billionths of a dollar; see `Ledger.reconcile`."""
        from leadscout_assets.llm.setup import ledger_of

        return ledger_of(self.settings, self.database).reconcile(provider, billed, self._calls_are_over)

    @property
    def _calls_are_over(self) -> datetime:
        """Since when a call may still be under way; what was reserved earlier has ended, or its process was killed."""
        return datetime.now(UTC) - timedelta(seconds=self.settings.llm_call_seconds + 60)

    def column_maps(self, named: ColumnMap | None = None) -> ColumnMaps:
        """Return what is saved for lists with a certain header, and what is `named` for the one at hand."""
        from leadscout_assets.database.column_mappings import all_mappings

        saved = {mapping.header: mapping.columns for mapping in all_mappings(self.database)}
        return ColumnMaps(named or {}, saved)

    @cached_property
    def lead_id_key(self) -> bytes:
        """The key of the lead ids, made at first use. Losing it means new lead ids for every later batch."""
        return self.lead_id_keys[0]

    @cached_property
    def lead_id_keys(self) -> list[bytes]:
        """Every generation of the key of the lead ids, the newest first: what was noted under an earlier id is found by them."""
        return [read_or_make_key(path) for path in reversed(generations(self.settings.keys_dir, LEAD_ID))]

    @property
    def hasher(self) -> Hasher:
        """Hashes what identifies a person, under the newest generation of its key."""
        return hasher(self.settings.keys_dir, SUPPRESSION)

    @property
    def ledger(self) -> Ledger:
        """The decisions about persons, outside the database."""
        return ledger_of(self.settings.home)

    @cached_property
    def decisions(self) -> Decisions:
        """The decisions about persons, to look them up."""
        from leadscout_assets.database.decisions import Decisions

        return Decisions(self.database)

    @property
    def has_decisions(self) -> bool:
        """Whether anything was ever decided about a person; looked up without opening the database."""
        return self.ledger.path.exists()

    def matcher(self, *, erased: bool) -> Matcher:
        """Return what finds the rows of those who were erased, or else of all that is on another list."""
        from leadscout_assets.governance.matching import Matcher

        # Without any decision no database is asked, and no key made.
        entries = self.decisions.entries(erased=erased) if self.has_decisions else []
        return Matcher(entries, self.hasher if entries else Hasher([bytes(32)]))

    def last_cleansed(self) -> dict[str, datetime]:
        """Return of each list that was exchanged with a registry when the answer last came, or else when it was sent."""
        found: dict[str, datetime] = {}
        for one in self.decisions.cleansings() if self.has_decisions else ():
            # A list that was sent and never answered is not clean: it counts from the first time that it was sent.
            if one.what == "received" or one.list not in found:
                found[one.list] = one.at
        return found

    def noted(self, leads: pa.Table) -> pa.Table:
        """Return leads with the column `may_be_contacted`, where something is recorded of any of them."""
        if not self.has_decisions:
            return leads
        from leadscout_assets.governance.consents import note_on

        return note_on(leads, self.decisions.all_consents(), self.hasher)

    def suppressed(self, raw: pa.Table) -> npt.NDArray[np.bool_]:
        """Return for each raw row whether it is on a suppression list."""
        return self.matcher(erased=False).mask(raw)

    def leads_on_lists(self, batch: str) -> frozenset[str]:
        """Return the ids of the leads of a batch whose persons or businesses are on a suppression list by now."""
        import numpy as np
        import pyarrow as pa

        from leadscout_assets import contracts

        matcher = self.matcher(erased=False)
        if not matcher:
            return frozenset()
        raw = self.tables.read(contracts.RAW_LEADS, [batch])
        rows = np.asarray(raw["source_row"])[matcher.mask(raw)]
        leads = self.tables.read(contracts.LEADS, [batch], ["source_row", "lead_id"])
        theirs = np.isin(np.asarray(leads["source_row"]), rows)
        return frozenset(leads["lead_id"].filter(pa.array(theirs)).to_pylist())

    def without_erased(self, raw: pa.Table) -> pa.Table:
        """Return raw rows with a marker in place of each whose person was erased."""
        from leadscout_assets.leads.erased import without

        return without(raw, self.matcher(erased=True).mask(raw))

    def deliver(
        self, source: Path, *, now: datetime, arrived: datetime | None = None, by: str | None = None
    ) -> Delivered:
        """Store a file and record its delivery; known content keeps the delivery it was. Safe to repeat.

        Content whose batch was undone counts again, unless the file lay there (`arrived`) before that; without `arrived`
        somebody delivers it by hand, whatever the clock says. `by` is the part that delivers, for the audit trail; the
        user of the machine unless named.
        """
        from leadscout_assets.database.audit import events, record_event
        from leadscout_assets.database.deliveries import DeliveryRecord
        from leadscout_assets.leads.counting import count_rows
        from leadscout_assets.pipeline import read_limits

        settings, limits = self.settings, read_limits(self.settings)
        delivery = take(
            source,
            self.store,
            lambda path: count_rows(path, limits=limits, sheet=settings.sheet),
            now=now,
            slug=settings.batch_slug,
            clean=self._clean,
        )
        new = self.records.by_sha256(delivery.sha256) is None
        stored = self.records.record(
            DeliveryRecord(
                batch_id=delivery.batch_id,
                sha256=delivery.sha256,
                size_bytes=delivery.size_bytes,
                delivered_at=delivery.delivered_at,
                rows_counted=delivery.rows_counted,
                rewritten_sha256=self._rewritten(delivery.sha256) if new else None,
            )
        )
        if stored.batch_id != delivery.batch_id:
            # Another process delivered the same content under another name at this moment, and was recorded first.
            delivery = replace(delivery, batch_id=stored.batch_id, delivered_at=stored.delivered_at)
            self.store.keep(delivery)
        # Asked for by the trail, not by what is new: a kill may have come between the record and its event.
        if not events(self.database, action="delivery.recorded", subject=stored.batch_id, limit=1):
            detail = {"sha256": stored.sha256, "rows": stored.rows_counted}
            record_event(self.database, actor=by, action="delivery.recorded", subject=stored.batch_id, detail=detail)
        again = stored.undone_at is not None and (arrived is None or arrived > stored.undone_at)
        if again:
            self._take_back(stored.batch_id, now, by)
        return Delivered(delivery, new, again)

    def _take_back(self, batch: str, now: datetime, by: str | None) -> None:
        from leadscout_assets.database.audit import record_event

        if self.records.take_back(batch, now):
            record_event(self.database, actor=by, action="batch.taken_back", subject=batch)

    def contents(self, deliveries: Sequence[Delivery]) -> Callable[[str], Path]:
        """Return what gives the file of each of some deliveries by its SHA-256, asked of the database at once.

        It raises `UnreadableFile` where the batch was undone.
        """
        records = self.records.many([delivery.batch_id for delivery in deliveries]).values()
        undone = {record.sha256 for record in records if record.undone_at is not None}

        def path_of(sha256: str) -> Path:
            if sha256 in undone:
                raise UnreadableFile("undone", "the batch was undone; deliver its file again to take it back in")
            return self.store.path(sha256)

        return path_of

    def _rewritten(self, sha256: str) -> str | None:
        """Return the hash of a stored file where it is no more what was delivered."""
        if not self.has_decisions:
            return None
        stored = sha256_of(self.store.path(sha256))
        return None if stored == sha256 else stored

    def _clean(self, copy: Path) -> None:
        """Put markers in place of the rows of those who were erased, before a delivered file is kept."""
        matcher = self.matcher(erased=True)
        if not matcher:
            return
        from leadscout_assets.governance.cleaning import without_persons
        from leadscout_assets.pipeline import read_limits

        without_persons(copy, matcher, read_limits(self.settings), self.settings.sheet, self.column_maps())

    def make_inbox(self) -> Path:
        """Make the inbox where it is missing, and return it. Elsewhere than in the home, it is open to who may drop files."""
        make_private(self.settings.home)
        self.settings.inbox_dir.mkdir(parents=True, exist_ok=True)
        return self.settings.inbox_dir

    def recount(self, batch: str, rows: int) -> None:
        """Correct the count of rows delivered, where a later look with other settings found another."""
        self.records.note_rows(batch, rows)
        known = self.store.manifest(self.records.get(batch).sha256)
        if known is not None:
            self.store.keep(replace(known, rows_counted=rows))

    def deliveries(self, batches: Sequence[str]) -> list[Delivery]:
        """Return the deliveries of `batches`, in their order.

        Raises `UnknownBatch`, and `EdgeFailed` where the whole store is gone: that is no fault of one batch.
        """
        records = self.records.many(batches).values()
        if records and not self.store.root.is_dir():
            raise EdgeFailed("the store of delivered files is not there: mount or restore the home's deliveries folder")
        return [self._with_name(record) for record in records]

    def _with_name(self, record: DeliveryRecord) -> Delivery:
        known = self.store.manifest(record.sha256)
        return Delivery(
            batch_id=record.batch_id,
            sha256=record.sha256,
            file_name=known.file_name if known else FORGOTTEN_NAME,
            size_bytes=record.size_bytes,
            delivered_at=known.delivered_at if known else record.delivered_at,
            rows_counted=record.rows_counted,
        )
