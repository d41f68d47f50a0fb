"""Dirty ways in which lists write a name, made by rule from the clean one: what the evaluation tries beside it.

Every variant is a function of the name and a seed alone, so that figures can be repeated.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from leadscout_assets.names.normalising import split_name

_NEAR_KEYS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl",
    "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb",
    "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
_TITLES = ("Mr", "Mrs", "Ms", "Dr", "Prof", "Mnr", "Mev", "Adv")


def _split(name: str) -> tuple[str, str]:
    parts = split_name(name)
    return parts.given_names or "", parts.surname or name


def _with(given: str, surname: str) -> str:
    return f"{given} {surname}".strip()


def _capitals(name: str, _: random.Random) -> str:
    return name.upper()


def _small(name: str, _: random.Random) -> str:
    return name.lower()


def _spaced(name: str, _: random.Random) -> str:
    return "  " + "   ".join(name.split()) + " "


def _comma(name: str, _: random.Random) -> str:
    given, surname = _split(name)
    return f"{surname.upper()}, {given}" if given else name


def _surname_first(name: str, _: random.Random) -> str:
    given, surname = _split(name)
    return f"{surname.upper()} {given}" if given else name


def _turned(name: str, _: random.Random) -> str:
    given, surname = _split(name)
    return _with(surname, given) if given else name


def _initials(name: str, _: random.Random) -> str:
    given, surname = _split(name)
    return _with(" ".join(word[0] for word in given.split()), surname)


def _first_and_initial(name: str, chance: random.Random) -> str:
    given, surname = _split(name)
    return _with(f"{given.split()[0]} {chance.choice('ABJMPST')}" if given else "", surname)


def _titled(name: str, chance: random.Random) -> str:
    return f"{chance.choice(_TITLES)}{chance.choice(('', '.'))} {name}"


def _numbered(name: str, chance: random.Random) -> str:
    return f"{name} ({chance.randint(2, 4)})"


def _slip_in_surname(name: str, chance: random.Random) -> str:
    given, surname = _split(name)
    return _with(given, _slipped(surname, chance))


def _slip_in_given(name: str, chance: random.Random) -> str:
    given, surname = _split(name)
    return _with(_slipped(given, chance), surname)


def _slipped(text: str, chance: random.Random) -> str:
    """Return text with one letter left out, doubled, swapped with the next or hit beside, not the first; short words stay."""
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if len(places) < 3:
        return text
    at, kind = chance.choice(places), chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + chance.choice(_NEAR_KEYS.get(text[at].lower(), "e")) + text[at + 1 :]


def _digit(name: str, chance: random.Random) -> str:
    letters, digits = chance.choice(("oi", "io", "eo", "so")), {"o": "0", "i": "1", "e": "3", "s": "5"}
    found = next((one for one in letters if one in name[1:-1]), None)
    return name[:1] + name[1:-1].replace(found, digits[found], 1) + name[-1:] if found else name


def _marked(name: str, _: random.Random) -> str:
    """Return the name with another apostrophe and without accents' care: a backtick, or one put behind a first letter."""
    return name.replace("'", "`") if "'" in name else name.replace("-", " - ")


def _glued(name: str, _: random.Random) -> str:
    given, surname = _split(name)
    return _with(given, surname.replace(" ", ""))


VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "capitals": _capitals,
    "small_letters": _small,
    "spacing": _spaced,
    "comma": _comma,
    "surname_first": _surname_first,
    "turned": _turned,
    "initials": _initials,
    "first_and_initial": _first_and_initial,
    "title": _titled,
    "number_behind": _numbered,
    "slip_in_surname": _slip_in_surname,
    "slip_in_given": _slip_in_given,
    "digit_for_letter": _digit,
    "marks": _marked,
    "glued_surname": _glued,
}
"""Every way, by name. `turned` is the surname in front without any sign that it is one."""


def variant(name: str, kind: str) -> str:
    """Return a name written in one of the ways of `VARIANTS`; the same every time."""
    seed = int.from_bytes(hashlib.sha256(f"{kind}/{name}".encode()).digest()[:8])
    return VARIANTS[kind](name, random.Random(seed))  # noqa: S311  # nothing secret: a figure to be repeated
