"""Takes a written name apart: title, given names, surname, comparison key, or why it is not a person's name.

Origins do not belong here, so the order of `Nkosi Brian` stays as written; the cascade judges both readings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from leadscout_assets.names.display import VOWELS, cased, cased_surname, comparison_key, is_initials
from leadscout_assets.names.folding import fold, fold_word, tidy
from leadscout_assets.names.wordlists import (
    COMPANY_ENDINGS,
    COMPANY_PHRASES,
    COMPANY_WORDS,
    COMPOUND_STARTS,
    CUT_AT,
    NAMES_TOO,
    NOT_LEADING,
    PARTICLES,
    PLACEHOLDER_PHRASES,
    PLACEHOLDER_WORDS,
    ROLES,
    SENIOR_COUNSEL,
    SUFFIXES,
    TITLES,
)

if TYPE_CHECKING:
    # A single name is taken apart without Arrow, which alone takes as long to import as all the rest.
    import pyarrow as pa

MISSING, UNUSABLE, SINGLE = "missing", "unusable", "single"

_SUSPECT = frozenset().union(
    TITLES,
    ROLES,
    PLACEHOLDER_WORDS,
    COMPANY_WORDS,
    COMPANY_ENDINGS,
    (word for p in (*COMPANY_PHRASES, *PLACEHOLDER_PHRASES) for word in p.split()),
)
# Letters with single marks between them, and nothing that needs repair.
_SIMPLE = re.compile(r"(?:[A-Za-z]++(?:['-][A-Za-z]++)*+[.,]? ?)++")
_WORDS = re.compile(r"[\w']+")
_PARENTHESES = re.compile(r"[(\[{][^)\]}]*[)\]}]?")
_ADDRESS = re.compile(r"@|www\.|https?:", re.IGNORECASE)
_OTHERS = re.compile(r"\s*[/;&+|]\s*|\s+(?:and|AND|And|en)\s+")
_SEPARATORS = frozenset(("/", ";", "&", "+", "|", "and", "en"))
_VAN_DER = re.compile(r"\bv\.?\s?/?\s?d\.?(?=\s|[A-Z]{2})|\bvd\b\.?", re.IGNORECASE)
_CARE_OF = re.compile(r"\b[cds]/o\b", re.IGNORECASE)
_DIGIT_FOR_LETTER = re.compile(r"(?<=[^\W\d_])[01345](?=[^\W\d_])")
_LETTER_OF_DIGIT = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"}
_SPACED_JOIN = re.compile(r"\s*-+\s*|(?<=\b[ODLod])'\s+")
_BEHIND_DASH = re.compile(rf"\s-+\s*(?:{'|'.join(sorted(ROLES | SUFFIXES | {SENIOR_COUNSEL}))})\.?\s*$", re.IGNORECASE)
_NOISE = re.compile(r"[^\w\s',-]|[\d_]")


class NameParts(NamedTuple):
    """One name taken apart; all None but `problem` where it is not a person's name."""

    title: str | None = None
    given_names: str | None = None
    surname: str | None = None
    key: str | None = None
    problem: str | None = None


def split_names(names: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return one row per name: title, given_names, surname, key, problem (nullable strings).

    `title`, `given_names` and `surname` are in display case. `key` is the accent-free lower-case given names and
    surname, the same for `SURNAME, First` and `First Surname`. `problem` is null, `missing` (blank), `unusable`
    (no person's name) or `single` (one name, which stands in `surname`).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    encoded = encoded.cast(pa.string()).dictionary_encode()
    parts = _split_distinct(encoded.dictionary)
    return pa.table(
        {field: parts[field].take(encoded.indices) for field in NameParts._fields if field != "problem"}
        | {"problem": pc.if_else(pc.is_valid(encoded.indices), parts["problem"].take(encoded.indices), MISSING)}
    )


def _split_distinct(names: pa.Array) -> pa.Table:
    """Take distinct names apart: plain ones by the column, the others one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from leadscout_assets.names.plain import plain_names

    plain = plain_names(names)
    others = [split_name(name) for name in names.filter(pc.invert(plain.is_plain)).to_pylist()]
    columns = zip(*others, strict=True) if others else ([] for _ in NameParts._fields)
    awkward = {field: pa.array(column, pa.string()) for field, column in zip(NameParts._fields, columns, strict=True)}
    shape = pa.nulls(len(names), pa.string())
    of_plain = {"given_names": plain.given_names, "surname": plain.surname, "key": plain.key}
    return pa.table(
        {
            field: pc.replace_with_mask(of_plain.get(field, shape), pc.invert(plain.is_plain), awkward[field])
            for field in NameParts._fields
        }
    )


def split_name(text: str) -> NameParts:
    """Take one written name apart; see `split_names`."""
    text = tidy(text)
    # Exits: missing, unusable, single, or a full name.
    if not text.strip():
        return NameParts(problem=MISSING)
    if not _SIMPLE.fullmatch(text):
        if _ADDRESS.search(text):
            return NameParts(problem=UNUSABLE)
        without = _PARENTHESES.sub(" ", text)
        text = _CARE_OF.sub(" ", without if any(map(str.isalpha, without)) else text)
    if "v" in text or "V" in text:
        text = _VAN_DER.sub("van der ", text)
    words = _WORDS.findall(fold(text).replace(".", " "))
    if _is_no_person(words):
        return NameParts(problem=UNUSABLE)
    if not _SIMPLE.fullmatch(text):
        text = _BEHIND_DASH.sub("", text)
        text = _first_person(text, words)
        text = _SPACED_JOIN.sub(
            lambda m: "-" if "-" in m[0] else "'",
            _NOISE.sub(" ", _DIGIT_FOR_LETTER.sub(lambda m: _LETTER_OF_DIGIT[m[0]], text)),
        )
    else:
        text = _first_person(text, words).replace(".", " ")
    before, comma, after = text.partition(",")
    title, front = _strip(_words(before))
    if comma:
        second_title, back = _strip(_words(after.replace(",", " ")), front, title)
        title = title or second_title
        if back and front:
            return _finished(title, back, _particles_first(front))
    if not front:
        return NameParts(problem=UNUSABLE)
    given, surname = _in_order(front)
    return _finished(title, given, surname)


def _has_variety(lower: str) -> bool:
    """Tell whether there is more than one letter: `xxxx xxxx` is no name."""
    return len(set(lower)) > 2


def _is_one_letter(text: str) -> bool:
    return len(set(filter(str.isalpha, text))) < 2


def _is_no_person(words: list[str]) -> bool:
    """Tell whether the folded words are a placeholder, a company, or hold no name of two letters."""
    if _SUSPECT.isdisjoint(words) and any(len(word) > 2 and word.isalpha() and _has_variety(word) for word in words):
        return False
    named = [word for word in words if not word.isdigit()]
    plain = "".join(named)
    if not any(sum(map(str.isalpha, word)) >= 2 for word in named) and not any(ord(c) > 0x2E7F for c in plain):
        return True
    # `xx xx`, `AAA BBB`; but `Aa Oo` may be one.
    long = any(len(word) > 2 for word in named)
    if plain.isascii() and (_is_one_letter(plain) or (long and all(map(_is_one_letter, named)))):
        return True
    if all(word in PLACEHOLDER_WORDS or word in TITLES or word in ROLES for word in named):
        return True
    if not COMPANY_WORDS.isdisjoint(named):
        return True
    # The apostrophe of `don't call`.
    if " ".join(named).replace("'", "") in PLACEHOLDER_PHRASES:
        return True
    whole = f" {' '.join(named)} "
    if any(f" {phrase} " in whole for phrase in COMPANY_PHRASES):
        return True
    others = [word for word in named[:-1] if word not in PARTICLES and word not in TITLES and len(word) > 1]
    return named[-1] in COMPANY_ENDINGS and len(others) >= 2


def _first_person(text: str, folded: list[str]) -> str:
    """Return the first person of a cell that names several; `John & Mary Smith` gives `John Smith`."""
    if _SEPARATORS.isdisjoint(text) and _SEPARATORS.isdisjoint(folded) and CUT_AT.isdisjoint(folded):
        return text
    people = [person for person in _OTHERS.split(text) if any(map(str.isalpha, person))]
    if len(people) > 1:
        first, last = people[0].split(), people[-1].split()
        # `Mr & Mrs J Smith`: the first part alone names nobody.
        if all(fold_word(word).strip(".") in TITLES for word in first):
            text = people[-1]
        elif "," in people[0] or len(first) > 1:
            text = people[0]
        else:
            text = " ".join([*first, *_in_order(_words(" ".join(last)))[1]])
    words = text.split()
    for place, word in enumerate(words):
        if place and fold_word(word).strip(".,:") in CUT_AT:
            return " ".join(words[:place])
    return text


def _words(text: str) -> list[str]:
    """Return the words of `text` without stray marks at their ends, `Mc Donald` joined."""
    words = [word.strip("-'") for word in text.split()]
    words = [word for word in words if word]
    for place in range(len(words) - 1, 0, -1):
        if words[place - 1].lower() == "mc":
            words[place - 1 : place + 1] = [f"Mc{words[place].capitalize()}"]
    return words


def _strip(words: list[str], front: Sequence[str] = (), title: str | None = None) -> tuple[str | None, list[str]]:
    """Take titles, roles and suffixes off both ends; a last remaining word stays unless it is a title.

    `front` and `title` are what stands before the comma, where the words follow one: there a suffix may stand alone.
    """
    found: list[str] = []
    while words and fold_word(words[0]) in TITLES and (len(words) > 1 or fold_word(words[0]) in _PURE_TITLES):
        found.append(TITLES[fold_word(words[0])])
        words = words[1:]
    while len(words) > 1 and fold_word(words[0]) in ROLES:
        words = words[1:]
    while words:
        last = fold_word(words[-1])
        if last in _PURE_TITLES:
            found.append(TITLES[last])
        elif not (
            (len(words) > 1 and (last in ROLES or (last in SUFFIXES and len(words) > 2)))
            or (front and last in SUFFIXES and last not in NAMES_TOO and (len(words) > 1 or _is_full(front)))
            or (last == SENIOR_COUNSEL and _is_counsel([*front, *words[:-1]], title, *found))
        ):
            break
        words = words[:-1]
    return (" ".join(dict.fromkeys(found)) or None), words


def _is_full(words: Sequence[str]) -> bool:
    """Tell whether there is more than a surname with its particles."""
    return sum(word.lower() not in PARTICLES for word in words) > 1


def _is_counsel(words: Sequence[str], *titles: str | None) -> bool:
    """Tell whether SC behind the words of a name is no initials: of an advocate, or of one whose initials stand in front."""
    return _is_full(words) and ("Adv" in titles or is_initials(words[0]))


# Titles nobody is called: they are taken off wherever they end a name, even when nothing else is left.
_PURE_TITLES = frozenset("mr mrs ms miss dr prof rev adv mnr mev mej ds mister".split())


def _in_order(words: list[str]) -> tuple[list[str], list[str]]:
    """Return given names and surname of words that no comma separates."""
    if len(words) == 1:
        return [], words
    shouted = _shouted_surname(words)
    if shouted:
        return words[shouted:], words[:shouted]
    # `Botha J P`, `BOTHA JP`, `van Wyk B`: initials behind, so the surname stands in front.
    end = len(words)
    while end > 1 and is_initials(words[end - 1]):
        end -= 1
    if end < len(words) and not is_initials(words[0]):
        start = _surname_start(words[:end])
        return words[:start] + words[end:], words[start:end]
    start = _surname_start(words)
    if start == 0 or not _leads_on(words[0]) or words[0].lower() in NOT_LEADING:
        return words[:start], words[start:]
    # `Van der Westhuizen Piet`, `Botha-van Zyl Piet`: nobody's given names start with a particle.
    end = next(place for place, word in enumerate(words) if not _leads_on(word)) + 1
    return (words[end:], words[:end]) if end < len(words) else ([], words)


def _surname_start(words: list[str]) -> int:
    """Return the place at which the surname with its particles starts."""
    start = len(words) - 1
    while start > 0 and _leads_on(words[start - 1]):
        start -= 1
    if start == 0 and words[0].lower() in NOT_LEADING and len(words) > 1:
        return _surname_start(words[1:]) + 1
    if 0 < start < len(words) - 1 and words[start - 1].lower() in COMPOUND_STARTS:
        start -= 1
    return start


def _leads_on(word: str) -> bool:
    """Tell whether a surname goes on behind a word: a particle, or one behind the first half of `Botha-van Zyl`."""
    lower = word.lower()
    first, _, last = lower.rpartition("-")
    return lower in PARTICLES or (bool(first) and last in PARTICLES and last not in NOT_LEADING)


def _shouted_surname(words: list[str]) -> int:
    """Return how many leading words are a surname in capitals before given names that are not (`NKOSI Brian`)."""
    count = 0
    for word in words:
        if not (word.isupper() and len(word) > 1):
            break
        count += 1
    rest = words[count:]
    if (
        not count
        or not rest
        or any(word.isupper() and len(word) > 1 for word in rest)
        or all(len(w) == 1 for w in rest)
    ):
        return 0
    last = words[count - 1]
    # Three letters that start with a vowel, or hold none, are more likely initials: `JPR Botha`, `ABE Botha`.
    convincing = len(last) > 3 or (
        len(last) == 3 and last[0].lower() not in VOWELS and bool(VOWELS & set(last.lower()))
    )
    return count if convincing else 0


def _particles_first(words: list[str]) -> list[str]:
    """Return a surname whose particles were put last (`Merwe van der`) with them in front."""
    end = len(words)
    while end > 1 and words[end - 1].lower() in PARTICLES:
        end -= 1
    return words[end:] + words[:end]


def _finished(title: str | None, given: list[str], surname: list[str]) -> NameParts:
    shown_surname = cased_surname(surname)
    shown_given = " ".join(map(cased, given)) or None
    key = comparison_key(given, surname)
    if not key:
        return NameParts(problem=UNUSABLE)
    # The parts of what was left may be initials alone, though the cell held more.
    if all(is_initials(word) for word in surname) and not given:
        return NameParts(problem=UNUSABLE)
    return NameParts(title, shown_given, shown_surname, key, None if shown_given else SINGLE)
