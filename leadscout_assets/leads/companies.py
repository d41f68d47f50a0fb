"""Business names: taken apart into name, company type and trading name, judged usable, and normalised for matching.

The company types themselves are data (data/company_types.csv).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import (
    data_lines,
    distinct,
    empty_as_null,
    is_placeholder,
    keep_letters_and_digits,
    plain,
    rest_of,
    table_over_distinct,
    tidy,
)

# `T/A`, `t.a.`, `H/A` (handel as); a bare TA is as likely a word of the name.
_AS = r"(?:[th]\s?[./\\]\s?a\b|trading[\s\-]+as\b|handel(?:drywende)?\s+as\b)"
_HAS_TRADING_AS = rf"(?i)\b{_AS}"
_TRADING_AS = rf"(?i)^(?P<name>.*?)(?:^|[\s,(\-]+){_AS}[\s.:\-]+(?P<trading>.*?)[\s)]*$"
# 2012/123456/07, (2012/123456/07), Reg. No. 2012/123456/23, CK2008/123456/23, 2012-123456-07
_REGISTRATION = r"(?i)[\s,;(\-]*(?:(?:co(?:mpany)?\.?\s*)?reg(?:istration|istrasie)?[\s.:]*(?:n(?:o|r|umber)[\s.:]*)?)?(?:CK\s?)?(?:19|20)\d{2}\s?[/\-]\s?\d{5,7}\s?[/\-]\s?(?P<suffix>\d{2})[\s).]*$"
_REGISTRATION_AT_END = _REGISTRATION.replace("(?P<suffix>", "(?:")
# What becomes of a company stands behind its type: `(PTY) LTD (IN LIQUIDATION)`, `LTD - in business rescue`, `BPK IN
# LIKWIDASIE`. Without a type before it, it may be the trade.
_STATE = (
    r"(?:(?:in|under)\s+)?(?:(?:final|voluntary|provisional|finale|vrywillige|voorlopige)\s+)?"
    r"(?:liquidation|liquidated|business\s+rescue|deregistration|deregistered|likwidasie|sakeredding|deregistrasie)"
)
_STATE_AT_END = rf"(?i)[\s.,;()\[\]{{}}\-/]+{_STATE}(?:\s+process)?[\s.)\]}}]*$"
_AND_WORDS = r"\s+(?:AND|EN)\s+|\s+'?N'?\s+|&|\+"
_BETWEEN = r"[\s.,;()\[\]{}\-/]"
_WORD = re.compile(r"[^\s.,;()\[\]{}\-/]+")
_EDGES = " ,;:-/\\_*#|~"


@dataclass(frozen=True)
class CompanyType:
    """A company type as shown, and the registration suffixes that go with it (none: any)."""

    shown: str
    suffixes: frozenset[str]


def parse_companies(column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return one row per business name.

    Columns: `name` (as delivered without company type and registration number, spacing tidied, case kept: capitals
    are often part of a business's name), `company_type`, `trading_as` (what stood behind `t/a`), `key` (for matching:
    case, accents, spacing, punctuation, company type, `t/a ...` and `&`/and/en do not count), `conflict` (bool: two
    company types, or one that its registration number contradicts), `problem` (null, "missing" or "unusable").
    """
    parsed = table_over_distinct(column, _parse_distinct)
    problem = pc.fill_null(parsed["problem"], "missing")
    return pa.table(
        {
            **{name: parsed[name] for name in ("name", "company_type", "trading_as", "key")},
            "conflict": pc.fill_null(parsed["conflict"], False),
            "problem": pc.if_else(pc.equal(problem, ""), pa.scalar(None, pa.string()), problem),
        }
    )


def business_key(names: pa.Array) -> pa.Array:
    """Return what business names without company type are compared by; null where nothing is left."""
    joined = pc.replace_substring_regex(plain(names), _AND_WORDS, " ")
    return empty_as_null(keep_letters_and_digits(joined))


def _parse_distinct(delivered: pa.Array) -> pa.Table:
    whole = tidy(delivered)
    name, trading_as = _split_trading_as(whole)
    name, suffix = _split_registration(name)
    name, company_type, conflict = _split_company_type(name, suffix)
    name, state, company_type, conflict = _type_before_state(name, suffix, company_type, conflict)
    trading_as, company_type = _type_behind(trading_as, company_type)
    key = business_key(name)
    # At least two letters or digits and a letter among them: `3M` is a business, `A` and `20000` are not.
    enough = pc.and_(pc.match_substring_regex(key, "[A-Z]"), pc.greater(pc.binary_length(key), 1))
    usable = pc.fill_null(pc.and_(enough, pc.invert(is_placeholder(name))), False)
    problem = pc.if_else(pc.is_null(whole), "missing", pc.if_else(usable, "", "unusable"))
    nothing = pa.scalar(None, pa.string())
    return pa.table(
        {
            "name": pc.if_else(usable, pc.binary_join_element_wise(name, pc.fill_null(state, ""), ""), nothing),
            "company_type": company_type,
            "trading_as": trading_as,
            "key": pc.if_else(usable, key, nothing),
            "conflict": conflict,
            "problem": problem,
        }
    )


def _split_trading_as(names: pa.Array) -> tuple[pa.Array, pa.Array]:
    nothing = pa.nulls(len(names), pa.string())
    mask = pc.fill_null(pc.match_substring_regex(names, _HAS_TRADING_AS), False)
    if not pc.any(mask).as_py():
        return names, nothing
    parts = pc.extract_regex(names.filter(mask), _TRADING_AS)
    before, behind = (empty_as_null(pc.utf8_trim(pc.struct_field(parts, i), _EDGES)) for i in ("name", "trading"))
    # `T/A SHOP` without a name before it, or nothing behind: then what there is, is the name.
    name = pc.coalesce(pc.if_else(pc.is_null(behind), before, pc.coalesce(before, behind)), names.filter(mask))
    return pc.replace_with_mask(names, mask, name), pc.replace_with_mask(nothing, mask, behind)


def _split_registration(names: pa.Array) -> tuple[pa.Array, pa.Array]:
    nothing = pa.nulls(len(names), pa.string())
    mask = pc.fill_null(pc.match_substring_regex(names, _REGISTRATION_AT_END), False)
    if not pc.any(mask).as_py():
        return names, nothing
    some = names.filter(mask)
    suffix = pc.struct_field(pc.extract_regex(some, _REGISTRATION), "suffix")
    name = pc.replace_substring_regex(some, _REGISTRATION_AT_END, "")
    return pc.replace_with_mask(names, mask, name), pc.replace_with_mask(nothing, mask, suffix)


def _type_before_state(
    names: pa.Array, suffix: pa.Array, company_type: pa.Array, conflict: pa.Array
) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """Find the company type of those without one that have it before what becomes of the company.

    Returns name, that state as delivered or null, type, conflict; the names are those that are left of the whole.
    """
    state = pa.nulls(len(names), pa.string())
    without = pc.and_(pc.is_null(company_type), pc.is_valid(names))
    ends = pc.match_substring_regex(names.filter(without), _STATE_AT_END)
    mask = pc.replace_with_mask(without, without, ends)
    if not pc.any(mask).as_py():
        return names, state, company_type, conflict
    whole = names.filter(mask)
    stem = pc.replace_substring_regex(whole, _STATE_AT_END, "")
    some, late_suffix = _split_registration(stem)
    name, kind, doubt = _split_company_type(some, pc.coalesce(suffix.filter(mask), late_suffix))
    typed = pc.is_valid(kind)
    mask = pc.replace_with_mask(mask, mask, typed)
    return (
        pc.replace_with_mask(names, mask, name.filter(typed)),
        pc.replace_with_mask(state, mask, rest_of(whole, stem).filter(typed)),
        pc.replace_with_mask(company_type, mask, kind.filter(typed)),
        pc.replace_with_mask(conflict, mask, doubt.filter(typed)),
    )


def _type_behind(trading_as: pa.Array, company_type: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Give a company the type that stands behind its trading name (`ABC T/A SHOP (PTY) LTD`) where it has none of its own.

    Only a registered company's: a shop may well call itself a trust or an association.
    """
    mask = pc.and_(pc.is_valid(trading_as), pc.is_null(company_type))
    if not pc.any(mask).as_py():
        return trading_as, company_type
    registered = pa.array(sorted({kind.shown for kind in company_types().values() if kind.suffixes}), pa.string())
    delivered = trading_as.filter(mask)
    name, behind, _ = _split_company_type(_split_registration(delivered)[0], pa.nulls(len(delivered), pa.string()))
    taken = pc.and_(pc.is_in(behind, registered), pc.is_valid(name))
    mask = pc.replace_with_mask(mask, mask, taken)
    return (
        pc.replace_with_mask(trading_as, mask, name.filter(taken)),
        pc.replace_with_mask(company_type, mask, behind.filter(taken)),
    )


def _split_company_type(names: pa.Array, suffix: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    stem = pc.replace_substring_regex(names, _tail_pattern(), "")
    tail = empty_as_null(rest_of(names, stem))
    values, at = distinct(tail)
    # A tail can hold a word of the name too (`FREE STATE TRUST CC`): only what is a type is cut off, by its length.
    read = [read_tail(text) for text in values.to_pylist()]
    kept = pa.array([kept for kept, _, _ in read], pa.string()).take(at)
    company_type = pa.array([kind.shown if kind else None for _, kind, _ in read], pa.string()).take(at)
    several = pa.array([conflict for _, _, conflict in read], pa.bool_()).take(at)
    name = pc.if_else(pc.is_null(tail), names, pc.binary_join_element_wise(stem, pc.fill_null(kept, ""), ""))
    conflict = pc.or_(pc.fill_null(several, False), _contradicted(company_type, suffix))
    return empty_as_null(pc.utf8_trim(name, _EDGES)), company_type, conflict


def _contradicted(company_type: pa.Array, suffix: pa.Array) -> pa.Array:
    if suffix.null_count == len(suffix):
        return pc.is_valid(suffix)
    allowed = {kind.shown: kind.suffixes for kind in company_types().values()}
    pairs = [f"{shown}|{ending}" for shown, endings in allowed.items() for ending in endings]
    any_suffix = pa.array([shown for shown, endings in allowed.items() if not endings], pa.string())
    pair = pc.binary_join_element_wise(company_type, suffix, "|")
    fits = pc.or_(pc.is_in(pair, pa.array(pairs, pa.string())), pc.is_in(company_type, any_suffix))
    return pc.and_(pc.is_valid(pair), pc.invert(fits))


@lru_cache(maxsize=1)
def company_types() -> dict[str, CompanyType]:
    """Return the company type of each known form in words."""
    rows = (line.split(",") for line in data_lines("company_types.csv"))
    return {words: CompanyType(shown, frozenset(suffixes)) for words, shown, *suffixes in rows}


@lru_cache(maxsize=1)
def _tail_pattern() -> str:
    # Any run of words that occur in company types at the end of a name; which of them are one is read per distinct tail.
    words = sorted({word for form in company_types() for word in form.split()}, key=lambda word: (-len(word), word))
    accented = "|".join(re.sub("(?<=KO)OP|^OP(?=ERASIE|$)", r"[OÖöo]\\x{308}?P", word) for word in words)
    return rf"(?i)(?:^|{_BETWEEN}+)(?:(?:{accented})(?:{_BETWEEN}+|$))+$"


def read_tail(tail: str) -> tuple[str, CompanyType | None, bool]:
    """Read the words of company types at a name's end: what of them belongs to the name, the type, whether two conflict.

    `FAMILY TRUST CC` is a close corporation with TRUST in its name, which is no conflict; `CC (PTY) LTD` is one.
    """
    words = [(m.group(), m.start()) for m in _WORD.finditer(tail)]
    plain_words = [word.upper().replace("Ö", "O").replace("\u0308", "") for word, _ in words]
    kind, start = _longest_type(plain_words)
    if kind is None:
        return tail, None, False
    before, _ = _longest_type(plain_words[:start])
    conflict = (
        before is not None and bool(before.suffixes) and bool(kind.suffixes) and not before.suffixes & kind.suffixes
    )
    if before is not None and (conflict or before.shown == kind.shown):
        _, start = _longest_type(plain_words[:start])
    kept = tail[: words[start][1]] if start < len(words) else tail
    return kept.rstrip(" \t.,;([{-/"), kind, conflict


def _longest_type(words: list[str]) -> tuple[CompanyType | None, int]:
    for start in range(max(0, len(words) - 6), len(words)):
        kind = company_types().get(" ".join(words[start:]))
        if kind:
            return kind, start
    return None, len(words)
