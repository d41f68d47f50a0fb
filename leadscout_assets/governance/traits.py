"""What rows of a delivery tell of the people in them, normalised, so that two spellings of one person are equal.

Names alone identify nobody; what makes two rows one person is decided in `matching`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import distinct, flat
from leadscout_assets.leads.companies import business_key, parse_companies
from leadscout_assets.leads.emails import parse_emails
from leadscout_assets.leads.phones import numbers_in, parse_phones
from leadscout_assets.names.normalising import split_names

NAME, NUMBER, EMAIL, LEAD, BUSINESS, DOMAIN = "name", "number", "email", "lead", "business", "domain"
KINDS = (NAME, NUMBER, EMAIL, LEAD, BUSINESS, DOMAIN)

_SEPARATOR = "\x1f"
_ADDRESS = re.compile(r"[a-z0-9._%+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\d[\d\s().\-]{7,}\d", re.ASCII)
_PHONES = ("contact_number", "cell_number", "director_cell")


@dataclass(frozen=True)
class Traits:
    """The traits of one row or one person, by kind; every value is normalised."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, kind: str) -> frozenset[str]:
        """Return the values of one kind."""
        return self.values.get(kind, frozenset())

    def __or__(self, other: Traits) -> Traits:
        """Return the traits of both."""
        return Traits({kind: both for kind in KINDS if (both := self.of(kind) | other.of(kind))})

    def only(self, *kinds: str) -> Traits:
        """Return the traits of these kinds alone."""
        return Traits({kind: self.values[kind] for kind in kinds if kind in self.values})

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return any(self.values.values())


def name_trait(name: str) -> str | None:
    """Return what a written name is compared by: its words in any order; None for what is no person's name."""
    return names_of(pa.array([name], pa.string()))[0].as_py()  # type: ignore[no-any-return]


def number_traits(text: str) -> frozenset[str]:
    """Return the numbers in a cell, E.164."""
    return frozenset(numbers_in(text))


def email_traits(text: str) -> frozenset[str]:
    """Return the e-mail addresses in a text, in lower case."""
    return frozenset(address.lower().strip(".") for address in _ADDRESS.findall(text))


def business_trait(name: str) -> str | None:
    """Return what a business is compared by; None where nothing is left of the name."""
    return parse_companies(pa.array([name], pa.string()))["key"][0].as_py()  # type: ignore[no-any-return]


def domain_of(email: str) -> str:
    """Return the domain of an address."""
    return email.rpartition("@")[2]


def names_of(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the trait of each name: the words of its comparison key in alphabetical order; null without a usable name."""
    keys, at = distinct(flat(split_names(names)["key"]))
    return pa.array([" ".join(sorted(key.split())) for key in keys.to_pylist()], pa.string()).take(at)


def leads_of(raw: pa.Table) -> pa.Array:
    """Return the trait of the lead that each row is or repeats: business and director; null where either is unusable."""
    business, director = (
        flat(parse_companies(raw["entity_name"])["key"]),
        flat(split_names(raw["director_name"])["key"]),
    )
    return pc.binary_join_element_wise(business, director, _SEPARATOR)


class RowTraits:
    """The traits of the rows of a frame that fits `contracts.RAW_LEADS`: by column first, of single rows when asked."""

    def __init__(self, raw: pa.Table) -> None:
        """Read all columns once."""
        self._raw = raw.combine_chunks()
        self.names = names_of(raw["director_name"])
        self.leads = leads_of(raw)
        self.businesses = flat(parse_companies(raw["entity_name"])["key"])
        self._phones = [parse_phones(raw[name]) for name in _PHONES]
        self._emails = flat(parse_emails(raw["email_address"])["address"])
        self._loose = [self._raw[name].to_pylist() for name in ("email_address", "extra", "defect_text")]

    def listed(self) -> Iterable[tuple[int, str, str]]:
        """Yield every (position, kind, value) of all rows; numbers and addresses also out of columns of other names."""
        for kind, column in ((NAME, self.names), (LEAD, self.leads), (BUSINESS, self.businesses)):
            yield from ((at, kind, value) for at, value in enumerate(column.to_pylist()) if value is not None)
        for phone in self._phones:
            numbers, others = phone["number"].to_pylist(), phone["others"].to_pylist()
            for at, (number, more) in enumerate(zip(numbers, others, strict=True)):
                if number is not None:
                    yield at, NUMBER, number
                    yield from ((at, NUMBER, other) for other in more or ())
        for at, address in enumerate(self._emails.to_pylist()):
            if address is not None:
                yield at, EMAIL, address
                yield at, DOMAIN, domain_of(address)
        for place, texts in enumerate(self._loose):
            for at, text in enumerate(texts):
                if text is None:
                    continue
                for address in email_traits(text) if "@" in text else ():
                    yield at, EMAIL, address
                    yield at, DOMAIN, domain_of(address)
                if place:
                    for digits in _DIGITS.findall(text):
                        yield from ((at, NUMBER, number) for number in number_traits(digits))

    def of(self, positions: Iterable[int]) -> Traits:
        """Return the traits of some rows together."""
        wanted, found = set(positions), {kind: set[str]() for kind in KINDS}
        some = self._raw.take(pa.array(sorted(wanted), pa.int64()))
        for _, kind, value in RowTraits(some).listed() if len(wanted) < self._raw.num_rows else self.listed():
            found[kind].add(value)
        return Traits({kind: frozenset(values) for kind, values in found.items() if values})


__all__ = ["KINDS", "RowTraits", "Traits", "business_key"]
