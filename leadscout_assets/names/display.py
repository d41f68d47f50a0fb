"""How a taken-apart name is shown (display case) and compared (key). Which word is the surname is decided before."""

import re
from functools import lru_cache

from leadscout_assets.names.folding import fold, fold_word, letters
from leadscout_assets.names.wordlists import PARTICLES

VOWELS = frozenset("aeiouy")
# Two letters that begin with a vowel and are names all the same; other such pairs are initials (`AJ`).
_SHORT_NAMES = frozenset(("an", "ah", "ao", "ou", "al", "ed", "ng"))
_CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")


@lru_cache(maxsize=100_000)
def is_initials(word: str) -> bool:
    """Tell whether a word is one or more initials: one letter, or capitals such as `JP` and `AJ` that are no name."""
    lower = word.lower()
    if len(lower) == 1:
        return word.isascii()
    if len(lower) > 3 or not word.isupper() or lower in _SHORT_NAMES or not word.isalpha():
        return False
    return not VOWELS & set(lower) or (len(lower) == 2 and lower[0] in VOWELS and lower[1] not in VOWELS)


@lru_cache(maxsize=100_000)
def cased(word: str) -> str:
    """Return one word in display case: `McDonald`, `O'Neill`, `Nkosi-Dlamini`; deliberate inner capitals stay."""
    if is_initials(word) or _CAMEL.fullmatch(word):
        return word.upper() if is_initials(word) else word
    return "-".join(_cased_piece(piece) for piece in word.split("-"))


def _cased_piece(piece: str) -> str:
    head, apostrophe, tail = piece.partition("'")
    if _CAMEL.fullmatch(head):
        return f"{head}{apostrophe}{tail.lower()}"
    # After O', D' and L' a name begins; after N' or M' (N'wamitwa, M'bali) it goes on.
    if apostrophe and head.lower() in ("o", "d", "l"):
        return f"{head.upper()}'{tail.capitalize()}"
    if head.lower().startswith("mc") and len(head) > 3:
        head = "Mc" + head[2:].capitalize()
    else:
        head = head.capitalize()
    return f"{head}{apostrophe}{tail.lower()}"


def cased_surname(words: list[str]) -> str:
    """Return a surname in display case: `Van der Merwe`, `Botha-van Zyl`, its inner particles in lower case."""
    last = len(words) - 1
    shown = [
        word.lower() if place and place < last and word.lower() in PARTICLES else cased(word)
        for place, word in enumerate(words)
    ]
    for place, word in enumerate(shown[:-1]):
        first, hyphen, particle = word.rpartition("-")
        if hyphen and particle.lower() in PARTICLES:
            shown[place] = f"{first}-{particle.lower()}"
    return " ".join(shown)


def comparison_key(given: list[str], surname: list[str]) -> str:
    """Return the comparison form: initials joined (`j p` = `jp`), particles glued (`vandermerwe`), hyphens opened."""
    if len(given) == len(surname) == 1 and "-" not in given[0] and "-" not in surname[0]:
        return f"{_comparable(given[0])} {_comparable(surname[0])}"
    parts: list[str] = []
    initials = ""
    for word in (piece for one in given for piece in one.split("-")):
        if is_initials(word):
            initials += fold_word(word)
            continue
        parts += [initials, _comparable(word)] if initials else [_comparable(word)]
        initials = ""
    parts.append(initials)
    glued = ""
    for word in (piece for one in surname for piece in one.split("-")):
        glued += _comparable(word)
        if word.lower() not in PARTICLES:
            parts.append(glued)
            glued = ""
    parts.append(glued)
    return " ".join(filter(None, parts))


@lru_cache(maxsize=100_000)
def _comparable(word: str) -> str:
    """Return the letters a to z of a word, or its folded form where it has none (other scripts)."""
    return letters(word) or fold(word).replace("'", "")
