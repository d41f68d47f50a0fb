"""The columns of a synthetic delivery, each made for all rows at once from word lists and dice.

The rates of dirt and the shape of the whole are synthetic.py's.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]

_TITLES = ("MR", "MRS", "MS", "DR", "PROF", "ADV", "REV", "MNR", "MEV", "MISS")
_UNUSABLE_NAMES = ("N/A", "UNKNOWN", "TBC", ".", "-", "0")
_UNUSABLE_CELLS = ("0", "N/A", "NONE", "123", "08")
_UNUSABLE_EMAILS = ("N/A", "none", "info@", "www.example.co.za", "sales at example.com", "@example.co.za")
_FREE_DOMAINS = ("gmail.com", "yahoo.com", "hotmail.com", "webmail.co.za", "mweb.co.za")
_OWN_DOMAINS = ("example.com", "example.co.za", "example.net", "example.org")
# 085 was set aside for licensees that never took it up: such numbers look like mobiles and reach nobody.
_MOBILE = "85"
# No local exchange begins with 0, so these reach nobody either.
_AREA_CODES = ("0110", "0120", "0210", "0310", "0410", "0510", "0150", "0130")
_SHARED_CODES = ("0860", "0800", "0870")
# No free-mail provider below gives out names as short as five characters: nobody has these addresses.
_FREE_LENGTH = 5
# Words of the given names before the surname, 1 to 4: shares.
_GIVEN_NAMES = (0.36, 0.46, 0.14, 0.04)


@dataclass(frozen=True)
class Directors:
    """Directors' names as delivered, and their surnames alone, for businesses named after them."""

    names: pa.Array
    surnames: pa.Array


@dataclass(frozen=True)
class Dice:
    """Random choices for a delivery of `rows` rows; `rates` are shares of rows by name."""

    random: np.random.Generator
    rows: int
    rates: Mapping[str, float]

    def flags(self, rate: str) -> Flags:
        """Return for each row whether it has the dirt called `rate`."""
        return self.random.random(self.rows) < self.rates[rate]

    def pick(self, words: Sequence[str], rows: int | None = None, weights: Sequence[float] | None = None) -> pa.Array:
        """Return one of `words` per row, equally likely unless weighted."""
        size = self.rows if rows is None else rows
        shares = None if weights is None else np.array(weights, float) / sum(weights)
        return pa.array(list(words), pa.string()).take(pa.array(self.random.choice(len(words), size, p=shares)))

    def digits(self, count: int) -> pa.Array:
        """Return `count` random digits per row, as text."""
        drawn = pa.array(self.random.integers(0, 10**count, self.rows)).cast(pa.string())
        return pc.utf8_lpad(drawn, count, "0")

    def mixed(self, base: pa.Array, **kinds: pa.Array | str | None) -> pa.Array:
        """Return `base` with shares of its rows replaced; the keywords are rates, and no row has two of them."""
        drawn, reached, made = self.random.random(self.rows), 0.0, base
        for rate, other in kinds.items():
            share = self.rates[rate]
            chosen = pa.array((drawn >= reached) & (drawn < reached + share))
            other = pa.scalar(other, pa.string()) if other is None or isinstance(other, str) else other
            made, reached = pc.if_else(chosen, other, made), reached + share
        return made

    def earlier(self, rate: float) -> npt.NDArray[np.int64]:
        """Return for each row the row it repeats: an earlier one for exactly a share of `rate`, else itself."""
        rows = np.arange(self.rows)
        count = min(round(rate * self.rows), self.rows - 1)
        late = self.random.choice(np.arange(1, self.rows), count, replace=False) if count > 0 else np.array([], int)
        # Never a repetition of a repetition: which row comes first stays plain.
        first = np.setdiff1d(rows, late)
        for row in late:
            rows[row] = first[self.random.integers(0, np.searchsorted(first, row))]
        return rows

    def untidy(self, column: pa.Array) -> pa.Array:
        """Return `column` with mixed case, double, no-break and trailing spaces here and there."""
        made = pc.if_else(pa.array(self.flags("mixed_case")), pc.utf8_title(column), column)
        doubled = pc.replace_substring(made, " ", "  ", max_replacements=1)
        made = pc.if_else(pa.array(self.flags("double_space")), doubled, made)
        pasted = pc.replace_substring(made, " ", "\u00a0", max_replacements=1)
        made = pc.if_else(pa.array(self.flags("no_break_space")), pasted, made)
        trailing = pc.binary_join_element_wise(made, pa.scalar(""), pa.scalar(" "))
        return pc.if_else(pa.array(self.flags("space_at_end")), trailing, made)


def directors(dice: Dice) -> Directors:
    """Make the directors' names: groups in their shares, capitals, and the forms that people type."""
    lists = _words("synthetic_names.toml")
    groups = {name: group for name, group in lists.items() if "share" in group}
    shares = np.array([group["share"] for group in groups.values()])
    sizes = dice.random.multinomial(dice.rows, shares / shares.sum())
    order = pa.array(dice.random.permutation(dice.rows))
    parts = [
        _group(dice, group, _split(lists["english_given"]["names"]), int(size))
        for group, size in zip(groups.values(), sizes, strict=True)
    ]
    given, extra, surname = (pa.concat_arrays([part[index] for part in parts]).take(order) for index in range(3))
    words = dice.random.choice(len(_GIVEN_NAMES), dice.rows, p=_GIVEN_NAMES) + 1
    one_more = dice.pick(_split(lists["english_given"]["names"]))
    second = pc.if_else(pa.array(words > 1), extra, pa.scalar(None, pa.string()))
    third = pc.if_else(pa.array(words > 2), one_more, pa.scalar(None, pa.string()))
    fourth = pc.if_else(pa.array(words > 3), given, pa.scalar(None, pa.string()))
    first_names = _join(_join(given, second, " "), _join(third, fourth, " "), " ")
    initials = _join(pc.utf8_slice_codeunits(given, 0, 1), pc.utf8_slice_codeunits(extra, 0, 1), " ")
    full = _join(first_names, surname, " ")
    names = dice.mixed(
        full,
        surname_first=_join(surname, first_names, ", "),
        title=_join(dice.pick(_TITLES), full, " "),
        initials=_join(initials, surname, " "),
        hyphenated=_join(_join(given, extra, "-"), surname, " "),
        backtick=_join(given, _with_backticks(groups.values(), dice.rows), " "),
        single_name=surname,
        director_unusable=dice.pick(_UNUSABLE_NAMES),
    )
    return Directors(pc.utf8_upper(names), pc.utf8_upper(surname))


def _with_backticks(groups: Iterable[Mapping[str, Any]], rows: int) -> pa.Array:
    """Return the surnames with an apostrophe in turn, a backtick in its place: too rare to be met by chance."""
    surnames = [name.replace("'", "`") for group in groups for name in _split(group["surnames"]) if "'" in name]
    return pa.array(surnames, pa.string()).take(pa.array(np.arange(rows) % len(surnames)))


def _group(dice: Dice, group: Mapping[str, Any], english: list[str], rows: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return two given names and a surname for each of `rows` directors of one group."""
    own, surnames = _split(group["given"]) or english, _split(group["surnames"])
    flags = pa.array(dice.random.random(rows) < group["own"])
    given = pc.if_else(flags, dice.pick(own, rows), dice.pick(english, rows))
    # Half of those who have accents in their names find them left out.
    surname = dice.pick([*surnames, *map(_without_accents, surnames)], rows)
    return given, dice.pick([*own, *english], rows), surname


def businesses(dice: Dice, surnames: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Make business name, trading name and keyword."""
    lists = _words("synthetic_businesses.toml")
    first, second = _split(lists["first"]), _split(lists["second"])
    trades = [line.split("|") for line in lists["trades"].strip().splitlines()]
    forms = [line.split("|") for line in lists["forms"].strip().splitlines()]
    trade = dice.random.integers(0, len(trades), dice.rows)
    keyword, word = (pa.array([pair[index] for pair in trades]).take(pa.array(trade)) for index in range(2))
    fancy = _join(_join(dice.pick(first), dice.pick(second), " "), word, " ")
    numbered = _join(_join(dice.pick(first), word, " "), pa.array(dice.random.integers(2, 999, dice.rows)), " ")
    family = _join(
        _join(surnames, dice.pick(("AND SONS", "& SONS", "BROTHERS", "FAMILY", "SE", "EN SEUNS")), " "), word, " "
    )
    pair = _join(_join(dice.pick(first), dice.pick(first), " AND "), word, " ")
    pattern = dice.random.random(dice.rows)
    name = fancy
    for chosen, other in ((pattern < 0.20, numbered), (pattern < 0.12, pair), (pattern < 0.05, family)):
        name = pc.if_else(pa.array(chosen), other, name)
    form = dice.pick([pair[0] for pair in forms], weights=[float(pair[1]) for pair in forms])
    entity = pc.utf8_rtrim(pc.utf8_upper(_join(name, form, " ")), " ")
    trading = pc.utf8_upper(_join(dice.pick(first), word, " "))
    return (
        entity,
        dice.mixed(trading, trading_as_empty=None),
        dice.mixed(keyword, keyword_empty=None),
    )


def cells(dice: Dice) -> pa.Array:
    """Make the directors' cell numbers in the forms in which they are sent."""
    digits = dice.digits(7)
    national = _join(_MOBILE, digits)
    local = _join("0", national)
    head, middle, tail = "085", pc.utf8_slice_codeunits(digits, 0, 3), pc.utf8_slice_codeunits(digits, 3, 7)
    return dice.mixed(
        local,
        cell_plus_27=_join("+27", national),
        cell_lost_zero=national,
        cell_27=_join("27", national),
        cell_spaced=_join(_join(head, middle, " "), tail, " "),
        cell_dashed=_join(_join(head, middle, "-"), tail, "-"),
        cell_0027=_join("0027", national),
        cell_trunk_zero=_join("+27(0)", national),
        cell_float=_join(national, ".0"),
        cell_two=_join(_join(local, " / 085"), dice.digits(7)),
        cell_unusable=dice.pick(_UNUSABLE_CELLS),
        cell_missing=None,
    )


def contacts(dice: Dice) -> tuple[pa.Array, pa.Array]:
    """Make the businesses' contact numbers, mostly landlines, and cell numbers; nearly all are empty."""
    landline = _join(dice.pick(_AREA_CODES), dice.digits(6))
    shared = _join(dice.pick(_SHARED_CODES), dice.digits(6))
    contact = pc.if_else(pa.array(dice.random.random(dice.rows) < 0.1), shared, landline)
    mobile = _join("085", dice.digits(7))
    return dice.mixed(contact, contact_number_empty=None), dice.mixed(mobile, cell_number_empty=None)


def emails(dice: Dice) -> pa.Array:
    """Make the e-mail addresses; nearly all are empty."""
    first = _split(_words("synthetic_businesses.toml")["first"])
    own = _join(
        _join(dice.pick(("info", "sales", "admin", "accounts", "office")), dice.pick(first), "."),
        dice.pick(_OWN_DOMAINS),
        "@",
    )
    short = pc.utf8_slice_codeunits(_join(dice.pick(first), dice.digits(_FREE_LENGTH)), 0, _FREE_LENGTH)
    address = pc.utf8_lower(dice.mixed(own, email_free=_join(short, dice.pick(_FREE_DOMAINS), "@")))
    address = dice.mixed(address, email_capitals=pc.utf8_upper(address), email_unusable=dice.pick(_UNUSABLE_EMAILS))
    return dice.mixed(address, email_empty=None)


def places(dice: Dice) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Make address, city and province of each business; province spelled in some 300 ways."""
    lists = _words("synthetic_places.toml")
    towns = [line.split("|") for line in lists["towns"].strip().splitlines()]
    weights = np.array([float(town[3]) for town in towns])
    at = pa.array(dice.random.choice(len(towns), dice.rows, p=weights / weights.sum()))
    town, code, postal = (pa.array([row[index] for row in towns]).take(at) for index in range(3))
    street = _join(dice.pick(_split(lists["streets"])), dice.pick(lists["street_kinds"].split("|")), " ")
    number = pa.array(dice.random.integers(1, 400, dice.rows))
    suburb = dice.pick(_bars(lists["suburbs"]))
    address = _join(_join(number, street, " "), suburb, ", ")
    address = pc.if_else(
        pa.array(dice.random.random(dice.rows) < 0.6), _join(_join(address, town, ", "), postal, ", "), address
    )
    spellings = {name: _spellings(_bars(text)) for name, text in lists["provinces"].items()}
    usual, odd = pa.nulls(dice.rows, pa.string()), pa.nulls(dice.rows, pa.string())
    for name, written in spellings.items():
        here = pc.equal(code, name)
        usual, odd = pc.if_else(here, written[0], usual), pc.if_else(here, dice.pick(written), odd)
    province = dice.mixed(
        usual, province_spelled=odd, province_empty=None, province_postcode=postal, province_city=town
    )
    city = dice.mixed(town, city_digits=postal, city_province=usual, city_empty=None)
    return pc.utf8_upper(dice.mixed(address, address_empty=None)), city, province


def _spellings(written: list[str]) -> list[str]:
    """Return the spellings and what keyboards make of them, the usual one first."""
    variants = list(written)
    for word in written:
        variants += [word.title(), word.replace(" ", "  ")]
    usual = written[0]
    variants += [usual[:at] + usual[at + 1 :] for at in range(2, len(usual) - 1, 3)]
    variants += [usual.lower(), f"{usual}.", f" {usual}", f"{usual}, SOUTH AFRICA", f"{usual} PROVINCE"]
    return list(dict.fromkeys(variants))


@cache
def _words(name: str) -> dict[str, Any]:
    return tomllib.loads((files("leadscout_assets.leads") / "data" / name).read_text(encoding="utf-8"))


def _split(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _bars(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|")]


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _join(left: pa.Array | str, right: pa.Array | str, between: str = "") -> pa.Array:
    """Return `left` and `right` joined row by row; where one of them is null, the other alone."""
    sides = [pa.scalar(side) if isinstance(side, str) else side.cast(pa.string()) for side in (left, right)]
    both = pc.binary_join_element_wise(*sides, pa.scalar(between))
    return pc.coalesce(both, *sides)
