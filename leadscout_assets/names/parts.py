"""Surnames and strings of given names as the tokens that are looked up: folded, particles glued or set apart.

Which word is whose is decided before, in normalising.py; what tokens say comes after, in evidence.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leadscout_assets.names.folding import fold, letters, tidy
from leadscout_assets.names.knowledge import Knowledge
from leadscout_assets.names.lexicon import Kind
from leadscout_assets.names.wordlists import COMPOUND_STARTS, PARTICLES

MIN_REST = 4
"""Letters that must follow a glued particle: `Vanzyl` is read as `van Zyl`, `Vani` stays."""
GLUED = ("vander", "vanden", "janse", "van", "von", "dos", "du", "de", "le", "da", "ter", "vd")


class Part(NamedTuple):
    """The folded tokens of one part of a name, and the row of a particle that no token took up, or -1."""

    tokens: tuple[str, ...]
    particle: int = -1


def tokens_of(text: str, role: Kind, knowledge: Knowledge) -> Part:
    """Return the tokens of a surname or of a string of given names; initials are none."""
    (part,) = parts_of((text,), role, knowledge)
    return part


def parts_of(strings: Sequence[str], role: Kind, knowledge: Knowledge) -> list[Part]:
    """Return what `tokens_of` gives for each string; a given name that many of them hold is looked up once."""
    if role == "surname":
        return [_surname_tokens(text, knowledge) for text in strings]
    words = _GivenWords(knowledge)
    return [_given_tokens(text, words) for text in strings]


def _surname_tokens(text: str, knowledge: Knowledge) -> Part:
    """Return a surname's tokens as the lexicon writes them, particles glued where it knows them so."""
    if text.isalpha():
        return _single(letters(text), knowledge)
    words = [fold(tidy(word)) for word in text.replace("-", " ").split()]
    whole = letters("".join(words))
    if knowledge.knows(whole, "surname"):
        return Part((whole,))
    tokens: list[str] = []
    glued, particle = "", -1
    for word in words:
        plain = letters(word)
        glued += plain
        if word in PARTICLES or (word in COMPOUND_STARTS and len(words) > 1):
            continue
        if glued == plain or knowledge.knows(glued, "surname"):
            tokens.append(glued)
        else:
            tokens.append(plain)
            particle = _particle(glued[: -len(plain)] if plain else "", knowledge, particle)
        glued = ""
    return Part(tuple(token for token in [*tokens, glued] if len(token) > 1), particle)


def _single(token: str, knowledge: Knowledge) -> Part:
    """Return a surname of one word, a glued particle taken off where only what follows it is known."""
    if not knowledge.knows(token, "surname"):
        for start in GLUED:
            rest = token[len(start) :]
            if token.startswith(start) and len(rest) >= MIN_REST and knowledge.knows(rest, "surname"):
                return Part((rest,), _particle(start, knowledge, -1))
    return Part((token,) if len(token) > 1 else ())


def _particle(glued: str, knowledge: Knowledge, otherwise: int) -> int:
    found = knowledge.particles.get(glued)
    if found is not None:
        return found
    return next((row for known, row in knowledge.particles.items() if glued.startswith(known)), otherwise)


class _GivenWords(dict[str, list[str]]):
    """The tokens of each word of given names that was asked for: without initials and particles, `Jean-Pierre` may be one or two."""

    def __init__(self, knowledge: Knowledge) -> None:
        super().__init__()
        self._knowledge = knowledge

    def __missing__(self, word: str) -> list[str]:
        whole = letters(word)
        split = "-" in word and not self._knowledge.knows(whole, "given")
        tokens = [letters(piece) for piece in word.split("-")] if split else [whole]
        self[word] = found = [token for token in tokens if len(token) > 1 and token not in PARTICLES]
        return found


def _given_tokens(text: str, words: _GivenWords) -> Part:
    if text.isalpha():
        return Part((letters(text),) if len(text) > 1 else ())
    return Part(tuple([token for word in text.split() for token in words[word]]))
