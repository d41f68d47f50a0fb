"""Takes plain names apart a column at a time: words of letters in one case, nothing that needs a second look.

Nine in ten names of a delivery are such. What comes out is what `normalising.split_name` gives for each of them.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.names.wordlists import (
    COMPANY_ENDINGS,
    COMPANY_WORDS,
    CUT_AT,
    PARTICLES,
    PLACEHOLDER_PHRASES,
    PLACEHOLDER_WORDS,
    ROLES,
    SUFFIXES,
    TITLES,
)

# Particles have fewer letters.
_WORDS = r"^[A-Za-z]{3,}(?: [A-Za-z]{3,})+$"
_INITIALS = r"^(?P<given>[A-Za-z](?: [A-Za-z])*) (?P<surname>[A-Za-z]{3,})$"
_SPACES = "[ \u00a0]+"
_ONE_CASE = r"^(?:[A-Z ]+|[a-z ]+|[A-Z][a-z]+(?: [A-Z][a-z]+)+)$"
_REVERSED = (
    r"^(?P<surname>[A-Z][a-z]{2,}|[A-Z]{3,}), ?"
    r"(?P<given>[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*|[A-Z]{3,}(?: [A-Z]{3,})*)$"
)
# Initials written together, and `Mc`, both of which need care with case.
_ODD = r"\b(?:[b-df-hj-np-tv-xz]{3}\b|mc)"
_LAST_WORD = r"^(?P<given>.+) (?P<surname>[a-z]+)$"


class PlainNames(NamedTuple):
    """For each name whether it is plain, and its parts, which mean nothing where it is not."""

    is_plain: pa.Array
    given_names: pa.Array
    surname: pa.Array
    key: pa.Array


def plain_names(names: pa.Array) -> PlainNames:
    """Take the plain ones of `names` (strings without nulls) apart."""
    spaced = pc.utf8_trim(pc.replace_substring_regex(names, _SPACES, " "), " ")
    turned = pc.extract_regex(spaced, _REVERSED)
    text = pc.if_else(
        pc.is_valid(turned),
        pc.binary_join_element_wise(pc.struct_field(turned, "given"), pc.struct_field(turned, "surname"), " "),
        pc.if_else(pc.match_substring_regex(spaced, _ONE_CASE), spaced, ""),
    )
    shaped = pc.or_(pc.match_substring_regex(text, _WORDS), pc.match_substring_regex(text, _INITIALS))
    key = pc.ascii_lower(pc.if_else(shaped, text, ""))
    doubtful = pc.or_(pc.match_substring_regex(key, _needs_care()), pc.match_substring_regex(key, _ODD))
    parts = pc.extract_regex(key, _LAST_WORD)
    given, surname = (pc.ascii_title(pc.struct_field(parts, name)) for name in ("given", "surname"))
    # `P G Strauss` is compared as `pg strauss`.
    initials = pc.extract_regex(key, _INITIALS)
    joined = pc.replace_substring(pc.struct_field(initials, "given"), " ", "")
    compared = pc.coalesce(pc.binary_join_element_wise(joined, pc.struct_field(initials, "surname"), " "), key)
    return PlainNames(pc.and_(pc.not_equal(key, ""), pc.invert(doubtful)), given, surname, compared)


@cache
def _needs_care() -> str:
    """Return the pattern of lower-case names with a word that may be no name, placeholders of several, or one letter throughout."""
    words = _alternatives(
        frozenset().union(
            TITLES, SUFFIXES, ROLES, PARTICLES, PLACEHOLDER_WORDS, COMPANY_WORDS, COMPANY_ENDINGS, CUT_AT,
            ("and", "estate", "boedel"),
        )
    )  # fmt: skip
    one_letter = "|".join(f"{letter}+(?: {letter}+)*" for letter in "abcdefghijklmnopqrstuvwxyz")
    phrases = "|".join(sorted(PLACEHOLDER_PHRASES))
    return rf"(?:^| )(?:{words})(?: |$)|^(?:{one_letter}|{phrases})$"


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words) if word.isascii() and word.isalpha())
