"""What reviewers are asked: the undecided names of a batch and a random sample of the decided, in one random order.

Plain values; the file that carries the questions is `questionnaire`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from leadscout_assets.names.remembered import full_name_key, name_key
from leadscout_assets.terms import Method, Origin

ESTIMATES = frozenset((Method.LEXICON, Method.PHONETIC, Method.STATISTICAL, Method.ABSTAINED))
"""Methods by which the model, and no person, decided: only such names are asked about."""

SAMPLE = 100
"""Decided names in the sample unless asked otherwise: agreement of 95 % is then known to within 5 points."""

_NAME_HASH_BYTES = 16
_ID_BYTES = 5
_PERSON = b"leadscout name"
_ORDER = [origin.value for origin in Origin]


@dataclass(frozen=True)
class Question:
    """One name to review, and the model's answer when it was asked. No name in clear.

    `question_id` stands in the file beside the name. `full_name`: a given name is written out, so that the answer may
    count for others of the same name. `sampled`: from the random sample of the decided; else it was undecided.
    `origin_set` holds the model's answer (1), its set (2 or 3), or nothing where it abstained.
    """

    question_id: str
    batch_id: str
    lead_id: str
    name_hash: str
    full_name: bool
    sampled: bool
    origin_set: tuple[str, ...]
    model_version: str


@dataclass(frozen=True)
class Asked:
    """The questions of one export with the names that they are about, in the order in which they are put."""

    questions: tuple[Question, ...]
    names: tuple[str, ...]

    @property
    def sampled(self) -> int:
        """How many of the questions are from the random sample."""
        return sum(question.sampled for question in self.questions)


def name_hashes(key: bytes) -> Callable[[str], str]:
    """Return the function from a name's comparison key to its keyed hash, 32 hex digits.

    BLAKE2b with the platform's key, told apart from lead ids by its personalisation: without the key nobody can find a
    name by trying.
    """

    def name_hash(text: str) -> str:
        return hashlib.blake2b(text.encode(), key=key, person=_PERSON, digest_size=_NAME_HASH_BYTES).hexdigest()

    return name_hash


def ask(
    leads: pa.Table,
    classifications: pa.Table,
    *,
    known: Collection[str],
    sample: int,
    seed: int,
    name_hash: Callable[[str], str],
) -> Asked:
    """Choose the questions on one batch: every undecided name, and `sample` of the decided ones, drawn at random.

    `leads` has lead_id and the director's name parts, `classifications` is of the same leads in any order; `known` are the
    lead ids that were answered already, and are not asked again. The same arguments give the same questions. Undecided
    and sampled names are mixed, so that nobody can tell what the model thought.
    """
    columns = ("lead_id", "director_given_names", "director_surname")
    people = {
        one: (given, surname) for one, given, surname in zip(*(leads[c].to_pylist() for c in columns), strict=True)
    }
    wanted = ("batch_id", "lead_id", "origin_set", "method", "model_version")
    rows = [
        row
        for row in classifications.select(wanted).to_pylist()
        if row["method"] in ESTIMATES and row["lead_id"] not in known
    ]
    rows.sort(key=lambda row: str(row["lead_id"]))
    batch = rows[0]["batch_id"] if rows else ""
    dice = np.random.default_rng(list(hashlib.sha256(f"{batch}/{seed}".encode()).digest()))
    decided = [at for at, row in enumerate(rows) if len(row["origin_set"]) == 1]
    drawn = set(dice.permutation(decided)[:sample].tolist())
    chosen = [at for at, row in enumerate(rows) if len(row["origin_set"]) != 1 or at in drawn]
    chosen = [chosen[place] for place in dice.permutation(len(chosen)).tolist()]
    export = _export_id([rows[at] for at in chosen], sample, seed)
    questions, names = [], []
    for number, at in enumerate(chosen, 1):
        row = rows[at]
        given, surname = people[row["lead_id"]]
        questions.append(
            Question(
                question_id=f"{export}-{number}",
                batch_id=row["batch_id"],
                lead_id=row["lead_id"],
                name_hash=name_hash(name_key(given, surname)),
                full_name=full_name_key(given, surname) is not None,
                sampled=at in drawn,
                origin_set=tuple(sorted(row["origin_set"], key=_ORDER.index)),
                model_version=row["model_version"],
            )
        )
        names.append(" ".join(filter(None, (given, surname))))
    return Asked(tuple(questions), tuple(names))


def _export_id(rows: list[dict[str, object]], sample: int, seed: int) -> str:
    """Return the same id for the same questions, so that asking twice is asking once."""
    told = "\n".join(f"{row['batch_id']} {row['lead_id']} {row['origin_set']} {row['model_version']}" for row in rows)
    return hashlib.sha256(f"{sample} {seed}\n{told}".encode()).hexdigest()[: 2 * _ID_BYTES]
