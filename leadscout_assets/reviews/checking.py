"""Whether what came back can be stored: every row against the question that it answers. No file and no database here.

A fault names the row and the fix, never what stands in a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leadscout_assets.names.deciding import FOLD_INTO
from leadscout_assets.names.describing import FOLDED_LANGUAGES
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.remembered import name_key
from leadscout_assets.reviews.questions import Question
from leadscout_assets.terms import CANNOT_TELL, Origin, ReviewNote


@dataclass(frozen=True)
class FilledRow:
    """One row as it came back; None where a cell is blank. `row` is the number that a spreadsheet shows."""

    row: int
    question_id: str | None
    name: str | None
    origin: str | None
    language: str | None
    note: str | None


@dataclass(frozen=True)
class Given:
    """One usable answer: the question, and an origin or `cannot_tell`."""

    question: Question
    origin: str
    language: str | None
    note: str | None


@dataclass(frozen=True)
class Fault:
    """A row that cannot be stored, and what to do about it."""

    row: int
    sentence: str


@dataclass(frozen=True)
class Checked:
    """What came back: usable answers, one per lead, the rows at fault, and how many are not answered yet."""

    answers: tuple[Given, ...]
    faults: tuple[Fault, ...]
    open: int


@dataclass(frozen=True)
class Options:
    """What may be chosen in each column of the questionnaire."""

    origins: tuple[str, ...]
    languages: tuple[str, ...]
    notes: tuple[str, ...] = tuple(ReviewNote)


def options(languages: Sequence[str], *, reveal_religion: bool) -> Options:
    """Return what may be chosen, given the languages that the model knows; nothing that reveals religion unless switched on."""
    origins = [one.value for one in Origin if reveal_religion or one not in FOLD_INTO]
    shown = {one for one in languages if one and (reveal_religion or one not in FOLDED_LANGUAGES)}
    return Options((*origins, CANNOT_TELL), tuple(sorted(shown)))


def check(
    rows: Sequence[FilledRow],
    questions: Mapping[str, Question],
    allowed: Options,
    name_hash: Callable[[str], str],
) -> Checked:
    """Check rows against the questions by id, as far as the platform knows these."""
    answers: dict[str, tuple[int, Given]] = {}
    faults: list[Fault] = []
    contradicted: set[str] = set()
    left = 0
    for filled in rows:
        question = questions.get(filled.question_id or "")
        if fault := _fault(filled, question, allowed, name_hash):
            faults.append(Fault(filled.row, fault))
        elif filled.origin is None or question is None:
            left += 1
        else:
            given = Given(question, _code(filled.origin), _maybe(filled.language), _maybe(filled.note))
            before = answers.setdefault(question.lead_id, (filled.row, given))
            if _said(before[1]) != _said(given):
                contradicted.add(question.lead_id)
                sentence = f"it contradicts row {before[0]}, which is about the same lead: leave one answer"
                faults.append(Fault(filled.row, sentence))
    usable = tuple(given for lead, (_, given) in answers.items() if lead not in contradicted)
    return Checked(usable, tuple(faults), left)


def _fault(
    filled: FilledRow, question: Question | None, allowed: Options, name_hash: Callable[[str], str]
) -> str | None:
    if filled.question_id is None:
        return "its first cell, Question, is blank: copy it from the file as it was exported"
    if question is None:
        return "this platform has not asked this question, or has forgotten it: export the batch again"
    parts = split_name(filled.name or "")
    if name_hash(name_key(parts.given_names, parts.surname)) != question.name_hash:
        return "the name is not the one that was asked about: copy the row from the file as it was exported"
    if filled.origin is None:
        return (
            "it has a language or a note but no origin: choose one, or cannot tell"
            if filled.language or filled.note
            else None
        )
    for cell, choices, column in (
        (filled.origin, allowed.origins, "Origin"),
        (filled.language, allowed.languages, "Language"),
        (filled.note, allowed.notes, "Note"),
    ):
        if cell is not None and _code(cell) not in choices:
            return f"{column} holds none of the choices: choose one of the list that the cell offers"
    if _code(filled.origin) == CANNOT_TELL and filled.language:
        return "it has a language but cannot tell the origin: leave the language out"
    return None


def _said(given: Given) -> tuple[str, str | None, str | None]:
    return given.origin, given.language, given.note


def _maybe(cell: str | None) -> str | None:
    return None if cell is None else _code(cell)


def _code(cell: str) -> str:
    """Return the code that a cell shows in words: `Cape Malay` is `cape_malay`."""
    return "_".join(cell.casefold().split())
