"""What is personal in a text, and under which keys text is: patterns and words. Pure.

Values of other types, lines and errors are `privacy`'s.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

REMOVED = "[removed]"

# fmt: off
PERSONAL_WORDS = frozenset((
    # people and businesses
    "address", "addresses", "business", "businesses", "cell", "cells", "companies", "company", "contact", "director",
    "directors", "email", "emails", "entity", "fax", "file", "filename", "forename", "forenames", "initials", "mail",
    "mobile", "name", "names", "owner", "passport", "path", "paths", "person", "phone", "phones", "row", "street",
    "suburb", "surname", "surnames", "tel", "telephone", "trading",
    # cells of a row that may hold anything
    "defect_text", "extra", "id_number", "identity_number",
    # secrets
    "api_key", "authorization", "credential", "credentials", "dsn", "lead_id_key", "password", "secret", "token",
))
# fmt: on
"""A key that is, or has among its words, one of these holds no text in a log. Counts below it stay (`emails=12`)."""

_GROWN_TOGETHER = re.compile(
    r"\w+(?:names?|phones?|mails?|addresse?s?)|(?:director|contact|owner|trading)(?!y|ies)\w+"
    r"|(?:cell|contact|fax|id|identity|mobile|passport|phone|tel|telephone)(?:no|nr|num|number)s?"
)
"""The same words without a gap between: `firstname`, `emailaddress`, `cellno`; not `directory`."""

HARMLESS_KEYS = frozenset(
    ("asset_name", "class_name", "column_name", "job_name", "op_name", "setting_name", "step_name", "table_name")
)
"""Keys with a personal word that name parts of the platform."""

HARMLESS_WORDS = frozenset(key.replace("_", "") for key in HARMLESS_KEYS) | {"hostname", "rename"}
"""Words that look as if grown together from a personal one."""

TELLING_WORDS = frozenset(
    (
        "authorization",
        "director",
        "directors",
        "forename",
        "forenames",
        "password",
        "person",
        "secret",
        "surname",
        "surnames",
    )
)
"""Words before a colon that name a field; others open sentences, as `path: ...` and `file: ...` do half of all errors."""

LARGEST_COUNT = 99_999_999
"""A number above this below a personal key may be a telephone number."""

_GAP = r"[\s().\-/\u2010-\u2015]*"
_ONE_GAP = r"[\s.\-/\u2010-\u2015]?"
_BIRTHDAY = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_IN_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_MAIL = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|(?<![\w.%+'-])[\w.%+'-]+)\s?(?:@|[(\[]at[)\]])\s?[\w-]+(?:\.[\w-]+|\s\.\s[\w-]+)+"
)
_SECRET = re.compile(r"\b[Bb](?i:earer)\s+(?=\S*[\d-])[\w.~+/-]{8,}=*|(?<![\w-])sk-[\w-]{8,}")
_TELEPHONES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![^\W_])\+\d(?:{_GAP}\d){{7,14}}(?!\d)",  # with its country
        rf"(?<![^\W_])(?:(?:00)?27{_GAP}(?:0{_GAP})?|0[\s()\-]*)[1-8](?:{_GAP}\d){{8}}(?![^\W_])",  # South African
        r"(?<![^\W_])[6-8]\d{8}(?![^\W_])",  # mobile number that lost its zero
        # In its groups between other signs. Those of a figure are threes, and none begins with a zero.
        r"(?<![^\W_])(?:0|(?:\+|00)?27\s?[_,|*]\s?)[1-8]\d(?P<two>\s?[_,|*]\s?)\d{3}(?P=two)\d{4}(?![^\W_])",
        r"(?<![^\W_])0[1-8]\d\d(?P<three>\s?[_,|*]\s?)\d{3}(?P=three)\d{3}(?![^\W_])",
    )
)
_IDENTITY_NUMBER = re.compile(rf"(?<!\d){_BIRTHDAY}{_ONE_GAP}\d{{4}}{_ONE_GAP}\d{{3}}(?!\d)")
# Looked for from each digit on: a number before it would hide it.
_THIRTEEN = re.compile(rf"(?<![^\W_])(?=(\d(?:{_ONE_GAP}\d){{12}})(?![^\W_]))")
_HEX_DIGEST = re.compile(r"[0-9a-f]{16,}")
_DIGIT = re.compile(r"\d")
_CALM = re.compile(r"[A-Za-z ,.;'_]*")
"""No digit, no sign that an address, a field or a secret has, and none that steers a terminal."""

_KEY_IN_TEXT = re.compile(
    r"""(?<![\w-])(?P<quote>\\{0,3}["']|)(?P<key>[A-Za-z][\w.-]{1,60})(?P=quote)(?P<sign>\s*[:=]\s*)"""
)
_VALUE_IN_TEXT = re.compile(
    # Quotes end where no letter follows: O'Brien, and "Mokoena \"Best\" Traders". Bounds keep the time in line with the length.
    r"""(?:\\{1,3}"(?:(?!\\{1,3}").){0,1000}+\\{1,3}"|"(?:[^"\\\n]|\\.|"(?=\w)){0,1000}+"|'(?:[^'\\\n]|\\.|'(?=\w)){0,1000}+'"""
    r"""|\[(?:[^\[\]\n]|\[[^\[\]\n]*+\])*+\]|\{(?:[^{}\n]|\{[^{}\n]*+\})*+\}|\([^()\n]*+\)|[^,;}\])\n])*?"""
    r"""(?=\s{1,8}[\w.-]{2,60}=|\s{0,8}[|&]\s{0,8}[\w.-]{1,60}\s?[=:]|[,;}\])\n]|$)"""
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

SHORT = 64
"""Longest word that is remembered as masked: ids and codes come back line after line, names of people have a space."""


@lru_cache(maxsize=4096)
def is_personal(key: str) -> bool:
    """Return whether text under this key may be personal, or a secret."""
    spelled = _spelled(key)
    if spelled in HARMLESS_KEYS:
        return False
    return spelled in PERSONAL_WORDS or any(
        word in PERSONAL_WORDS or (word not in HARMLESS_WORDS and _GROWN_TOGETHER.fullmatch(word))
        for word in spelled.split("_")
    )


def words_of(key: str) -> list[str]:
    """Return the words that a key is made of, in lower case."""
    return _spelled(key).split("_")


def _spelled(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^0-9A-Za-z]+", "_", key).strip("_").lower()


def mask(text: str) -> str:
    """Return `text` on one line, without e-mail addresses, telephone and identity numbers, passwords in URLs, and what
    stands in it as the value of a personal field (`director_name=...`).
    """
    if len(text) <= SHORT and " " not in text:
        return _masked_word(text)
    return text if _CALM.fullmatch(text) else _masked(text)


@lru_cache(maxsize=2048)
def _masked_word(word: str) -> str:
    return _masked(word)


def _masked(text: str) -> str:
    if not text.isascii():
        text = _plain(text)
    digits = _DIGIT.search(text) is not None
    if digits:
        text = _without_identity_numbers(text)
    if "://" in text:
        text = _IN_URL.sub(REMOVED, text)
    text = _SECRET.sub(REMOVED, _MAIL.sub(REMOVED, text))
    if digits:
        for pattern in _TELEPHONES:
            text = pattern.sub(REMOVED, text)
    if "=" in text or ":" in text:
        text = _without_fields(text)
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def _plain(text: str) -> str:
    """Return the text with its look-alikes made plain: digits of any script, full-width forms, characters one cannot see."""
    spelled = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else c for c in spelled if unicodedata.category(c) != "Cf"
    )


def is_identity_number(digits: str) -> bool:
    """Say whether thirteen digits are a South African identity number: a date of birth, and a check digit by Luhn's rule."""
    if not re.match(_BIRTHDAY, digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _without_identity_numbers(text: str) -> str:
    """Remove them in their usual groups by their date alone, in any other also by their check digit."""
    text = _IDENTITY_NUMBER.sub(_unless_digest, text)
    kept, at = [], 0
    for match in _THIRTEEN.finditer(text):
        if match.start() >= at and is_identity_number(re.sub(r"\D", "", match[1])):
            kept += [text[at : match.start()], REMOVED]
            at = match.end(1)
    return "".join([*kept, text[at:]])


def _unless_digest(match: re.Match[str]) -> str:
    """Keep thirteen digits that stand in the middle of a lead id, a SHA-256 or the like."""
    start, end, text = match.start(), match.end(), match.string
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return match.group() if end - start > 13 and _HEX_DIGEST.fullmatch(text, start, end) else REMOVED


def _without_fields(text: str) -> str:
    """Return the text without the values of the personal fields that are written out in it."""
    kept, at = [], 0
    for match in _KEY_IN_TEXT.finditer(text):
        if match.start() < at or not _names_a_field(match) or not is_personal(match["key"]):
            continue
        value = _VALUE_IN_TEXT.match(text, match.end())
        if value and value.group() and not _is_count(value.group()):
            kept += [text[at : match.end()], REMOVED]
            at = value.end()
    return "".join([*kept, text[at:]])


def _names_a_field(match: re.Match[str]) -> bool:
    if match["quote"] or "=" in match["sign"]:
        return True
    spelled = _spelled(match["key"])
    return "_" in spelled or spelled in TELLING_WORDS or bool(_GROWN_TOGETHER.fullmatch(spelled))


def _is_count(value: str) -> bool:
    return value.isdecimal() and int(value) <= LARGEST_COUNT
