"""Synthetic deliveries that repeat others as real ones do: typed anew, moved, renamed, with people who only look the same.

Which row is which is known, so that finding it out can be measured. The rates of dirt are all here.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pyarrow as pa

from leadscout_assets.leads.synthetic import COLUMNS, generate

RATES = MappingProxyType(
    {
        # Shares of the repeated rows, 0..1, each drawn by itself: a row may have several.
        "typo_business": 0.10,
        "typo_director": 0.10,
        "moved": 0.20,
        "other_suffix": 0.20,
        "swapped_names": 0.10,
        "trading_as": 0.10,
        "new_cell": 0.06,
        "no_cell": 0.06,
        "initials": 0.04,
        # Shares of all rows: they look like a row of the other delivery and are not it.
        "same_director_other_business": 0.04,
        "relative_in_same_business": 0.04,
        "sister_company": 0.03,
    }
)

SUFFIXES = ("(PTY) LTD", "CC", "PTY LTD", "TRADING ENTERPRISE CC", "NPC")
_KEYS = "ABCDEFGHIKLMNOPRSTUVWZ"


def generate_again(before: pa.Table, rows: int, known: float, seed: int) -> tuple[pa.Table, np.ndarray]:
    """Return a delivery of `rows` rows of which a share `known` (0..1) repeats rows of the delivery `before`, and which.

    The second is for each row the position of the row of `before` that it repeats, -1 for a new one. No totals row.
    """
    dice = np.random.default_rng(seed)
    repeated = dice.choice(before.num_rows - 1, min(round(rows * known), before.num_rows - 1), replace=False)
    truth = np.concatenate([repeated, np.full(rows - len(repeated), -1)])
    fresh = generate(rows - len(repeated) + 1, seed + 1).slice(0, rows - len(repeated))
    made = [_repeat(dice, row) for row in before.take(pa.array(repeated)).to_pylist()]
    made += [_alike(dice, row, before) for row in fresh.to_pylist()]
    order = dice.permutation(rows)
    table = pa.Table.from_pylist(made, schema=before.schema).take(pa.array(order))
    return table, truth[order]


def _repeat(dice: np.random.Generator, row: dict[str, str | None]) -> dict[str, str | None]:
    row = dict(row)
    has = {kind: dice.random() < share for kind, share in RATES.items()}
    business, director = row["EntityName"] or "", row["DirectorName"] or ""
    if has["other_suffix"]:
        business = f"{_bare(business)} {dice.choice(SUFFIXES[:3])}"
    if has["trading_as"]:
        # What stood in the trading name's column is all that this list knows, or stands behind the registered name.
        trading = row["TradingAsName"]
        business, row["TradingAsName"] = (trading, None) if trading else (f"{_bare(business)} T/A BEST DEALS", None)
    if has["typo_business"]:
        business = _typo(dice, business)
    if has["typo_director"]:
        director = _typo(dice, director)
    words = director.replace(",", " ").split()
    if has["swapped_names"] and len(words) == 2:
        words = words[::-1]
        director = " ".join(words)
    if has["initials"] and len(words) > 2:
        director = " ".join([word[0] for word in words[:-1]] + words[-1:])
    row["EntityName"], row["DirectorName"] = business, director
    if has["moved"]:
        row["RegisteredAddress"] = f"{dice.integers(1, 400)} NEW ROAD"
        row["RegisteredAddressCity"], row["RegisteredAddressProvince"] = "UPINGTON", "NORTHERN CAPE"
    if has["new_cell"]:
        row["DirectorCell"] = _cell(dice)
    if has["no_cell"]:
        row["DirectorCell"] = None
    return row


def _alike(dice: np.random.Generator, row: dict[str, str | None], before: pa.Table) -> dict[str, str | None]:
    """Return a new row, some of them so that they look like one of `before`."""
    row, other = dict(row), before.slice(int(dice.integers(0, before.num_rows - 1)), 1).to_pylist()[0]
    place = {name: other[name] for name in COLUMNS if name.startswith("Registered")}
    drawn = float(dice.random())
    first, second, third = np.cumsum(
        [RATES[kind] for kind in ("same_director_other_business", "relative_in_same_business", "sister_company")]
    )
    surname = (other["DirectorName"] or "X").split()[-1]
    if drawn < first:
        row |= {name: other[name] for name in ("DirectorName", "DirectorCell")}
    elif drawn < second:
        given = (row["DirectorName"] or "X").replace(",", " ").split()[0]
        row |= {**place, "EntityName": other["EntityName"], "DirectorName": f"{given} {surname}"}
    elif drawn < third:
        row |= {**other, "EntityName": f"{_bare(other['EntityName'] or '')} {dice.integers(2, 99)} CC"}
    return row


def _bare(business: str) -> str:
    words = business.split()
    while len(words) > 1 and words[-1].strip("().,").upper() in {
        "PTY",
        "LTD",
        "CC",
        "BK",
        "INC",
        "NPC",
        "EDMS",
        "BPK",
        "LIMITED",
    }:
        words.pop()
    return " ".join(words)


def _typo(dice: np.random.Generator, text: str) -> str:
    """Return the text with one letter doubled, left out, changed or swapped with the next."""
    places = [at for at, letter in enumerate(text[:-1]) if letter.isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = int(dice.choice(places))
    kind = int(dice.integers(0, 4))
    letter = str(dice.choice(list(_KEYS)))
    return (
        text[:at] + text[at] + text[at:],
        text[:at] + text[at + 1 :],
        text[:at] + letter + text[at + 1 :],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    )[kind]


def _cell(dice: np.random.Generator) -> str:
    return f"085{dice.integers(0, 10**7):07}"
