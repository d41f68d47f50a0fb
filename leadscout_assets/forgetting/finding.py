"""Where a person stands in what was delivered: rows by batch, and the values that must be gone afterwards. Changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts, pipeline
from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.governance.matching import Entry, Matcher, entry_of
from leadscout_assets.governance.traits import (
    EMAIL,
    LEAD,
    NAME,
    NUMBER,
    RowTraits,
    Traits,
    leads_of,
    names_of,
    number_traits,
)
from leadscout_assets.home import Home
from leadscout_assets.leads.cleaning import said
from leadscout_assets.leads.identity import lead_ids
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.names.normalising import split_names

SHORTEST = 6
"""Characters: what is shorter stands in too many places to prove anything by."""

LONG_ENOUGH = 12
"""The same for text in columns that nobody knows, where `call back` may stand."""

LONG_WORD = 4

TOLD = ("entity_name", "trading_as_name", "email_address", "registered_address", "director_name")
"""Fields whose values are looked for afterwards; numbers are, too. The others are shared by many: a town, a province."""

_PHONES = ("contact_number", "cell_number", "director_cell")
_JUST_DIGITS = re.compile(r"\D+")


@dataclass
class Found:
    """What was found of a person: source rows by batch, lead ids, traits, values; rows of others that share a trait."""

    rows: dict[str, set[int]] = field(default_factory=dict)
    leads: set[str] = field(default_factory=set)
    traits: Traits = field(default_factory=Traits)
    values: set[str] = field(default_factory=set)
    former: set[str] = field(default_factory=set)
    """Ids of the same leads under earlier generations of their key, by which the audit trail and old backups name them."""
    names: set[str] = field(default_factory=set)
    """Given names and surname as leads hold them: by these a language model was asked, if one was."""
    shared: dict[str, set[int]] = field(default_factory=dict)

    @property
    def every_id(self) -> set[str]:
        """All lead ids, under whichever key."""
        return self.leads | self.former

    @property
    def row_count(self) -> int:
        """How many rows were found."""
        return sum(map(len, self.rows.values()))


@dataclass(frozen=True)
class Values:
    """The values to be searched for: `own` stand in no other row, `shared` in so many rows of other people."""

    own: tuple[str, ...]
    shared: Mapping[str, int]


def delivered_rows(home: Home, batches: Sequence[str] | None = None) -> Iterator[tuple[str, pa.Table]]:
    """Yield each batch with its rows: from the table, or from the delivered file where it was never run."""
    records = home.records.all() if batches is None else list(home.records.many(batches).values())
    limits, maps = pipeline.read_limits(home.settings), home.column_maps()
    for record in records:
        raw = home.tables.read(contracts.RAW_LEADS, [record.batch_id])
        if not raw.num_rows:
            path = home.store.path(record.sha256)
            try:
                if not path.is_file():
                    continue
                raw = read_lead_list(
                    path, batch_id=record.batch_id, limits=limits, sheet=home.settings.sheet, maps=maps
                )
            except UnreadableFile:
                continue
        yield record.batch_id, raw


def find(home: Home, traits: Traits, leads: frozenset[str], entry: Entry | None = None) -> Found:
    """Look through every batch: for rows that match, then for those that repeat a lead found by then.

    `entry` is what a decision of the ledger knows, where the values themselves are not at hand.
    """
    found = Found(traits=traits)
    hasher = home.hasher
    entries = [one for one in (entry, entry_of(traits, hasher, id="given", on="")) if one and one.hashes]
    _look(home, found, Matcher(entries, hasher), leads)
    # The rows found may know another cell or address of theirs, and the same lead may stand in another batch under another.
    again = entry_of(found.traits | traits, hasher, id="again", on="")
    if again.hashes:
        _look(home, found, Matcher([again], hasher), frozenset())
    for batch, rows in found.rows.items():
        found.shared[batch] = found.shared.get(batch, set()) - rows
    found.shared = {batch: rows for batch, rows in found.shared.items() if rows}
    return found


def _look(home: Home, found: Found, matcher: Matcher, leads: frozenset[str]) -> None:
    for batch, raw in delivered_rows(home):
        traits = RowTraits(raw)
        matches = matcher.find(raw, traits)
        at = set[int]().union(*matches.rows.values())
        ids: list[pa.Array] = []
        if leads or at:
            ids = ids_under_every_key(home, raw)
            asked = pa.array(sorted(leads), pa.string())
            for known in ids:
                at |= set(np.flatnonzero(np.asarray(pc.fill_null(pc.is_in(known, asked), False))))
        positions = sorted(int(one) for one in at)
        numbers = raw["source_row"].to_pylist()
        if matches.shared:
            others = set[int]().union(*matches.shared.values()) - set(positions)
            found.shared.setdefault(batch, set()).update(numbers[one] for one in others)
        if positions:
            some, (newest, *earlier) = raw.take(pa.array(positions, pa.int64())), ids
            found.rows.setdefault(batch, set()).update(some["source_row"].to_pylist())
            found.leads.update(_taken(newest, positions))
            found.former.update(one for known in earlier for one in _taken(known, positions))
            found.traits = found.traits | personal_traits(some)
            found.values |= values_of(some)
            found.names |= full_names_of(some["director_name"])


def _taken(ids: pa.Array, positions: Sequence[int]) -> list[str]:
    return [one for one in ids.take(pa.array(positions, pa.int64())).to_pylist() if one]


def ids_of(home: Home, raw: pa.Table) -> pa.Array:
    """Return the lead id of each row, null where it can be none."""
    return _ids_under(raw, [home.lead_id_key])[0]


def ids_under_every_key(home: Home, raw: pa.Table) -> list[pa.Array]:
    """Return the same under every generation of the key, the newest first."""
    return _ids_under(raw, home.lead_id_keys)


def _ids_under(raw: pa.Table, lead_id_keys: Sequence[bytes]) -> list[pa.Array]:
    keys = leads_of(raw)
    usable = pc.is_valid(keys)
    parts = pc.split_pattern(keys.filter(usable), "\x1f")
    business, director = pc.list_element(parts, 0), pc.list_element(parts, 1)
    none = pa.nulls(len(keys), pa.string())
    return [pc.replace_with_mask(none, usable, lead_ids(business, director, key)) for key in lead_id_keys]


def personal_traits(rows: pa.Table) -> Traits:
    """Return what identifies the directors of some rows: not the business's own numbers, which others answer as well."""
    blank = pa.nulls(rows.num_rows, pa.string())
    for name in ("contact_number", "cell_number", "extra", "defect_text"):
        rows = rows.set_column(rows.column_names.index(name), name, blank)
    return RowTraits(rows).of(range(rows.num_rows)).only(NAME, NUMBER, EMAIL, LEAD)


def full_names_of(names: pa.Array | pa.ChunkedArray) -> set[str]:
    """Return names as leads hold them, given names before the surname; what is nobody's name is left out."""
    parts = split_names(names)
    rows = zip(parts["given_names"].to_pylist(), parts["surname"].to_pylist(), strict=True)
    return {" ".join(filter(None, row)) for row in rows if any(row)}


def values_of(rows: pa.Table) -> set[str]:
    """Return the values of some raw rows that must be found nowhere else: texts as delivered, and the digits of numbers."""
    import orjson

    found: set[str] = set()
    for name in TOLD:
        values = said(rows[name]).to_pylist()
        if name == "director_name":
            # What stands where a name should be, `to be confirmed` say, is nobody's.
            values = [value for value, key in zip(values, names_of(rows[name]).to_pylist(), strict=True) if key]
        found |= {value.strip() for value in values if value}
    for name in _PHONES:
        for value in filter(None, rows[name].to_pylist()):
            numbers = number_traits(value)
            found |= {value.strip(), *map(national, numbers)} if numbers else set()
    loose = [str(value) for text in filter(None, rows["extra"].to_pylist()) for value in orjson.loads(text).values()]
    loose += filter(None, rows["defect_text"].to_pylist())
    found |= {value.strip() for value in loose if len(value) >= LONG_ENOUGH}
    return {value for value in found if len(value) >= SHORTEST}


def words_of(traits: Traits) -> frozenset[str]:
    """Return the words of a person's names by which a file may be called after them."""
    return frozenset(word for name in traits.of(NAME) for word in name.split() if len(word) >= LONG_WORD)


def named_in(file_name: str, words: AbstractSet[str]) -> bool:
    """Say whether a file is called after a person: nobody writes whole names into those of files."""
    low = file_name.casefold()
    return any(word in low for word in words)


def national(number: str) -> str:
    """Return the digits of a number that stand in every way of writing it."""
    return number.removeprefix("+27").lstrip("+")


def told_apart(home: Home, found: Found, given: Sequence[str]) -> Values:
    """Tell the values that are this person's alone from those that rows of others hold too."""
    wanted = {value for value in given if len(value) >= SHORTEST} | found.values
    wanted |= {national(number) for number in found.traits.of(NUMBER)} | set(found.traits.of(EMAIL))
    counts = dict.fromkeys({value.casefold(): value for value in sorted(wanted)}.values(), 0)
    for batch, raw in delivered_rows(home):
        mine = np.isin(np.asarray(raw["source_row"]), sorted(found.rows.get(batch, ())))
        others = raw.filter(pa.array(~mine))
        if not others.num_rows:
            continue
        texts = [pc.fill_null(others[name], "") for name in (*FIELDS, "extra", "defect_text")]
        whole = pc.binary_join_element_wise(*texts, "\x1f")
        digits = pc.replace_substring_regex(
            pc.binary_join_element_wise(*(pc.fill_null(others[name], "") for name in _PHONES), ";"), r"[^\d;]", ""
        )
        for value in counts:
            held = pc.match_substring(whole, value, ignore_case=True)
            if value.isdigit():
                held = pc.or_(held, pc.match_substring(digits, value))
            counts[value] += int(pc.sum(held, min_count=0).as_py())
    return Values(
        tuple(value for value, count in counts.items() if not count),
        {value: count for value, count in counts.items() if count},
    )
