"""E-mail cells to one normalised address, and whether its domain is a free-mail provider."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import data_lines, said_values, table_over_distinct

# What all but a few addresses look like. Quoted, accented and other rare but legal forms are left to email-validator.
_USUAL = (
    r"^[a-z0-9_](?:[a-z0-9_+\-]|[.][a-z0-9_+\-])*"
    r"@(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}$"
)
_LONGEST = 254
_LONGEST_LOCAL = 64
_WRAPPING = r"^(?:mailto:|e-?mail:|epos:|[\s<>()\[\]'\"`.,;:])+|[\s<>()\[\]'\"`.,;:]+$"
_SEPARATORS = re.compile(r"[\s;,/|<>()\[\]]+")
# What divides addresses beside blanks, which may stand within one.
_BETWEEN = re.compile(r"[;,/|<>()\[\]]+|\s(?:or|of|and|en)\s")
# The end of most domains here, torn by a blank or with a comma for its point. Without the end the rest of the address
# (`.co`, Colombia's) is still one, and somebody else's. Behind another end than `.co`, ZA may be a country.
_TORN_ZA = re.compile(
    r"(?<=[a-z0-9])\s*\.\s*(?:(co)(?:\s*[.,]\s*|\s+)|(org|net|web|gov|ac|law|nom|school)\s*\.\s*)za\b"
)
_LABEL = re.compile(r"^(?:mailto|e-?mail|epos):")
_EDGES = " \t\r\n<>()[]'\"`.,;:"
_SPACED_AT = re.compile(r"^([^\s@]+)\s*@\s*([^\s@]+)$")
_TORN_DOT = re.compile(r"(?<=[^\s@.])\s+\.(?=[^\s@.])")
# Behind a whole address only a country's two letters go on with it: `a@b.co .uk`, but `a@b.com .home`.
_WHOLE_BEFORE = re.compile(r"@\S+\.[a-z]{2,}\s+\.(?![a-z]{2}(?:\s|$))")


def parse_emails(column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return one row per cell: `address` (or null), `is_free` (null without an address), `unusable` (bool).

    Addresses come back in lower case throughout: no provider tells capitals apart, and most deliveries are all capitals.
    Of several addresses in one cell the first valid one is taken. Nothing is looked up in the network.
    """
    parsed = table_over_distinct(column, lambda cells: _parse_distinct(said_values(cells)))
    address = parsed["address"]
    domain = pc.replace_substring_regex(address, r"^.*@", "")
    is_free = pc.if_else(pc.is_valid(address), pc.is_in(domain, _free_domains()), pa.scalar(None, pa.bool_()))
    return pa.table({"address": address, "is_free": is_free, "unusable": pc.fill_null(parsed["unusable"], False)})


@lru_cache(maxsize=1)
def _free_domains() -> pa.Array:
    return pa.array(list(data_lines("free_mail_domains.txt")), pa.string())


def _parse_distinct(cells: pa.Array) -> pa.Table:
    address = pc.replace_substring_regex(pc.utf8_lower(cells), _WRAPPING, "")
    usual = pc.and_(
        pc.match_substring_regex(address, _USUAL),
        pc.and_(
            pc.less_equal(pc.utf8_length(address), _LONGEST),
            pc.less_equal(pc.find_substring(address, "@"), _LONGEST_LOCAL),
        ),
    )
    doubtful = pc.fill_null(pc.invert(usual), False)
    if pc.any(doubtful).as_py():
        found = [first_valid(cell) for cell in cells.filter(doubtful).to_pylist()]
        address = pc.replace_with_mask(address, doubtful, pa.array(found, pa.string()))
    return pa.table({"address": address, "unusable": pc.and_(pc.is_valid(cells), pc.is_null(address))})


def first_valid(cell: str) -> str | None:
    """Return the first valid address of an awkward cell in lower case, or null."""
    for segment in _BETWEEN.split(_TORN_ZA.sub(_mended, cell.lower())):
        segment = _LABEL.sub("", segment.strip(_EDGES)).strip(_EDGES)
        if segment.count("@") == 1:
            segment = segment if _WHOLE_BEFORE.search(segment) else _TORN_DOT.sub(".", segment)
            segment = _SPACED_AT.sub(r"\1@\2", segment)
        for part in _SEPARATORS.split(segment):
            candidate = re.sub(_WRAPPING, "", part)
            if "@" in candidate and (valid := _validated(candidate)):
                return valid
    return None


def _mended(end: re.Match[str]) -> str:
    return f".{end[1] or end[2]}.za"


def _validated(candidate: str) -> str | None:
    # Imported here: needed for the odd cell only, and it costs a tenth of a second.
    from email_validator import EmailNotValidError, validate_email

    if len(candidate) > _LONGEST or candidate.index("@") > _LONGEST_LOCAL:
        return None
    if re.fullmatch(_USUAL, candidate):
        return candidate
    try:
        address = validate_email(candidate, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
    # No top-level domain has one letter: the rest of it is lost.
    return address if len(address.rpartition(".")[2]) > 1 else None
