"""Delta tables: read and replace the rows of some batches. Every write names the batches it replaces, or only adds.

Nothing here knows what a row means; the contract says what a row is.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import BATCH_ID, Contract
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.frames import in_order, rows_by_batch
from leadscout_assets.table_files import PARTITION, Filters, all_files, dataset_of, files_of, may_meet, most

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyarrow.dataset import Dataset
    from stamina import Attempt

WRITE_ATTEMPTS = 6
"""Two writers of one batch: the loser's commit fails and is tried again. Four writers never needed more than three."""

WRITERS_SECONDS = 3_600
"""The age at which a file of no version has no writer any more that may still make one of it."""

TOGETHER = ".together.lock"
"""Lock file below the tables' folder. Never unlinked: a second process could lock the file that the first has just removed."""

READER_VERSION = 1
"""Delta's protocol version below which a table is its files and nothing else: no deletion vectors, no renamed columns."""


@dataclass(frozen=True)
class Upkeep:
    """What was found and done to a table: files of its newest version before and after, and their bytes now; old files removed."""

    files_before: int
    files: int
    bytes: int
    removed: int

    def to_metadata(self) -> dict[str, int]:
        """Return the figures by name."""
        return asdict(self)


class Tables:
    """The Delta tables below one folder, one per contract; those with replaceable rows are partitioned by `batch_id`, scattered ones apart."""

    def __init__(self, root: Path) -> None:
        """Take the folder of the tables; nothing is created before the first write."""
        self.root = root
        self._opened: dict[str, DeltaTable] = {}
        self._opening = Lock()

    def replace(self, contract: Contract, frame: pa.Table, batches: Sequence[str]) -> None:
        """Make `frame` the only rows of `batches`, in one atomic commit; other batches stay as they are.

        Raises `ContractBroken` for a frame that does not fit, `ValueError` for no batches at all or a row of a batch
        that is not named, and `EdgeFailed` where storage refuses.
        """
        if not batches:
            raise ValueError("no batches named: a write must say which batches it replaces")
        fitted = contract.fit(frame)
        strangers = set(pc.unique(fitted["batch_id"]).to_pylist()) - set(batches)
        if strangers:
            raise ValueError(
                f"table {contract.name}: {len(strangers)} batches in the frame are not named for replacement"
            )
        self._write(contract, fitted, _predicate(batches))

    def replace_for_good(self, contract: Contract, frame: pa.Table, batches: Sequence[str]) -> int:
        """Replace the rows of `batches` as `replace` does, and remove every file that held others; return how many.

        No version of the table gives back what these batches held before, and versions from before cannot be read as a
        whole any more. A file that is younger than an hour and of no version belongs to a writer that is at it.
        """
        if not batches or not self._exists(contract):
            return 0
        from deltalake import DeltaTable

        self.replace(contract, frame, batches)
        with _writing(contract):
            table, removed = DeltaTable(self._path(contract)), 0
            kept = set(files_of(table, batches)["path"].to_pylist())
            replaced = set(table.vacuum(0, dry_run=True, enforce_retention_duration=False, full=False))
            for batch in batches:
                for path in (self._path(contract) / f"batch_id={batch}").glob("*.parquet"):
                    name = path.relative_to(self._path(contract)).as_posix()
                    old = name in replaced or time.time() - path.stat().st_mtime > WRITERS_SECONDS
                    if name not in kept and old:
                        path.unlink(missing_ok=True)
                        removed += 1
            return removed

    def read(
        self,
        contract: Contract,
        batches: Sequence[str],
        columns: Sequence[str] | None = None,
        *,
        ordered: bool = True,
    ) -> pa.Table:
        """Return the rows of `batches` in the contract's types; no rows where the table is not there yet.

        They come in the contract's order, its key where it names none, if all columns of it are asked for; otherwise,
        or where `ordered` is false, in no order.
        Raises `EdgeFailed` where storage cannot be read.
        """
        wanted = list(columns) if columns is not None else contract.schema.names
        schema = pa.schema([contract.schema.field(name) for name in wanted])
        if not batches or not self._exists(contract):
            return schema.empty_table()
        with _reading(contract):
            rows = self._dataset(contract, batches).to_table(columns=wanted).cast(schema)
            order = contract.order or contract.key
            return in_order(rows, order) if ordered and set(order) <= set(wanted) else rows

    def pick(
        self,
        contract: Contract,
        batches: Sequence[str],
        column: str,
        values: pa.Array,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return those rows of `batches` whose `column` is one of `values`, in no order; no other row is held in memory.

        Raises `EdgeFailed` where storage cannot be read.
        """
        wanted = list(columns) if columns is not None else contract.schema.names
        schema = pa.schema([contract.schema.field(name) for name in wanted])
        if not batches or not len(values) or not self._exists(contract):
            return schema.empty_table()
        from pyarrow import dataset

        with _reading(contract):
            condition = dataset.field(column).isin(values)
            return self._dataset(contract, batches).to_table(columns=wanted, filter=condition).cast(schema)

    def add_new(self, contract: Contract, frame: pa.Table) -> int:
        """Add the rows of `frame` whose key the table does not have yet, in one atomic commit; return how many those were.

        For a table whose key is one column of numbers that grow: what lies below the frame's smallest is not looked at. Two
        writers of the same rows add them once. Raises as `replace` does.
        """
        (key,) = contract.key
        fitted = contract.fit(frame)
        if not fitted.num_rows:
            return 0
        least = pc.min(fitted[key]).as_py()
        with _writing(contract):
            known = self.select(contract, [(key, ">=", least)], [key])[key]
            fresh = fitted.filter(pc.invert(pc.is_in(fitted[key], known.combine_chunks())))
            return self._merge(contract, fresh, key, least) if fresh.num_rows else 0

    def select(self, contract: Contract, filters: Filters, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows that meet all of `filters`, in the contract's types and no order; files that hold none are not read.

        A column that the contract got after a row was written holds 0, an empty text or false there, null where it may.
        Conditions on numbers and moments only: Arrow cannot compare Delta's bounds of texts. No rows where the table is not there yet. Raises `EdgeFailed` where storage cannot be read.
        """
        wanted = list(columns) if columns is not None else contract.schema.names
        schema = pa.schema([contract.schema.field(name) for name in wanted])
        if not self._exists(contract):
            return schema.empty_table()
        from pyarrow import parquet

        with _reading(contract):
            table = self._plain(contract)
            there = {field.name for field in table.schema().fields}
            files = may_meet(all_files(table), filters)
            rows = dataset_of(self._path(contract), table, files).to_table(
                columns=[name for name in wanted if name in there],
                filter=parquet.filters_to_expression(list(filters)) if filters else None,
            )
            return _completed(rows, schema)

    def largest(self, contract: Contract, column: str) -> Any:
        """Return the largest value of a column from the table's log: no data is read. None where there are no rows.

        Raises `EdgeFailed` where storage cannot be read.
        """
        if not self._exists(contract):
            return None
        with _reading(contract):
            files = all_files(self._open(contract))
            return pc.max(files[f"max.{column}"]).as_py() if files.num_rows else None

    def largest_before(self, contract: Contract, column: str, by: str, limit: Any) -> Any:
        """Return the largest value of a column among the rows that have less than `limit` in another one; None where there are none.

        Only files that hold both such rows and others are read; of those that hold nothing else, the table's log tells.
        Raises `EdgeFailed` where storage cannot be read.
        """
        if not self._exists(contract):
            return None
        with _reading(contract):
            files = all_files(self._open(contract))
        if not files.num_rows:
            return None
        wholly = pc.less(most(files, by), limit)
        told = pc.max(files.filter(wholly)[f"max.{column}"]).as_py()
        mixed = pc.and_not(pc.less(files[f"min.{by}"], limit), wholly)
        if told is not None:
            mixed = pc.and_(mixed, pc.greater(files[f"max.{column}"], told))
        if not pc.any(mixed).as_py():
            return told
        above = [(column, ">", told)] if told is not None else []
        read = pc.max(self.select(contract, [(by, "<", limit), *above], [column])[column]).as_py()
        return told if read is None else read

    def rows(self, contract: Contract, batches: Sequence[str]) -> dict[str, int]:
        """Return rows per batch, batches without rows left out, from the table's log: no data is read.

        Only a batch with a file whose writer recorded no count (none of ours) is counted by reading it.
        Raises `EdgeFailed` where storage cannot be read.
        """
        if not batches or not self._exists(contract):
            return {}
        with _reading(contract):
            files = files_of(self._open(contract), batches)
            uncounted = pc.unique(files.filter(pc.is_null(files["num_records"]))[PARTITION]).to_pylist()
            counted = files.group_by(PARTITION).aggregate([("num_records", "sum")])
            sums = zip(counted[PARTITION].to_pylist(), counted["num_records_sum"].to_pylist(), strict=True)
            counts = {batch: rows for batch, rows in sums if rows and batch not in uncounted}
        return counts | rows_by_batch(self.read(contract, uncounted, ["batch_id"]))

    def maintain(self, contract: Contract, keep: timedelta) -> Upkeep | None:
        """Compact small files, remove files that no version of the last `keep` needs, and shorten the log.

        Every version that was the newest one at some moment within `keep` can still be read afterwards, and so can what
        a writer is writing meanwhile. None where the table is not there yet. Raises `EdgeFailed` where storage refuses.
        """
        if not self._exists(contract):
            return None
        from deltalake import DeltaTable

        with _writing(contract):
            table = DeltaTable(self._path(contract))
            before = len(table.file_uris())
            for attempt in _attempts():
                with attempt:
                    table.update_incremental()
                    _keep_log(table, keep)
                    table.optimize.compact()
            hours = math.ceil(keep.total_seconds() / 3600)
            removed = table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True)
            table.create_checkpoint()
            table.cleanup_metadata()
            files = all_files(table)
            size = pc.sum(files["size_bytes"], min_count=0).as_py()
            return Upkeep(files_before=before, files=files.num_rows, bytes=size, removed=len(removed))

    def obsolete_files(self, contract: Contract, keep: timedelta) -> int:
        """Return how many files `maintain` would remove now; those that it would make so by compacting are not among them."""
        if not self._exists(contract):
            return 0
        hours = math.ceil(keep.total_seconds() / 3600)
        with _reading(contract):
            table = self._open(contract)
            return len(table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True))

    def scrub(self, contract: Contract, batches: Sequence[str]) -> int:
        """Remove every file of `batches` that the newest version does not need, and what the log tells of their values.

        For when rows must be gone for good, whatever `LEADSCOUT_UNDO_DAYS` keeps: earlier versions of these batches can no
        longer be read, those of others can. Nobody may write meanwhile. Returns how many files were removed. Raises `EdgeFailed`.
        """
        if not batches or not self._exists(contract):
            return 0
        from deltalake import DeltaTable

        with _writing(contract):
            path, removed = self._path(contract), 0
            table = DeltaTable(path)
            needed = set(all_files(table)["path"].to_pylist())
            for batch in batches:
                for file in (path / f"batch_id={batch}").glob("*"):
                    if file.relative_to(path).as_posix() not in needed:
                        file.unlink()
                        removed += 1
            # A checkpoint keeps the bounds of every column, which are values. A new one knows only what is there now.
            table.create_checkpoint()
            _forget_bounds(path / "_delta_log", table.version(), set(batches), needed)
        return removed

    def _path(self, contract: Contract) -> Path:
        return self.root / contract.name

    def _exists(self, contract: Contract) -> bool:
        from deltalake import DeltaTable

        # Not its folder alone: a writer killed before its first commit leaves that behind.
        path = self._path(contract)
        if path.is_dir() and DeltaTable.is_deltatable(str(path)):
            return True
        self._opened.pop(contract.name, None)
        return False

    def _open(self, contract: Contract) -> DeltaTable:
        """Return the table at its newest version, for reading: writers change the object they hold.

        With 5,000 batches, opening it costs 0.1 s; to catch up with what others have written costs 1 ms.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        with self._opening:
            if known := self._opened.get(contract.name):
                try:
                    known.update_incremental()
                except DeltaError:  # the log behind it was shortened meanwhile
                    del self._opened[contract.name]
                else:
                    return known
            return self._opened.setdefault(contract.name, DeltaTable(self._path(contract)))

    def _dataset(self, contract: Contract, batches: Sequence[str]) -> Dataset:
        """Return the files of `batches`: a batch has its files to itself, so that its id is all there is to know of them."""
        table = self._plain(contract)
        return dataset_of(self._path(contract), table, files_of(table, batches))

    def _plain(self, contract: Contract) -> DeltaTable:
        """Open a table that is its files and nothing else."""
        table = self._open(contract)
        if table.protocol().min_reader_version > READER_VERSION:
            raise EdgeFailed(f"table {contract.name} was rewritten by a tool whose features LeadScout cannot read")
        return table

    def _merge(self, contract: Contract, frame: pa.Table, key: str, least: int) -> int:
        from deltalake import DeltaTable

        path, added = self._path(contract), 0
        # The loser of two writers reads the table again, and finds the other's rows.
        for attempt in _attempts():
            with attempt:
                if not self._exists(contract):
                    make_private(path)
                    DeltaTable.create(path, contract.schema, mode="ignore")
                merge = DeltaTable(path).merge(
                    frame,
                    f"t.{key} = s.{key} AND t.{key} >= {least:d}",
                    source_alias="s",
                    target_alias="t",
                    # A column that is new in the contract becomes one of the table.
                    merge_schema=True,
                )
                added = int(merge.when_not_matched_insert_all().execute()["num_target_rows_inserted"])
        return added

    def _write(self, contract: Contract, frame: pa.Table, predicate: str) -> None:
        from deltalake import DeltaTable, write_deltalake

        path = self._path(contract)
        with _writing(contract):
            for attempt in _attempts():
                with attempt:
                    if not self._exists(contract):
                        make_private(path)
                        own = None if contract.scattered else ["batch_id"]
                        DeltaTable.create(path, contract.schema, mode="ignore", partition_by=own)
                    write_deltalake(path, frame, mode="overwrite", predicate=predicate)


def _attempts() -> Iterable[Attempt]:
    """Yield attempts at a commit, until one succeeds: another writer may always have been first."""
    import stamina
    from deltalake.exceptions import CommitFailedError

    return stamina.retry_context(on=CommitFailedError, attempts=WRITE_ATTEMPTS, timeout=60)


def _keep_log(table: DeltaTable, keep: timedelta) -> None:
    """Have Delta keep its log for `keep`: it shortens it by itself now and then, by a duration of its own.

    Written where it differs alone: whoever writes rows meanwhile has to begin again where it changes.
    """
    kept = f"interval {math.ceil(keep.total_seconds())} seconds"
    wanted = {"delta.logRetentionDuration": kept, "delta.deletedFileRetentionDuration": kept}
    if not wanted.items() <= table.metadata().configuration.items():
        table.alter.set_table_properties(wanted)


def _completed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of `schema`; what they lack has the type's nothing, null where that is allowed."""
    columns = []
    for field in schema:
        if field.name in rows.column_names:
            values = rows[field.name]
        else:
            values = pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
        if values.null_count and not field.nullable:
            nothing = pa.scalar("" if pa.types.is_string(field.type) else 0)
            values = pc.fill_null(values, nothing.cast(field.type))
        columns.append(values)
    return pa.table(columns, names=schema.names).cast(schema)


@contextmanager
def together(root: Path) -> Iterator[None]:
    """Hold the tables below `root` whose rows belong together: one process at a time changes them, or looks at all of them at once.

    The kernel lets go of it with its holder, however that ends. Raises `EdgeFailed` where the folder cannot be written.
    """
    import fcntl  # POSIX only, like the platform

    try:
        make_private(root)
        held = (root / TOGETHER).open("a")
    except OSError as error:
        raise EdgeFailed(f"the tables cannot be locked: {error.strerror}; check LEADSCOUT_HOME/tables") from None
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _forget_bounds(log: Path, version: int, batches: set[str], needed: set[str]) -> None:
    """Take the bounds of columns out of the log where they are of files of `batches` that are gone, and old checkpoints away."""
    import orjson

    for checkpoint in log.glob("*.checkpoint*.parquet"):
        if not checkpoint.name.startswith(f"{version:020}"):
            checkpoint.unlink()
    for commit in log.glob("*.json"):
        actions, changed = [orjson.loads(line) for line in commit.read_bytes().splitlines() if line.strip()], False
        for action in actions:
            file = action.get("add") or action.get("remove") or {}
            batch = (file.get("partitionValues") or {}).get("batch_id")
            if file.get("stats") and batch in batches and file["path"] not in needed:
                file["stats"] = None
                changed = True
        if changed:
            beside = commit.with_name(f".{commit.name}.new")
            beside.write_bytes(b"\n".join(orjson.dumps(action) for action in actions) + b"\n")
            beside.replace(commit)


@contextmanager
def _reading(contract: Contract) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException):
        raise EdgeFailed(f"table {contract.name} cannot be read; see `leadscout doctor`") from None


@contextmanager
def _writing(contract: Contract) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        kind = type(error).__name__
        raise EdgeFailed(
            f"table {contract.name} was not written ({kind}) and is as it was before; check free space and permissions"
        ) from None


def _predicate(batches: Sequence[str]) -> str:
    # delta-rs takes no bound parameters here, so nothing but a well-formed batch id may enter the text.
    if not all(re.fullmatch(BATCH_ID, batch) for batch in batches):
        raise ValueError("a batch id is malformed")
    return "batch_id IN ({})".format(", ".join(f"'{batch}'" for batch in sorted(set(batches))))
