"""One heading, spelled in many ways: the form that "Director's Name", "Directors Name 1" and "Name of Director(s)" share.

Which forms are which field is columns.py's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leadscout_assets.leads.column_maps import folded

# The s of a plural, and of a possessive without its apostrophe, after these words alone: the s of "Business", "Director
# Surname" and "Direkteur Sel" stays.
_S = re.compile(
    r"(director|owner|member|principal|proprietor|person|representative|company|entity|supplier|vendor|enterprise|firm"
    r"|name|number|cell|phone|mobile|landline|mail)s(?!urname)"
)
# What somebody has one of. Not "Number of Directors", which says how many there are.
_OF = re.compile(
    r"(?P<what>(?:full)?name(?:and)?(?:surname)?|(?:cell|mobile|contact|phone|telephone)\w*?)of(?:the)?(?P<whose>.+)"
)
_FIRST = re.compile(r"(?<!\d)0?1(?!\d)")
_ORDINAL = re.compile(r"(?:number|num|no|nr)0?1$")
_NUMBER = re.compile(r"(?:number|nommer|num|no|nr)$")
_NUMBER_OF_PHONE = re.compile(r"(phone|cell|landline|whatsapp)number$")
_HASH = re.compile(r"#(?!\w)|#(?=\d)")
_EITHER = re.compile(r"[/\\]|\bor\b", re.IGNORECASE)
_SURNAME = re.compile(r"(?:director|owner|member|contact|contactperson)?(?:surname|lastname|familyname|van)")


def as_written(heading: str) -> str:
    """Return the form in which a heading is compared first; empty where a # in it stands for "number"."""
    return "" if _HASH.search(heading) else folded(heading)


def loosely(heading: str) -> str:
    """Return the form that a heading shares with those that mean the same but for possessives, plurals, "of" and numbers.

    Of numbered columns the first has the form without a number; any other number stays.
    """
    form = folded(_HASH.sub(" number ", heading))
    form = _S.sub(r"\1", _FIRST.sub("", form))
    if of := _OF.fullmatch(form):
        form = of["whose"] + of["what"]
    for long, short in (("cellphone", "cell"), ("cellular", "cell"), ("mobilephone", "cell"), ("mobile", "cell")):
        form = form.replace(long, short)
    return _NUMBER_OF_PHONE.sub(r"\1", _NUMBER.sub("number", form.replace("telephone", "phone")))


def numbers_itself(heading: str) -> bool:
    """Return whether a heading ends as "Director No. 1" does: a person may be the first, or it may be their number."""
    return _ORDINAL.search(folded(_HASH.sub(" number ", heading))) is not None


def surname_alone(heading: str) -> bool:
    """Return whether a column holds surnames, so that one of "full names" beside it holds given names."""
    return _SURNAME.fullmatch(loosely(heading)) is not None


def alternatives(heading: str) -> Iterator[tuple[str, ...]]:
    """Yield what the parts of a heading such as "Owner/Director Cell" may mean, each in full: with the last part's end or without."""
    parts = [part.strip() for part in _EITHER.split(heading)]
    if len(parts) < 2 or not all(parts):
        return
    words = parts[-1].split()
    for end in range(len(words), 0, -1):
        tail = " ".join(words[end:])
        yield (*(f"{part} {tail}".strip() for part in parts[:-1]), parts[-1])
