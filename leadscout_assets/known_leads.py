"""Known leads in their tables: taking batches in and out, and asking what is known. What belongs together is identity/'s.

One process at a time changes them. What a change writes lies whole in a journal first, so that a kill between two tables is
made good by whoever comes next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import (
    KNOWN_LEAD_INDEX,
    KNOWN_LEAD_LINKS,
    KNOWN_LEADS,
    LEADS,
    MOMENT,
    VALUE_GROUPS,
    Contract,
)
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.identity.blocking import BLOCKS, blocks, equal_texts, meet, of_batches
from leadscout_assets.identity.resolving import DELIVERED_AT, Resolved, leads_columns, near_pairs, resolve
from leadscout_assets.lead_tables import KNOWN_TABLES
from leadscout_assets.tables import Tables, together
from leadscout_assets.terms import Linked, Province

JOURNAL = ".known_leads.journal"
"""Folder below the tables' with what is about to be written. It holds leads as they are in the tables."""

WRITTEN_AT_ONCE = 2
"""Tables; deltalake works outside Python's lock."""

_LEADS = ("batch_id", "lead_id")


@dataclass(frozen=True)
class Change:
    """What to write: for each table its new rows, and the batches of which these are all."""

    rows: Mapping[str, pa.Table]
    batches: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Joined:
    """What became of the leads of some batches: known leads that are new with them, and that were known by other batches."""

    leads: int
    first: int
    exact: int
    near: int


@dataclass(frozen=True)
class Comparison:
    """How the leads of a list compare with what is known. `fields` counts, among the changed, the values that differ."""

    new: int
    changed: int
    unchanged: int
    fields: Mapping[str, int]


@dataclass(frozen=True)
class Removal:
    """What taking a batch out does to known leads, in numbers of them.

    `forgotten` no other batch has; `restored` have values of the batch, which go back to those before; `kept` have it among
    their sources, but no value of it: a later batch has replaced them all.
    """

    forgotten: int
    restored: int
    kept: int


def join(tables: Tables, leads: pa.Table, delivered_at: Mapping[str, datetime]) -> Joined:
    """Make `leads` all that the batches of `delivered_at` contribute to the known leads; repeating it changes nothing.

    A batch without rows in `leads` is taken out. `delivered_at` is aware. Raises `EdgeFailed` where storage fails.
    """
    with changing(tables):
        change, resolved = _joined(tables, _delivered(leads, delivered_at), sorted(delivered_at))
        own = of_batches(resolved.links, sorted(delivered_at))["how"]
        counts = {kind.value: pc.sum(pc.equal(own, kind.value)).as_py() or 0 for kind in Linked}
        _announce(tables, change)
        # The journal has all of it now, and a million leads are better held once than twice.
        del change, resolved
        _finish(tables)
    return Joined(len(own), **counts)


def remove(tables: Tables, batch: str) -> Removal:
    """Take a batch out of the known leads: values of it go back to those before. Repeating it changes nothing."""
    with changing(tables):
        change, before = _without(tables, batch)
        _announce(tables, change)
        _finish(tables)
    return _removal(batch, before)


def what_removal_does(tables: Tables, batch: str) -> Removal:
    """Return what `remove` would do, without doing it."""
    with changing(tables):
        before = _Known.beside(tables, [batch]).states(_own_links(tables, [batch]))
    return _removal(batch, before)


def compare(tables: Tables, leads: pa.Table, batch: str) -> Comparison:
    """Compare leads that were not taken in with what other batches than `batch` made known, without writing anything."""
    if not (tables.root / KNOWN_LEADS.name).is_dir():
        return Comparison(leads.num_rows, 0, 0, {})
    with changing(tables):
        found = _Known.beside(tables, [batch])
        own, known = found.matches(_delivered(leads, {}))
        states = found.states(known)
    if not states.num_rows:
        return Comparison(leads.num_rows, 0, 0, {})
    at = _positions(states["known_lead_id"], known["known_lead_id"])
    differ = {group: np.zeros(leads.num_rows, bool) for group in VALUE_GROUPS}
    for group, names in VALUE_GROUPS.items():
        for name in names:
            left, right = leads[name].take(pa.array(own)), states[name].take(pa.array(at))
            # What a list does not say, it does not change.
            other = pc.and_(pc.is_valid(left), pc.invert(pc.fill_null(pc.equal(left, right), False)))
            if name == "province":
                other = pc.and_(other, pc.not_equal(left, Province.UNKNOWN))
            np.logical_or.at(differ[group], own, np.asarray(other, dtype=bool))
    seen = np.zeros(leads.num_rows, bool)
    seen[own] = True
    changed = np.any([differ[group] for group in VALUE_GROUPS], axis=0) & seen
    fields = {group: int(mask.sum()) for group, mask in differ.items() if mask.any()}
    return Comparison(int((~seen).sum()), int(changed.sum()), int((seen & ~changed).sum()), fields)


@contextmanager
def changing(tables: Tables) -> Iterator[None]:
    """Hold the known leads for this process while the block runs, with nothing half written under it."""
    with together(tables.root):
        _finish(tables)
        yield


class _Known:
    """What is known beside some batches: how to find it, and whose it is."""

    def __init__(self, tables: Tables, index: pa.Table) -> None:
        self._tables, self.index = tables, index

    @classmethod
    def beside(cls, tables: Tables, batches: Sequence[str]) -> _Known:
        return cls(tables, of_batches(tables.select(KNOWN_LEAD_INDEX, []), batches, others=True))

    def matches(self, leads: pa.Table) -> tuple[npt.NDArray[np.int64], pa.Table]:
        """Return which of `leads` are the same as which known leads: their positions, and the links of the others."""
        if not self.index.num_rows or not leads.num_rows:
            return np.empty(0, np.int64), KNOWN_LEAD_LINKS.empty()
        own, other = equal_texts(leads["lead_id"], self.index["lead_id"])
        met, candidate = meet(blocks(leads), self.index)
        rows = self.leads(self.index.select(_LEADS).take(pa.array(np.unique(candidate))))
        at = _keyed(rows, self.index.select(_LEADS).take(pa.array(candidate)))
        near = near_pairs(leads, rows, (met[at >= 0], at[at >= 0]))
        keys = pa.concat_tables(
            [self.index.select(_LEADS).take(pa.array(other)), rows.select(_LEADS).take(pa.array(near.right))]
        )
        links = self.links(keys)
        found = _keyed(links, keys)
        mine = np.concatenate([own, near.left])
        return mine[found >= 0], links.take(pa.array(found[found >= 0]))

    def links(self, keys: pa.Table) -> pa.Table:
        """Return the links of some leads of some batches."""
        return _picked(self._tables, KNOWN_LEAD_LINKS, keys)

    def leads(self, keys: pa.Table) -> pa.Table:
        """Return some leads of some batches."""
        return _picked(self._tables, LEADS, keys, leads_columns())

    def states(self, links: pa.Table) -> pa.Table:
        """Return the known leads that links point to."""
        batches = pc.unique(links["known_batch_id"]).to_pylist()
        return self._tables.pick(KNOWN_LEADS, batches, "known_lead_id", pc.unique(links["known_lead_id"]))


def _joined(tables: Tables, leads: pa.Table, batches: Sequence[str]) -> tuple[Change, Resolved]:
    """Return what the leads of `batches`, which replace what these had, change."""
    known = _Known.beside(tables, batches)
    _, matched = known.matches(leads)
    return _changed(tables, known, leads, batches, pa.concat_tables([matched, _own_links(tables, batches)]))


def _without(tables: Tables, batch: str) -> tuple[Change, pa.Table]:
    known = _Known.beside(tables, [batch])
    links = _own_links(tables, [batch])
    change, _ = _changed(tables, known, _delivered(LEADS.empty(), {}), [batch], links)
    return change, known.states(links)


def _own_links(tables: Tables, batches: Sequence[str]) -> pa.Table:
    return tables.read(KNOWN_LEAD_LINKS, batches, ordered=False)


def _changed(
    tables: Tables, known: _Known, leads: pa.Table, batches: Sequence[str], touched: pa.Table
) -> tuple[Change, Resolved]:
    """Resolve the leads anew with all that the touched known leads are made of, and return what of the tables changes."""
    states = known.states(touched)
    members = of_batches(_members(states), batches, others=True)
    others = _dated(known.leads(members), members)
    rows = pa.concat_tables([leads.select(others.column_names), others])
    own = of_batches(leads, batches)
    with ThreadPoolExecutor(1) as beside:
        indexed = beside.submit(_index, own)
        resolved, index = resolve(rows), indexed.result()
    homes = {*pc.unique(states["batch_id"]).to_pylist(), *pc.unique(resolved.known["batch_id"]).to_pylist(), *batches}
    kept = tables.read(KNOWN_LEADS, sorted(homes - set(batches)), ordered=False)
    stale = pc.is_in(kept["known_lead_id"], states["known_lead_id"].combine_chunks())
    # Nothing of a batch that is taken anew stays but what others brought to the known leads that it was the first of.
    untouched = kept.filter(pc.invert(stale))
    relinked, links = _relinked(tables, resolved.links, batches)
    return (
        Change(
            {
                KNOWN_LEADS.name: pa.concat_tables([untouched, resolved.known]),
                KNOWN_LEAD_LINKS.name: links,
                KNOWN_LEAD_INDEX.name: index,
            },
            {
                KNOWN_LEADS.name: tuple(sorted(homes)),
                KNOWN_LEAD_LINKS.name: tuple(sorted({*relinked, *batches})),
                KNOWN_LEAD_INDEX.name: tuple(batches),
            },
        ),
        resolved,
    )


def _index(leads: pa.Table) -> pa.Table:
    found = blocks(leads)
    columns = {**{name: leads[name] for name in _LEADS}, **{name: found[name] for name in BLOCKS}}
    return KNOWN_LEAD_INDEX.fit(pa.table(columns))


def _relinked(tables: Tables, links: pa.Table, batches: Sequence[str]) -> tuple[list[str], pa.Table]:
    """Return the other batches of which a link is new or differs, and all links of these and of `batches` as they shall be."""
    others = of_batches(links, batches, others=True)
    if not others.num_rows:
        return [], links
    stored = tables.read(KNOWN_LEAD_LINKS, pc.unique(others["batch_id"]).to_pylist(), ordered=False)
    at = _keyed(stored, others)
    differ = [
        (position < 0) or stored.slice(position, 1).to_pylist() != others.slice(number, 1).to_pylist()
        for number, position in enumerate(at.tolist())
    ]
    changed = pc.unique(others["batch_id"].filter(pa.array(differ, pa.bool_()))).to_pylist()
    rest = of_batches(stored, changed)
    rest = rest.filter(pa.array(_keyed(others, rest) < 0))
    return changed, pa.concat_tables([of_batches(links, batches), of_batches(others, changed), rest])


def _members(states: pa.Table) -> pa.Table:
    """Return the leads that known leads are made of: batch, lead id, and when it was delivered."""
    lists = {"batch_id": "source_batches", "lead_id": "source_leads", DELIVERED_AT: "source_times"}
    return pa.table({name: pc.list_flatten(states[column]) for name, column in lists.items()})


def _dated(leads: pa.Table, members: pa.Table) -> pa.Table:
    at = _keyed(members, leads)
    return leads.append_column(DELIVERED_AT, members[DELIVERED_AT].take(pa.array(at)))


def _delivered(leads: pa.Table, delivered_at: Mapping[str, datetime]) -> pa.Table:
    """Return what `resolve` needs of the leads, with the moment at which each was delivered."""
    encoded = leads["batch_id"].combine_chunks().dictionary_encode()
    moments = pa.array([delivered_at.get(batch) for batch in encoded.dictionary.to_pylist()], MOMENT)
    return leads.select(leads_columns()).append_column(DELIVERED_AT, moments.take(encoded.indices))


def _picked(tables: Tables, contract: Contract, keys: pa.Table, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a table that have one of the keys batch and lead id."""
    batches = pc.unique(keys["batch_id"]).to_pylist()
    rows = tables.pick(contract, batches, "lead_id", pc.unique(keys["lead_id"]), columns)
    return rows.filter(pa.array(_keyed(keys, rows) >= 0))


def _keyed(frame: pa.Table, wanted: pa.Table) -> npt.NDArray[np.int64]:
    """Return for each row of `wanted` the position in `frame` of the row with its batch and lead id, -1 where there is none."""
    return _positions(
        *(pc.binary_join_element_wise(side["batch_id"], side["lead_id"], "/") for side in (frame, wanted))
    )


def _positions(values: pa.ChunkedArray, wanted: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    found = pc.index_in(wanted, values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def _removal(batch: str, before: pa.Table) -> Removal:
    """Count what became of the known leads that had the batch among their sources."""
    forgotten = restored = kept = 0
    for state in before.select(["source_batches", *(f"{group}_source" for group in VALUE_GROUPS)]).to_pylist():
        sources = state.pop("source_batches")
        used = {sources[at] for at in state.values() if at is not None}
        if set(sources) == {batch}:
            forgotten += 1
        elif batch in used:
            restored += 1
        else:
            kept += 1
    return Removal(forgotten, restored, kept)


# --- one change, whole or not at all -----------------------------------------------------------------------------


def _announce(tables: Tables, change: Change) -> None:
    """Write a change to the journal. From when it is complete the change happens, whatever is killed: `_finish` does it."""
    journal = tables.root / JOURNAL
    growing = journal.with_suffix(".new")
    with _journaling():
        shutil.rmtree(growing, ignore_errors=True)
        make_private(growing)
        for name, rows in change.rows.items():
            _keep(growing / name, rows, change.batches[name])
        growing.rename(journal)


def _finish(tables: Tables) -> None:
    """Write what a journal holds, if there is one; doing so twice writes the same."""
    journal = tables.root / JOURNAL
    if not journal.is_dir():
        return

    def write(contract: Contract) -> None:
        with _journaling():
            rows, batches = _kept(journal / contract.name)
        tables.replace(contract, rows, batches)

    with ThreadPoolExecutor(WRITTEN_AT_ONCE) as pool:
        list(pool.map(write, KNOWN_TABLES))
    done = journal.with_suffix(".done")
    with _journaling():
        shutil.rmtree(done, ignore_errors=True)
        # Renamed first: half a journal must not look like one.
        journal.rename(done)
        shutil.rmtree(done)


@contextmanager
def _journaling() -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        # Their messages may quote rows.
        kind = type(error).__name__
        raise EdgeFailed(
            f"the journal of the known leads failed ({kind}); check free space and permissions below LEADSCOUT_HOME/tables"
        ) from None


def _keep(path: Path, rows: pa.Table, batches: Sequence[str]) -> None:
    told = rows.replace_schema_metadata({"batches": "\n".join(batches)})
    with path.open("wb") as file:
        with pa.ipc.new_file(file, told.schema) as writer:
            writer.write_table(told)
        file.flush()
        os.fsync(file.fileno())


def _kept(path: Path) -> tuple[pa.Table, list[str]]:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        rows = reader.read_all()
    return rows, rows.schema.metadata[b"batches"].decode().split("\n")
